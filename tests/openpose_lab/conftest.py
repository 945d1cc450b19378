"""A photo of two people, its annotations in COCO's form, and a network that sees them perfectly."""

import json

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.field_maps import pixels_to_cells
from estimation.skeletons import Skeletons
from estimation.subset import MISSING
from estimation.synthesis import synthesize
from openpose_lab.evaluation import map_cache
from openpose_lab.evaluation.annotations import annotate
from openpose_lab.formats.coco import to_coco
from openpose_lab.networks.catalogue import AUTO
from tests.support.scenes import FIGURE

PEOPLE = np.stack([FIGURE * 300 + (150, 50), FIGURE * 250 + (450, 90)])
ANNOTATIONS = annotate(COCO_18, {"photo.png": PEOPLE})


def results_of(people, image_id=1):
    """Results in COCO's form: people (n, 18, 2) in pixels, NaN where a part is missing, the surest first."""
    ids = np.where(np.isnan(people[:, :, 0]), MISSING, np.arange(people.shape[1]))
    skeletons = Skeletons(people, np.ones(ids.shape), np.arange(len(people), 0, -1.0), ids)
    return to_coco(COCO_18, skeletons, image_id)


@pytest.fixture
def annotations(tmp_path):
    def write(content):
        path = tmp_path / "annotations.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


class PerfectNetwork:
    """Sees the people in a photo of 640x480 pixels, at every size; not that a photo is mirrored."""

    config = COCO_18

    def __call__(self, photo):
        people = (PEOPLE + 0.5) * photo.shape[0] / 480 - 0.5
        return synthesize(COCO_18, pixels_to_cells(people, 8), (photo.shape[0] // 8, photo.shape[1] // 8))


@pytest.fixture
def on_ideal_maps(tmp_path, monkeypatch):
    """Options that name the photo and weights, where the network of any name sees perfectly and maps are kept apart."""
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((480, 640, 3), np.uint8))
    (tmp_path / "weights.h5").write_bytes(b"any weights")
    monkeypatch.setattr(map_cache, "load_network", lambda *_: PerfectNetwork())
    monkeypatch.setattr(map_cache.MapCache.__init__, "__defaults__", (AUTO, None, tmp_path / "cache", None))
    return "--images", tmp_path, "--network", "mobilenet_thin", "--weights", tmp_path / "weights.h5"
