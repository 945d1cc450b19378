"""Photos of a few people, as output formats take them."""

import io

import numpy as np
import pytest

from estimation.layouts import LAYOUTS
from estimation.skeletons import Skeletons
from openpose_lab.formats import FORMATS
from openpose_lab.formats.record import Record

COCO_18 = LAYOUTS["COCO_18"]


def make_skeletons(*people, parts=18):
    """People from (person score, {part: (x, y, score)})."""
    keypoints = np.full((len(people), parts, 2), np.nan)
    scores, ids = np.zeros((len(people), parts)), np.full((len(people), parts), -1, np.intp)
    for person, (_, found) in enumerate(people):
        for part, (x, y, score) in found.items():
            keypoints[person, part], scores[person, part], ids[person, part] = (x, y), score, 18 * person + part
    return Skeletons(keypoints, scores, np.array([score for score, _ in people], dtype=float), ids)


TWO = make_skeletons(
    (0.75, {0: (0, 0, 0.5), 14: (639, 479, 0.25)}), (2.5, {0: (11.5, 9.123456, 0.7), 1: (30, 17.5, 1)})
)
"""The second is the surer one. The first is at the corners of a photo of 640x480."""


@pytest.fixture
def record():
    return Record("photo.jpg", 3, None, 640, 480, TWO)


@pytest.fixture
def nobody():
    return Record("empty.jpg", 4, 1.5, 320, 240, make_skeletons())


def random_records(count, people=3):
    """Records with people of random keypoints, as many as ``people``, the timestamps 0, 0.5, 1 and so on."""
    rng = np.random.default_rng(0)
    for index in range(count):
        ids = rng.integers(-1, 9, (people, 18))
        keypoints = np.where(ids[:, :, None] >= 0, rng.random((people, 18, 2)) * (639, 479), np.nan)
        scores = np.where(ids >= 0, rng.random((people, 18)), 0)
        skeletons = Skeletons(keypoints, scores, 4 * rng.random(people), ids)
        yield Record(f"photo {index}.jpg", index, index / 2, 640, 480, skeletons)


def sizes_while_writing(name):
    """The size of a table's file when each of three records is taken, and that of the whole file."""
    file = io.BytesIO()
    sizes = []

    def watched():
        for record in random_records(3):
            sizes.append(file.tell())
            yield record

    FORMATS[name].write(watched(), COCO_18, file, "pixels")
    return sizes, file.tell()
