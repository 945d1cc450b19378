"""Rows of limbs and people in the forms that the project reads: an answer of a merge, archives of rows and maps."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from estimation.config import COCO_18
from estimation.field_maps import pixels_to_cells
from estimation.synthesis import synthesize
from openpose_lab.lab.cases import CASES, HANDOUT
from openpose_lab.lab.sandbox import messages
from tests.support.seeds import Files
from tests.support.seeds.texts import PEOPLE

Save = Callable[..., None]


def _archived(save: Save, **arrays: object) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def answers() -> list[Files]:
    """Messages with what a merge returned: rows of several types, a list, nothing; and one about an error."""
    values = (
        HANDOUT[:2],
        CASES[1].rows.astype(np.float32),
        HANDOUT.astype(np.int64),
        HANDOUT[:0],
        HANDOUT.tolist(),
        None,
    )
    found = []
    for value in values:
        stream = io.BytesIO()
        header, data = messages.encode_value(value)
        messages.send(stream, {**header, "changed": False, "printed": 0, "beginning": "", "tried": None}, data)
        found.append({"answer": stream.getvalue()})
    stream = io.BytesIO()
    messages.send(
        stream, {"kind": "error", "text": "ValueError: no", "printed": 2, "beginning": "hi", "tried": "to write"}
    )
    return [*found, {"answer": stream.getvalue()}]


def skeletons() -> list[Files]:
    """COCO keypoints of people, from 0 to 1 across their photos."""
    places = np.random.RandomState(0).uniform(0.1, 0.9, (3, 17, 2))
    keypoints = np.dstack([places, np.full((3, 17), 2.0)])
    return [
        {"skeletons.npz": _archived(save, keypoints=keypoints.astype(dtype))}
        for save, dtype in ((np.savez, np.float64), (np.savez_compressed, np.float16), (np.savez, np.float32))
    ]


def maps() -> list[Files]:
    """The maps of a photo, as the cache keeps them."""
    made = synthesize(COCO_18, pixels_to_cells(PEOPLE[:1] / 4, 8), (14, 12))
    arrays = {
        "heatmaps": made.heatmaps,
        "pafs": made.pafs,
        "places": np.array([made.cell_size, made.offset, (96, 112)]),
    }
    return [{"maps.npz": _archived(save, **arrays)} for save in (np.savez, np.savez_compressed)]
