"""JSON lines: one line per photo or frame, with its people."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from openpose_lab.formats.format import TableFormat

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    from openpose_lab.formats.points import people_values
    from openpose_lab.formats.tables import encodable

    for record in records:
        people = [
            {"person_id": identity, "score": score, "pose_keypoints_2d": points, **filled}
            for identity, score, points, filled in people_values(record.skeletons, unit, (record.width, record.height))
        ]
        content = {
            "photo": encodable(record.name),
            "index": int(record.index),
            "timestamp": record.timestamp,
            "width": int(record.width),
            "height": int(record.height),
            "people": people,
        }
        file.write(f"{json.dumps(content)}\n".encode())


FORMAT = TableFormat("jsonl", "also write the people as JSON lines, one line per photo or frame", _write)
