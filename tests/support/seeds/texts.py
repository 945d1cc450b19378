"""Small valid texts: annotations, results, points, the progress file of the grader."""

from __future__ import annotations

import json

import cv2
import numpy as np

from estimation.config import COCO_18
from estimation.skeletons import Skeletons
from estimation.subset import MISSING
from openpose_lab.evaluation.annotations import annotate
from openpose_lab.formats.coco import COCO_KEYPOINTS, to_coco
from openpose_lab.lab.grading.likeness import encode, fingerprint
from openpose_lab.lab.grading.marking import Record
from openpose_lab.lab.grading.points import POINTS
from openpose_lab.lab.merge_checks import CHECKS
from tests.support.scenes import FIGURE
from tests.support.seeds import Files
from tests.support.seeds.archives import MERGE

PEOPLE = np.stack([FIGURE * 300 + (150, 50), FIGURE * 250 + (450, 90)])
PHOTOS = ("photo.png", "second.png")


def annotations() -> list[Files]:
    """What the project writes for two photos, and an entry as COCO has it."""
    own = annotate(COCO_18, {PHOTOS[0]: PEOPLE, PHOTOS[1]: PEOPLE[:1] + 20})
    full = json.loads(json.dumps(own))
    full["info"] = {"year": 2017, "description": "COCO 2017 Dataset"}
    full["licenses"] = [{"id": 1, "name": "Attribution License", "url": "http://creativecommons.org/licenses/by/2.0/"}]
    full["categories"] = [
        {
            "id": 1,
            "name": "person",
            "supercategory": "person",
            "keypoints": list(COCO_KEYPOINTS),
            "skeleton": [[16, 14]],
        }
    ]
    for image in full["images"]:
        image.update(
            width=640, height=480, license=1, coco_url="http://images.cocodataset.org/val2017/000000397133.jpg"
        )
    for person in full["annotations"]:
        person.update(segmentation=[[1.5, 2, 10, 2, 10, 20.5]], iscrowd=0)
    crowd = {**full["annotations"][0], "id": 99, "iscrowd": 1, "num_keypoints": 0, "keypoints": [0] * 51}
    crowd["segmentation"] = {"counts": [10, 20, 307170], "size": [480, 640]}
    full["annotations"].append(crowd)
    photos = dict.fromkeys(PHOTOS, cv2.imencode(".png", np.full((480, 640), 100, np.uint8))[1].tobytes())
    return [{"annotations.json": json.dumps(content).encode(), **photos} for content in (own, full)]


def results() -> list[Files]:
    """COCO results of two photos, and with what other programs add."""
    ids = np.where(np.isnan(PEOPLE[:, :, 0]), MISSING, np.arange(PEOPLE.shape[1]))
    skeletons = Skeletons(PEOPLE, np.ones(ids.shape), np.array([2.0, 1.0]), ids)
    own = [result for image_id in (1, 2) for result in to_coco(COCO_18, skeletons, image_id)]
    others = [{**result, "bbox": [1.0, 2.0, 30.5, 40.5], "area": 1200.5, "id": k} for k, result in enumerate(own)]
    beside = annotations()[0]
    return [{"results.json": json.dumps(content).encode(), **beside} for content in (own, others)]


def points() -> list[Files]:
    """The lab's points, as they are and written otherwise."""
    text = POINTS.read_bytes()
    inline = b"[points]\ncontract = 1e1\ncorrectness = 0x1E\norder = 1_5\nconflicts = 25.5\nspeed = +10\n"
    dotted = b'title = "mine"\npoints.contract = 1\npoints.correctness = 2\npoints.order = 3\n'
    dotted += (
        b"points.conflicts = 4\npoints.speed = 5\n[other]\nlist = [1, 2, {a = 'b'}]\ndate = 1979-05-27T07:32:00Z\n"
    )
    return [{"points.toml": content} for content in (text, inline, dotted)]


def progress() -> list[Files]:
    """A record with all marks, one with failures, one with a problem."""
    prints = encode(fingerprint(MERGE))
    failures = {check.name: ("the sentence", " a table\n of rows") for check in CHECKS[:3]}
    records = [
        Record("Ada", "Ada/merge.py", "a" * 64, None, {}, {"F1": 0.9, "AP": 0.5}, 12.5, prints, "1000777"),
        Record("Bob", "Bob.zip: merge.py", "b" * 64, None, failures, {}, None, prints, "", "a note"),
        Record("Cy", "Cy.zip", "c" * 64, "no *merge*.py was found in the archive"),
    ]
    lines = [json.dumps(record.to_json()) for record in records]
    return [{"grades.csv.progress": ("\n".join(lines) + "\n").encode()}]
