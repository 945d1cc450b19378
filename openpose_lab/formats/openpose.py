"""OpenPose's JSON, version 1.3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from openpose_lab.formats.format import Format
from openpose_lab.formats.units import PIXELS

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons
    from openpose_lab.formats.record import Record


def to_openpose(skeletons: Skeletons, photo_size: tuple[int, int] | None = None, unit: str = PIXELS) -> dict[str, Any]:
    """Convert skeletons to the content of OpenPose's JSON.

    Args:
        skeletons: the people of one photo.
        photo_size: width and height of the photo in pixels, which programs of ControlNet need. None: not written.
        unit: the unit of x and y: ``pixels``, ``0..1`` or ``-1..1``. All but pixels need ``photo_size``.

    Returns:
        ``people``, the surest first: ``pose_keypoints_2d`` is x, y and score of every body part in one flat list,
        ``score`` the person score, and ``person_id`` the identity, -1 if there is none. ``filled`` has the numbers of
        the parts that were interpolated between frames; it is left out if there are none. In pixels, 0, 0 is the
        centre of the first one. A missing part is 0, 0, 0 in every unit. With ``photo_size``, also ``canvas_width``
        and ``canvas_height``.

    Raises:
        ValueError: no unit has the name, or ``photo_size`` is missing.
    """
    from openpose_lab.formats.points import people_values

    people = [
        {
            "person_id": [identity],
            "pose_keypoints_2d": points,
            "face_keypoints_2d": [],
            "hand_left_keypoints_2d": [],
            "hand_right_keypoints_2d": [],
            "pose_keypoints_3d": [],
            "face_keypoints_3d": [],
            "hand_left_keypoints_3d": [],
            "hand_right_keypoints_3d": [],
            "score": score,
            **filled,
        }
        for identity, score, points, filled in people_values(skeletons, unit, photo_size)
    ]
    canvas = {} if photo_size is None else {"canvas_width": photo_size[0], "canvas_height": photo_size[1]}
    return {"version": 1.3, **canvas, "people": people}


def _encode(record: Record, layout: Layout, unit: str) -> bytes:
    return json.dumps(to_openpose(record.skeletons, (record.width, record.height), unit)).encode()


FORMAT = Format(
    "json", "also write the people as OpenPose's JSON: a file, or the folder for several photos or frames", _encode
)
