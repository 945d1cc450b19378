"""Measure how many annotated faces ``--blur-faces`` covers, in photos with COCO keypoints.

A face counts if the annotation marks its nose and both eyes as visible. It is covered if one disc contains these three
points.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.faces import face_discs
from estimation.quality import QUALITIES
from openpose_lab.commands.options import add_known_photos_options, make_parser
from openpose_lab.commands.program import start
from openpose_lab.estimator import PoseEstimator
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.formats.coco import COCO_KEYPOINTS

EXAMPLES = """example:
  python -m scripts.measure_faces --images photos --annotations people.json
"""
_FACE = 3  # the nose and the eyes are the first three keypoints of COCO
_VISIBLE = 2


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    from tqdm import tqdm

    parser = make_parser("python -m scripts.measure_faces", __doc__, EXAMPLES)
    add_known_photos_options(parser, required=True)
    options = parser.parse_args(arguments)
    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    faces = {number: visible_faces([one["keypoints"] for one in truth.imgToAnns[number]]) for number in photos}
    count = sum(map(len, faces.values()))
    if not count:
        raise OpenPoseLabError(f"{options.annotations} has no face with a visible nose and two visible eyes")
    print("| `--quality` | faces covered |\n|---|---|")
    for quality in QUALITIES:
        covered = 0
        with PoseEstimator(quality=quality) as estimator:
            for number, path in tqdm(photos.items(), desc=quality, unit="photo", leave=False):
                discs = face_discs(estimator.config, estimator(path))
                covered += int(are_covered(faces[number], discs).sum())
        print(f"| `{quality}` | {covered / count:.1%} of {count} |", flush=True)


def visible_faces(keypoints: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return the visible faces of annotated people.

    Args:
        keypoints: The keypoints of each person in COCO's form: x, y and visibility of 17 parts.

    Returns:
        (faces, 3, 2) x and y of the nose and the eyes, in pixels.
    """
    points = np.array(keypoints, np.float64).reshape(-1, len(COCO_KEYPOINTS), 3)[:, :_FACE]
    visible = (points[..., 2] == _VISIBLE).all(axis=1)
    return np.asarray(points[visible, :, :2])


def are_covered(faces: NDArray[np.float64], discs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each face whether one disc contains all its points.

    Args:
        faces: (faces, 3, 2) x and y, in pixels.
        discs: (people, 3) x, y and radius, in pixels, from ``face_discs``. NaN for a person without a disc.

    Returns:
        (faces,) bool.
    """
    away = np.linalg.norm(faces[:, None] - discs[None, :, None, :2], axis=-1)  # (faces, people, points)
    inside = away <= discs[None, :, None, 2]
    return np.asarray(inside.all(axis=2).any(axis=1))


if __name__ == "__main__":
    sys.exit(start("measure_faces", main, sys.argv[1:]))
