"""Draw the picture of docs/video.md: moments of a simulated video in which people cross, with their identities.

Hidden people are drawn in pale grey. The tracker does not see them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.files import check_writable, encode_picture, write_whole
from estimation.renderers import draw_skeletons
from estimation.skeletons import Skeletons
from estimation.subset import MISSING
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.evaluation.identities import identify
from openpose_lab.evaluation.track_scenes import PICTURE, TrackScene, simulate_video
from openpose_lab.paths import ROOT
from openpose_lab.tracking import load_tracker

EXAMPLES = """example:
  python -m scripts.draw_identities
"""
FILE = ROOT / "docs" / "pictures" / "identities.png"
SEED, FIRST, STEP, MOMENTS = 11, 30, 15, 6
PEOPLE, HEIGHTS = 4, (190.0, 240.0)
SPEEDS = (0.05, 0.2)
"""Body widths per frame, slow enough that a reader can follow each person."""
_COLUMNS = 3
_GREY, _PALE, _LINE = 60, 95, 120
_SCALE = 0.75


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_identities", __doc__, EXAMPLES)
    parser.add_argument("--out", type=Path, default=FILE, metavar="FILE", help="the picture (default: the page's)")
    options = parser.parse_args(arguments)
    check_writable(options.out)
    write_whole(options.out, encode_picture(options.out, strip()))
    print(f"wrote {shown(options.out)}")


def strip() -> NDArray[np.uint8]:
    """Draw the moments side by side. Return (h, w, 3) BGR uint8."""
    scene = simulate_video(COCO_18, SEED, SPEEDS, people=PEOPLE, heights=HEIGHTS)
    identities = identify(scene, load_tracker("oks", COCO_18.layout))
    pictures = []
    for frame in range(FIRST, FIRST + MOMENTS * STEP, STEP):
        people = replace(scene.frames[frame], person_ids=identities[frame])
        picture = draw_skeletons(COCO_18, _background(scene, frame), people)
        text = f"{scene.timestamp(frame) - scene.timestamp(FIRST):.1f} s"
        cv2.putText(picture, text, (14, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2, cv2.LINE_AA)
        picture[-1], picture[:, -1] = _LINE, _LINE
        pictures.append(picture)
    rows = [np.hstack(pictures[place : place + _COLUMNS]) for place in range(0, MOMENTS, _COLUMNS)]
    sheet = cv2.resize(np.vstack(rows), None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    return sheet.astype(np.uint8, copy=False)


def _background(scene: TrackScene, frame: int) -> NDArray[np.uint8]:
    """Draw the hidden people in the picture on a grey background."""
    grey = np.full((*PICTURE[::-1], 3), _GREY, np.uint8)
    hidden = scene.keypoints[frame, ~scene.visible[frame]]
    ids = np.where(np.isnan(hidden[..., 0]), MISSING, 0)
    people = Skeletons(hidden, np.ones(ids.shape), np.ones(len(ids)), ids)
    drawn = draw_skeletons(COCO_18, np.zeros_like(grey), people)
    grey[drawn.max(axis=2) > 0] = _PALE
    return grey


if __name__ == "__main__":
    sys.exit(start("draw_identities", main, sys.argv[1:]))
