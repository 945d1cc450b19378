"""A picture of photos, each with the ground truth beside the people found."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import one_line
from estimation.photos import read_photo
from estimation.renderers import draw_skeletons
from estimation.skeletons import Skeletons
from estimation.subset import MISSING
from openpose_lab.evaluation.assessment import System
from openpose_lab.evaluation.coco_figures import counts
from openpose_lab.formats.coco import COCO_KEYPOINTS, from_coco

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pycocotools.coco import COCO

_COLUMNS = 2  # photos side by side, each with panels for the ground truth and every system
_PANEL_INCHES = 3.2
_DPI = 100
_LONGEST_NAME = 40  # letters of a title
_LONGEST_SIDE = 640  # pixels of a photo; more pixels would not be visible


def draw_photo_sheet(
    config: Config, truth: COCO, systems: Sequence[System], photos: dict[int, Path], image_ids: Sequence[int]
) -> NDArray[np.uint8]:
    """Draw photos with the ground truth beside the people that each system found.

    A grey box marks a crowd or a person without keypoints, which COCO does not count. Imputed keypoints are not drawn.

    Args:
        config: The configuration of the people.
        truth: The annotations.
        systems: The systems, each with figures. Several systems are named on the pictures.
        photos: The path of each photo by its image id.
        image_ids: The photos to draw, in this order.

    Returns:
        The sheet, (h, w, 3) BGR uint8.
    """
    from matplotlib.figure import Figure  # imported here, because it takes half a second

    rows, panels_each = -(-len(image_ids) // _COLUMNS), 1 + len(systems)
    columns = _COLUMNS * panels_each
    figure = Figure((columns * _PANEL_INCHES, rows * _PANEL_INCHES), dpi=_DPI, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.axis("off")
    for number, image_id in enumerate(image_ids):
        left, *others = panels[number * panels_each : (number + 1) * panels_each]
        path, annotations = photos[image_id], truth.imgToAnns[image_id]
        uncounted = [entry for entry in annotations if not counts(entry)]
        counted = [entry for entry in annotations if counts(entry)]
        _show(left, config, path, counted, uncounted, f"truth: {len(counted)}\n{one_line(path.name, _LONGEST_NAME)}")
        for axes, system in zip(others, systems):
            found = [person for person in system.measured.found if person["image_id"] == image_id]
            loss = system.assessment.photos.get(image_id) if system.assessment else None
            of_these, lost = (loss.found, loss.lost) if loss else (0, 0.0)
            ignored = f", {len(found) - of_these} more ignored" if len(found) > of_these else ""
            who = f"{one_line(system.name, _LONGEST_NAME)}: " if len(systems) > 1 else ""
            _show(axes, config, path, found, uncounted, f"{who}found: {of_these}{ignored}\nloss {lost:.1f}")
    data = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the font may lack letters of a name
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
    """Draw one photo with people. ``entries`` have their keypoints in COCO's form."""
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
