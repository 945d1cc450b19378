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
        skeletons: The people of one photo.
        photo_size: Width and height of the photo in pixels. ControlNet's programs need them. None writes no size.
        unit: The unit of x and y: ``pixels``, ``0..1`` or ``-1..1``. The last two need ``photo_size``.

    Returns:
        ``people``, sorted by person score, highest first. Each person has these keys:

        - ``pose_keypoints_2d``: x, y and score of every body part in one flat list. A missing part is 0, 0, 0 in every
          unit. In pixels, 0, 0 is the centre of the first pixel.
        - ``score``: the person score.
        - ``person_id``: the identity, -1 if the person has none.
        - ``filled``: the numbers of the parts that were interpolated between frames. The key is left out if no part
          was interpolated.

        With ``photo_size``, the result also has ``canvas_width`` and ``canvas_height``.

    Raises:
        ValueError: The unit is unknown, or ``photo_size`` is missing.
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
    "json", "also write the people as OpenPose's JSON: a file, or a folder for several photos or frames", _encode
)
