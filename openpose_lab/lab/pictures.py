"""Pictures of each stage on a photo, which a notebook shows inline."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.field_maps import FieldMaps, cells_to_photo
from estimation.files import encode_picture, write_whole
from estimation.renderers import draw_skeletons
from estimation.skeletons import to_skeletons

WIDEST, HIGHEST = 760, 760
"""The largest picture in pixels: as wide as a notebook's output on a desktop screen."""
_QUALITY = 72  # of the JPEG
_DIMMED = 0.45  # brightness of the photo under maps and peaks
_LEAST_ARROW = 0.15  # shorter PAF vectors are not drawn
_LEAST_SPACING = 12  # pixels between arrows
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.36


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that a notebook shows, as JPEG.

    Attributes:
        pixels: (h, w, 3) BGR uint8.
        title: a description of the picture.
    """

    pixels: NDArray[np.uint8]
    title: str

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"picture of {width} x {height} pixels: {self.title}"

    def _repr_jpeg_(self) -> bytes:
        _, data = cv2.imencode(".jpg", self.pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        return data.tobytes()

    def save(self, path: str | Path) -> None:
        """Write the picture to a file. Its extension says in which format."""
        write_whole(path, encode_picture(Path(path), self.pixels))


@dataclass(frozen=True, eq=False)
class Canvas:
    """A photo at the size of a picture, with its maps and peaks.

    Attributes:
        pixels: (h, w, 3) BGR uint8.
        scale: pixels of the picture per pixel of the photo.
        maps: the maps of the photo, before scaling.
        config: the configuration of the maps.
        coordinates: the peaks.
    """

    pixels: NDArray[np.uint8]
    scale: float
    maps: FieldMaps
    config: Config
    coordinates: Coordinates

    @staticmethod
    def of(photo: NDArray[np.uint8], maps: FieldMaps, config: Config, coordinates: Coordinates) -> Canvas:
        """Make a canvas of a photo. A photo larger than a picture is shrunk."""
        height, width = photo.shape[:2]
        scale = min(1.0, WIDEST / width, HIGHEST / height)
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        return Canvas(photo, scale, maps, config, coordinates)

    @property
    def _size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def _cell(self) -> tuple[float, float]:
        """Width and height of a cell in pixels of the picture."""
        width, height = self.maps.cell_size
        return width * self.scale, height * self.scale

    def _dimmed(self) -> NDArray[np.uint8]:
        return (self.pixels * _DIMMED).astype(np.uint8)

    def heatmap(self, channel: int) -> NDArray[np.uint8]:
        """Draw a heatmap over the darkened photo."""
        (width, height), (right, down) = self._cell, self.maps.offset
        move = np.array([[width, 0, width * (right + 0.5) - 0.5], [0, height, height * (down + 0.5) - 0.5]])
        heat = cv2.warpAffine(
            self.maps.heatmaps[:, :, channel], move, self._size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        heat = np.clip(heat, 0, 1)
        colours = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
        weight = np.clip(2 * heat, 0, 1)[:, :, None]
        return (self._dimmed() * (1 - weight) + colours * weight).astype(np.uint8)

    def paf(self, limb: int) -> NDArray[np.uint8]:
        """Draw the PAF of a limb as arrows over the darkened photo. The hue is the direction."""
        picture = self._dimmed()
        field = self.maps.pafs[:, :, self.config.paf_channels[limb]]
        step = max(1, round(_LEAST_SPACING / max(self._cell)))
        for row in range(step // 2, field.shape[0], step):
            for column in range(step // 2, field.shape[1], step):
                x, y = field[row, column].tolist()
                length = float(np.hypot(x, y))
                if length < _LEAST_ARROW:
                    continue
                middle = cells_to_photo((column, row), self._cell, self.maps.offset)
                half = np.array([x, y]) / max(length, 1) * max(self._cell) * step / 2
                hue = np.arctan2(y, x) / (2 * np.pi) % 1
                colour = [255 * part for part in reversed(colorsys.hsv_to_rgb(hue, 0.75, 1))]
                ends = [(16 * end).round().astype(int).tolist() for end in (middle - half, middle + half)]
                cv2.arrowedLine(picture, ends[0], ends[1], colour, 1, cv2.LINE_AA, 4, 0.4)
        return picture

    def peaks(self, parts: set[int]) -> NDArray[np.uint8]:
        """Mark the peaks of some body parts with their ids on the darkened photo. The hue is the part."""
        picture = self._dimmed()
        xy = cells_to_photo(self.coordinates.xy, self._cell, self.maps.offset, self._size)
        shown = [peak for peak, part in enumerate(self.coordinates.part.tolist()) if part in parts]
        for peak in shown:
            hue = self.coordinates.part[peak] / len(self.config.body_parts)
            colour = [255 * part for part in reversed(colorsys.hsv_to_rgb(hue, 0.6, 1))]
            cv2.circle(picture, (16 * xy[peak]).round().astype(int).tolist(), 16 * 3, colour, -1, cv2.LINE_AA, 4)
        for peak in shown:
            (width, _), _ = cv2.getTextSize(str(peak), _FONT, _FONT_SCALE, 1)
            x, y = xy[peak].round().astype(int).tolist()
            place = min(x + 5, self._size[0] - width), max(y - 3, 10)
            for grey, thick in ((0, 3), (255, 1)):
                cv2.putText(picture, str(peak), place, _FONT, _FONT_SCALE, 3 * (grey,), thick, cv2.LINE_AA)
        return picture

    def rows(self, rows: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Draw rows of limbs or people as ``draw_skeletons`` does."""
        skeletons = to_skeletons(
            self.config, rows, self.coordinates, self._cell, self.maps.offset, photo_size=self._size
        )
        return draw_skeletons(self.config, self.pixels, skeletons)
