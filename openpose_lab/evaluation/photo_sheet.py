"""A picture of photos with known keypoints: the truth beside the answer, photo for photo."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO

from estimation.config import Config
from estimation.photos import read_photo
from estimation.renderers import draw_skeletons
from estimation.skeletons import Skeletons
from estimation.subset import MISSING
from openpose_lab.evaluation.annotations import counts
from openpose_lab.evaluation.pairing import PhotoLoss
from openpose_lab.formats.coco import COCO_KEYPOINTS, from_coco

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 2  # photos side by side, each twice
_PANEL_INCHES = 3.2
_DPI = 100
_LONGEST_SIDE = 640  # pixels of a photo; more does not show


def draw_photo_sheet(
    config: Config, truth: COCO, results: list[dict[str, Any]], photos: dict[int, Path], losses: list[PhotoLoss]
) -> NDArray[np.uint8]:
    """Draw photos with the ground truth beside the people found.

    A grey box marks a person without keypoints or a crowd, which COCO does not count.

    Args:
        config: the configuration of the people.
        truth: the annotations.
        results: the people found, without imputed keypoints.
        photos: the path of each photo by its image id.
        losses: the photos to draw, in this order.

    Returns:
        The sheet, (h, w, 3) BGR uint8.
    """
    from matplotlib.figure import Figure  # half a second that only this takes

    rows = -(-len(losses) // _COLUMNS)
    figure = Figure((2 * _COLUMNS * _PANEL_INCHES, rows * _PANEL_INCHES), dpi=_DPI, layout="constrained")
    panels = figure.subplots(rows, 2 * _COLUMNS, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for photo, left, right in zip(losses, panels[::2], panels[1::2]):
        path, annotations = photos[photo.image_id], truth.imgToAnns[photo.image_id]
        uncounted = [entry for entry in annotations if not counts(entry)]
        found = [person for person in results if person["image_id"] == photo.image_id]
        counted = [entry for entry in annotations if counts(entry)]
        _show(left, config, path, counted, uncounted, f"truth: {photo.annotated}\n{path.name}")
        others = f", {len(found) - photo.found} more ignored" if len(found) > photo.found else ""
        _show(right, config, path, found, uncounted, f"found: {photo.found}{others}\nloss {photo.lost:.1f}")
    data = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name may have letters that the font has not
        figure.savefig(data, format="png")
    sheet = cv2.imdecode(np.frombuffer(data.getvalue(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(sheet, dtype=np.uint8)


def _show(
    axes: Axes,
    config: Config,
    path: Path,
    entries: list[dict[str, Any]],
    uncounted: list[dict[str, Any]],
    title: str,
) -> None:
    """One photo with people drawn on it, who have their keypoints in COCO's form."""
    image = read_photo(path)
    scale = min(1, _LONGEST_SIDE / max(image.shape[:2]))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    keypoints = np.array([person["keypoints"] for person in entries], dtype=float).reshape(-1, len(COCO_KEYPOINTS), 3)
    points = from_coco(config, keypoints) * scale
    ids = np.where(np.isnan(points[:, :, 0]), MISSING, 0)
    seen = (ids != MISSING).any(axis=1)
    skeletons = Skeletons(points[seen], np.ones(ids[seen].shape), np.ones(int(seen.sum())), ids[seen])
    axes.imshow(cv2.cvtColor(draw_skeletons(config, image, skeletons), cv2.COLOR_BGR2RGB))
    for entry in uncounted:
        x, y, width, height = np.array(entry["bbox"]) * scale
        axes.plot([x, x + width, x + width, x, x], [y, y, y + height, y + height, y], color="silver", linewidth=1.5)
    axes.set_xlim(-0.5, image.shape[1] - 0.5)
    axes.set_ylim(image.shape[0] - 0.5, -0.5)
    axes.set_title(title, fontsize=8, parse_math=False)
