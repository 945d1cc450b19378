"""A photo of two people, its annotations in COCO's form, and a network that sees them perfectly."""

import json

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.field_maps import pixels_to_cells
from estimation.formats import COCO_KEYPOINTS
from estimation.synthesis import synthesize
from tests.scenes import FIGURE


def annotate(people):
    """COCO annotations of people given as (18, 2) keypoints in pixels."""
    parts = [COCO_18.body_parts.index(name) for name in COCO_KEYPOINTS]
    annotations = []
    for number, person in enumerate(people, start=1):
        points = np.concatenate([person[parts], np.full((17, 1), 2.0)], axis=1)
        width, height = np.ptp(person, axis=0)
        annotations.append(
            {
                "id": number,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "area": width * height,
                "bbox": [*person.min(axis=0), width, height],
                "num_keypoints": 17,
                "keypoints": points.ravel().tolist(),
            }
        )
    return {
        "images": [{"id": 1, "file_name": "photo.png", "width": 640, "height": 480}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }


PEOPLE = np.stack([FIGURE * 300 + (150, 50), FIGURE * 250 + (450, 90)])


@pytest.fixture
def annotations(tmp_path):
    def write(content):
        path = tmp_path / "annotations.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


class PerfectNetwork:
    config = COCO_18

    def __call__(self, photo):
        return synthesize(COCO_18, pixels_to_cells(PEOPLE, 8), (photo.shape[0] // 8, photo.shape[1] // 8))
