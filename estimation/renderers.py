"""Skeletons -> picture."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.coordinates import Coordinates
from estimation.field_maps import cells_to_pixels
from estimation.photo_arrays import as_photo
from estimation.proportions import heights
from estimation.skeletons import NO_IDENTITY, Skeletons, to_skeletons

_Colour = tuple[float, float, float]  # BGR, 0 to 255
_OPACITY = 0.7  # of the limbs over the photo; joints are solid

# Line widths are shares of a person's height, between bounds. A person with a single keypoint has no height:
# the width is then the share _LONE_OF_PHOTO of the photo's shorter side.
_WIDTH_PER_HEIGHT = 1 / 45
_LEAST_PIXELS = 1.25
_LEAST_OF_PHOTO, _LONE_OF_PHOTO, _MOST_OF_PHOTO = 1 / 1000, 1 / 150, 1 / 40  # of the photo's shorter side
_WIDTH_PER_LENGTH = 0.3  # largest width of a limb / its length, so that the short limbs of a face do not hide it
_JOINT_PER_LIMB = 1.4  # a joint's diameter / the width of the narrowest limb that ends there

# The identity of a person is written above them. The height of its letters is a share of the person's height.
_TEXT_PER_HEIGHT = 1 / 12
_LEAST_TEXT, _MOST_TEXT = 10.0, 60.0  # pixels
_LEAST_TEXT_OF_PHOTO = 1 / 36  # of the photo's shorter side
_FONT, _FONT_PIXELS = cv2.FONT_HERSHEY_SIMPLEX, 22  # the height of its digits at scale 1
_GOLDEN = 0.618034  # of the colour wheel: the step from one identity to the next, so that successive colours differ
_HUES, _SATURATIONS = 8, (1.0, 0.45)  # after eight identities, the hues repeat nearly, so the next eight are paler

_OUTLINE = np.linspace(0, 2 * np.pi, 32, endpoint=False)  # the corners of an ellipse, as angles
_FURTHEST = 1e6  # pixels; keypoints further away are moved to this distance, because OpenCV counts pixels in 32 bits
_SUBPIXEL_BITS = 4  # OpenCV draws at fractions of a pixel in fixed point
_BLEED = 0.8  # pixels by which OpenCV's anti-aliased outlines exceed a shape
_FINE = 8.0  # pixels; narrower lines are drawn on an enlarged copy, which is then scaled down
_LARGE = 2_000_000  # array elements (pixels x 3 channels); an area with more is not enlarged


def draw_skeletons(config: Config, image: NDArray[np.uint8], skeletons: Skeletons) -> NDArray[np.uint8]:
    """Draw the limbs and joints of every person.

    Lines and joints scale with the height of each person. Smaller people are drawn last, because larger people would
    cover them. Each kind of limb and joint has its own colour. A person with an identity has one colour, and the number
    of the identity is written above them.

    Args:
        config: the configuration of the skeletons.
        image: (h, w, 3) BGR uint8; grey and BGRA are converted as in ``as_photo``. It is not changed.
        skeletons: the people.

    Returns:
        A copy of ``image`` with the people drawn, (h, w, 3) BGR uint8.

    Raises:
        OpenPoseLabError: if the image cannot be used.
    """
    image = as_photo(image)
    keypoints = np.clip(skeletons.keypoints, -_FURTHEST, _FURTHEST)
    tall = heights(config.layout, keypoints)
    widths = _line_widths(tall, min(image.shape[:2])).tolist()
    order = np.argsort(-tall, kind="stable").tolist()
    colours = [_identity_colour(identity) for identity in skeletons.person_ids.tolist()]
    people = [_shapes(config, keypoints[number], widths[number], colours[number]) for number in order]
    canvas = image.copy()
    for limbs, _ in people:
        _paint(canvas, limbs)
    cv2.addWeighted(canvas, _OPACITY, image, 1 - _OPACITY, 0, dst=canvas)  # in place: a photo may have 300 MB
    for _, joints in people:
        _paint(canvas, joints)
    for number in order:
        if (colour := colours[number]) is not None:
            _write(canvas, str(skeletons.person_ids[number]), keypoints[number], tall[number], colour)
    return canvas


def draw(
    config: Config,
    img: NDArray[np.uint8],
    coordinates: Coordinates,
    subset: NDArray[np.float64],
    resize_fac: float = 8,
) -> NDArray[np.uint8]:
    """Draw rows of people, such as ``estimation.estimators.estimate`` returns.

    The program in the course's handout calls this function. The project's own programs call ``draw_skeletons``.

    Args:
        config: the configuration that the peaks were found with.
        img: as in ``draw_skeletons``.
        coordinates: the peaks that the rows name.
        subset: (n, parts + 2) rows of people.
        resize_fac: pixels of ``img`` per map cell.

    Returns:
        (h, w, 3) BGR uint8, a copy of ``img`` with the skeletons.
    """
    photo = as_photo(img)
    skeletons = to_skeletons(config, subset, coordinates, resize_fac, photo_size=photo.shape[1::-1])
    return draw_skeletons(config, photo, skeletons)


@dataclass(frozen=True, eq=False)
class _Ellipses:
    """Ellipses of one person, in photo pixels.

    Attributes:
        middles: (k, 2) x and y.
        axes: (k, 2) vectors from the middle to one end.
        radii: (k,) half the width, across the axis.
        colours: k BGR colours.
    """

    middles: NDArray[np.float64]
    axes: NDArray[np.float64]
    radii: NDArray[np.float64]
    colours: list[_Colour]

    def outlines(self, shrink: float) -> NDArray[np.float64]:
        """Return the ellipses as polygons, ``shrink`` pixels narrower on every side: (k, corners, 2)."""
        lengths = np.hypot(*self.axes.T)[:, None]
        along = self.axes / np.maximum(lengths, 1e-6)
        across = along[:, ::-1] * (-1, 1)
        along = along * np.maximum(lengths - shrink, 0)
        across = across * np.maximum(self.radii[:, None] - shrink, 0)
        turns = np.cos(_OUTLINE)[:, None] * along[:, None] + np.sin(_OUTLINE)[:, None] * across[:, None]
        return np.asarray(self.middles[:, None] + turns)


def _line_widths(tall: NDArray[np.float64], shorter_side: int) -> NDArray[np.float64]:
    """Return the width of each person's lines in pixels, (n,), from their heights in pixels, (n,)."""
    least = max(_LEAST_PIXELS, shorter_side * _LEAST_OF_PHOTO)
    widths = np.where(tall > 1, tall * _WIDTH_PER_HEIGHT, shorter_side * _LONE_OF_PHOTO)
    return np.asarray(np.clip(widths, least, max(least, shorter_side * _MOST_OF_PHOTO)))


