"""Training end to end: a network learns beetles, which are not human, from random weights in two minutes."""

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.support.toy_shapes import LAYOUT, write_beetles

pytestmark = pytest.mark.slow

SIDE = 128
MOST_LOSS = 30.0
"""The limit for the last epoch. The first epoch has about 140; the same answer for every photo has about 100."""
MOST_ERROR = 8.0
"""The limit of the mean error in pixels, on photos that are not in training. A photo has 160, a beetle 60 to 80."""
FOUND = 0.85
"""The smallest share of parts that the demo must find."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with photos that were not trained on, the weights, the log, and the true keypoints."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "photos").mkdir()
    (folder / "held_out").mkdir()
    write_beetles(folder / "photos", 64)
    truth = write_beetles(folder / "held_out", 8, seed=1)
    run(
        [*("-m", "openpose_lab", "train", "--images", folder / "photos")],
        [*("--annotations", folder / "photos" / "annotations.json", "--layout", folder / "photos" / "beetle.json")],
        [*("--side", SIDE, "--augment", "none", "--epochs", 8)],
        [*("--out", folder / "beetle.weights.h5", "--log", folder / "log.csv")],
    )
    return folder, truth


@pytest.fixture(scope="module")
def found(trained):
    """The folder in which the demo wrote pictures and JSON of those photos."""
    folder, _ = trained
    out = folder / "out"
    run(
        ["demo_image.py", folder / "held_out", "--weights", folder / "beetle.weights.h5", "--height", SIDE],
        ["--output", out, "--json", out, "--tidy-csv", folder / "people.csv"],
    )
    return out


def run(*arguments):
    command = [sys.executable, *(str(argument) for group in arguments for argument in group)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, timeout=1200)
    assert done.returncode == 0, done.stderr


def test_the_loss_falls(trained):
    folder, _ = trained
    with (folder / "log.csv").open(encoding="utf-8") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < MOST_LOSS < losses[0]


def test_the_demo_finds_the_parts_of_beetles_it_was_not_shown(trained, found):
    _, truth = trained
    errors, parts = [], 0
    for image_id, beetles in truth.items():
        people = json.loads((found / f"{image_id}_keypoints.json").read_text(encoding="utf-8"))["people"]
        answers = [np.reshape(person["pose_keypoints_2d"], (6, 3)) for person in people]
        assert len(answers) <= len(beetles)
        parts += beetles[:, :, 0].size
        for answer in answers:
            seen = answer[:, 2] > 0
            distances = np.linalg.norm(answer[:, :2] - beetles, axis=2)[:, seen]  # to each beetle
            errors += distances[distances.mean(axis=1).argmin()].tolist()
    print(f"{len(errors)} of {parts} parts found, {np.mean(errors):.2f} px from the truth")
    assert len(errors) >= FOUND * parts
    assert np.mean(errors) < MOST_ERROR


def test_pictures_and_tables_have_the_layout(trained, found):
    folder, _ = trained
    photo = cv2.imread(str(folder / "held_out" / "1.png"))
    drawn = cv2.imread(str(found / "1_rendered.jpg"))
    assert drawn.shape == photo.shape
    assert np.abs(drawn.astype(int) - photo).max() > 100
    with (folder / "people.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["part"] for row in rows} == set(LAYOUT["parts"])
