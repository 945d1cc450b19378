from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from openpose_lab.evaluation.annotations import annotate, to_truth
from openpose_lab.evaluation.assessment import assess, worst_photos
from openpose_lab.evaluation.measurement import Measured
from tests.openpose_lab.conftest import PEOPLE, results_of

TRUTH = to_truth(annotate(COCO_18, {f"{k}.png": PEOPLE for k in range(4)}))


def assessment_of(*photos):
    results = [person for image_id, people in enumerate(photos, start=1) for person in results_of(people, image_id)]
    return assess(TRUTH, Measured(results, results, []))


def test_figures_of_some_people():
    assessment = assessment_of(PEOPLE, PEOPLE[:1])
    assert assessment.figures["AR"] == pytest.approx(3 / 8)
    assert assessment.parts["all"].labelled == 8 * 17
    assert {key: (one.annotated, one.matched) for key, one in assessment.photos.items()} == {
        1: (2, 2),
        2: (2, 1),
        3: (2, 0),
        4: (2, 0),
    }


def test_worst_photos_lose_most():
    far = np.stack([PEOPLE[0], PEOPLE[1] + 1000])
    one = assessment_of(PEOPLE, PEOPLE[:1], far)  # losses 0, 1, 2 and 2
    assert worst_photos([one], 3) == [3, 4, 2]
    other = assessment_of(PEOPLE, PEOPLE[:0], PEOPLE, PEOPLE)  # losses 0, 2, 0 and 0
    assert worst_photos([one, other], 2) == [2, 3]
    assert worst_photos([replace(one, photos={})], 2) == []