def _shapes(
    config: Config, keypoints: NDArray[np.float64], width: float, colour: _Colour | None
) -> tuple[_Ellipses, _Ellipses]:
    """Return the limbs and the joints of a person. ``keypoints``: (parts, 2) in pixels; ``width``: of the lines.

    All limbs and joints have the colour ``colour``. With None, each has the colour of its kind.
    """
    shown = np.array([not limb.redundant for limb in config.limbs], dtype=bool)
    limb_colours, part_colours = (
        _colours(count) if colour is None else [colour] * count for count in (len(config.limbs), len(config.body_parts))
    )
    limbs = np.flatnonzero(shown & ~np.isnan(keypoints[config.layout.limb_parts]).any(axis=(1, 2)))
    pairs = config.layout.limb_parts[limbs]
    starts, ends = keypoints[pairs[:, 0]], keypoints[pairs[:, 1]]
    axes = (ends - starts) / 2
    widths = np.clip(2 * np.hypot(*axes.T) * _WIDTH_PER_LENGTH, _LEAST_PIXELS, width)
    lines = _Ellipses((starts + ends) / 2, axes, widths / 2, [limb_colours[limb] for limb in limbs])

    narrowest = np.full(len(keypoints), width)
    np.minimum.at(narrowest, pairs, widths[:, None])
    parts = np.flatnonzero(~np.isnan(keypoints).any(axis=1))
    radii = narrowest[parts] / 2 * _JOINT_PER_LIMB
    circles = _Ellipses(keypoints[parts], radii[:, None] * (1, 0), radii, [part_colours[part] for part in parts])
    return lines, circles


def _paint(canvas: NDArray[np.uint8], ellipses: _Ellipses) -> None:
    """Paint on the canvas. Narrow shapes are painted on an enlarged copy of the area below them, for finer edges."""
    if not ellipses.colours:
        return
    corners = ellipses.outlines(0)
    low = np.clip(np.floor(corners.min(axis=(0, 1))) - 1, 0, canvas.shape[1::-1]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=(0, 1))) + 2, 0, canvas.shape[1::-1]).astype(int)
    covered = canvas[low[1] : high[1], low[0] : high[0]]
    if not covered.size:
        return
    zoom = int(np.ceil(_FINE / (2 * ellipses.radii.max()))) if covered.size <= _LARGE else 1
    view = covered.repeat(zoom, axis=0).repeat(zoom, axis=1) if zoom > 1 else covered
    outlines = cells_to_pixels(ellipses.outlines(_BLEED / zoom) - low, zoom)
    for outline, colour in zip(np.round(outlines * (1 << _SUBPIXEL_BITS)).astype(np.int32), ellipses.colours):
        cv2.fillConvexPoly(view, outline, colour, cv2.LINE_AA, _SUBPIXEL_BITS)
    if zoom > 1:
        covered[...] = cv2.resize(view, covered.shape[1::-1], interpolation=cv2.INTER_AREA)


def _write(canvas: NDArray[np.uint8], text: str, keypoints: NDArray[np.float64], tall: float, colour: _Colour) -> None:
    """Write a text above the highest keypoint of a person, within the picture, with a dark edge."""
    seen = keypoints[~np.isnan(keypoints).any(axis=1)]
    if not len(seen):
        return
    least = max(_LEAST_TEXT, min(canvas.shape[:2]) * _LEAST_TEXT_OF_PHOTO)
    size = max(least, min(tall * _TEXT_PER_HEIGHT, _MOST_TEXT))
    scale, thick = size / _FONT_PIXELS, max(1, round(size / 10))
    (width, height), _ = cv2.getTextSize(text, _FONT, scale, thick)
    highest = seen[seen[:, 1].argmin()]
    left, bottom = highest - (width / 2, 0.8 * size)
    limits = np.maximum(np.array(canvas.shape[1::-1]) - (width, 1), (0, height))
    place = np.clip((left, bottom), (0, height), limits).round().astype(int).tolist()
    cv2.putText(canvas, text, place, _FONT, scale, (0, 0, 0), 3 * thick, cv2.LINE_AA)
    cv2.putText(canvas, text, place, _FONT, scale, colour, thick, cv2.LINE_AA)


def _colours(count: int) -> list[_Colour]:
    """Return ``count`` BGR colours around the colour wheel."""
    return [_colour(k / count, 1) for k in range(count)]


def _identity_colour(identity: int) -> _Colour | None:
    """Return the BGR colour of an identity, or None without an identity."""
    if identity == NO_IDENTITY:
        return None
    return _colour(identity * _GOLDEN % 1, _SATURATIONS[identity // _HUES % len(_SATURATIONS)])


def _colour(hue: float, saturation: float) -> _Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, 1)
    return 255 * blue, 255 * green, 255 * red
