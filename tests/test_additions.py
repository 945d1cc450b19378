"""Layouts, networks, runtimes, output formats, trackers and programs are added by a file each; no file is edited."""

import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

COPIED = (
    ".gitattributes",
    *(
        "estimation",
        "models",
        "openpose_lab",
        "scripts",
        "tests",
        "docs",
        "images",
        "demo_image.py",
        "demo_video.py",
        "pyproject.toml",
    ),
    *("README.md", "CHANGELOG.md", "LICENSE", "NOTICE", ".ci"),
    *(f"requirements{which}.txt" for which in ("", "-dev", "-light", "-lowest")),
)
ADDED = {
    "estimation/layouts/toy.py": """
from estimation.layouts.layout import Layout, Limb

LAYOUT = Layout("TOY", ("top", "bottom"), (Limb(0, 1, 0, 1),), sigmas=(0.1, 0.1))
""",
    "openpose_lab/networks/toy.py": """
from estimation.layouts import LAYOUTS
from openpose_lab.networks.spec import NetworkSpec


def build(layout):
    import keras
    from keras import layers

    image = keras.Input((None, None, 3), dtype="uint8")
    cells = layers.AveragePooling2D(8)(layers.Rescaling(1 / 255)(image))
    heatmaps = layers.Conv2D(layout.heatmap_count, 1, name="parts")(cells)
    pafs = layers.Conv2D(layout.paf_count, 1, name="limbs")(cells)
    return keras.Model(image, {"stage1_heatmaps": heatmaps, "stage1_pafs": pafs})


NETWORK = NetworkSpec("toy", LAYOUTS["TOY"], "rgb", build, "features")
""",
    "openpose_lab/networks/runtimes/toy.py": """
from openpose_lab.networks.runtimes.base import RuntimeSpec
from openpose_lab.networks.runtimes.keras import load

RUNTIME = RuntimeSpec("toy", load)
""",
    "openpose_lab/commands/toy.py": """
\"\"\"Count the people in a photo with the toy runtime.\"\"\"

from estimation.photos import read_photo
from estimation.pipeline import estimate_people
from openpose_lab.commands.options import make_parser
from openpose_lab.networks.loading import load_network

EXAMPLES = \"\"\"example:
  python -m openpose_lab toy photo.jpg
\"\"\"


def main(arguments):
    parser = make_parser("openpose-lab toy", __doc__, EXAMPLES)
    parser.add_argument("photo")
    photo = read_photo(parser.parse_args(arguments).photo)
    print(len(estimate_people(photo, load_network("toy", runtime="toy"), grouping="hungarian").skeletons))
""",
    "openpose_lab/formats/toy.py": """
import json

from openpose_lab.formats.format import Format


def encode(record, layout, unit):
    people = [dict(zip(layout.body_parts, person.tolist())) for person in record.skeletons.keypoints]
    return json.dumps(people).encode()


FORMAT = Format("toyformat", "also write the people as lists of named points", encode)
""",
    "openpose_lab/formats/toys.py": """
from openpose_lab.formats.format import TableFormat


def write(records, layout, file, unit):
    for record in records:
        file.write(f"{record.name} {len(record.skeletons)} {unit}".encode())


FORMAT = TableFormat("toytable", "also write the number of people in each photo", write)
""",
    "openpose_lab/tracking/toy.py": """
class Toy:
    def __init__(self, layout):
        pass

    def update(self, skeletons, timestamp):
        return [41 + number for number in range(len(skeletons))]


TRACKER = Toy
""",
}
TESTS = (
    "tests/estimation",
    "tests/openpose_lab/networks",
    "tests/openpose_lab/formats",
    "tests/openpose_lab/tracking",
    "tests/openpose_lab/commands/test_options.py",
    "tests/test_demo_image.py",
    "tests/test_imports.py",
    "tests/test_package.py",
    "tests/test_readme.py",
)
"""The quick tests that could tell of an addition."""
TOP, BOTTOM = (203.5, 99.5), (203.5, 259.5)
"""x and y in pixels of the photo's two blobs, in the centres of map cells."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with three more files in it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "model_weights").mkdir()
    for path in (ROOT / "model_weights").glob("human-pose-estimation-0001-FP16-INT8.*"):
        shutil.copy(path, folder / "model_weights")
    for name, text in ADDED.items():
        assert not (folder / name).exists()
        (folder / name).write_text(text)
    return folder


def python(folder, *arguments):
    """Run Python in a folder; standard output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def blob(centre):
    """(368, 496) float, 1 at the centre, fading within some cells."""
    y, x = np.mgrid[:368, :496]
    return np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * 12**2))


def draw_photo(path):
    """Red where the top is, blue where the bottom is, and green from one to the other."""
    blue, green, red = 255 * blob(BOTTOM), np.zeros((368, 496)), 255 * blob(TOP)
    green[80:280, 192:216] = 255
    cv2.imwrite(str(path), np.stack([blue, green, red], axis=2).astype(np.uint8))


def save_weights(path):
    """Red makes the top's heatmap, blue the bottom's. Green makes a PAF that points down."""
    parts = np.float32([[1, 0, -1], [0, 0, 0], [0, 1, -1]]).reshape(1, 1, 3, 3)
    limbs = np.float32([[0, 0], [0, 1], [0, 0]]).reshape(1, 1, 3, 2)
    biases = {"parts/bias": np.float32([0, 0, 1]), "limbs/bias": np.zeros(2, np.float32)}
    np.savez(path, **{"parts/kernel": parts, "limbs/kernel": limbs}, **biases)


def test_a_layout_a_network_and_a_format_are_a_file_each(copy, tmp_path):
    save_weights(tmp_path / "toy.npz")
    draw_photo(tmp_path / "photo.png")
    said = python(copy, "-m", "openpose_lab", "weights", "import", tmp_path / "toy.npz", "--network", "toy")
    assert "read toy.npz: NumPy archive for toy" in said
    assert (copy / "model_weights" / "toy.weights.h5").is_file()

    outputs = (
        "--toyformat",
        tmp_path / "out.txt",
        "--toytable",
        tmp_path / "table.txt",
        "--output",
        tmp_path / "out.png",
    )
    options = "--network", "toy", "--set", "min_num_body_parts=2"
    said = python(copy, "demo_image.py", tmp_path / "photo.png", *outputs, *options)
    assert (tmp_path / "table.txt").read_text() == "photo.png 1 pixels"
    assert "people       1\n" in said
    (person,) = json.loads((tmp_path / "out.txt").read_text())
    np.testing.assert_allclose([person["top"], person["bottom"]], [TOP, BOTTOM], atol=1)
    assert cv2.imread(str(tmp_path / "out.png")).shape == (368, 496, 3)


@pytest.mark.parametrize(
    "arguments", [("demo_image.py",), ("-m", "openpose_lab", "evaluate"), ("-m", "openpose_lab", "weights", "import")]
)
def test_options_offer_what_was_added(copy, arguments):
    said = " ".join(python(copy, *arguments, "--help").split())
    assert "lightweight, mobilenet_thin, toy, vgg19" in said
    assert ("--toyformat PATH" in said) == (arguments == ("demo_image.py",))


def test_a_tracker_is_a_file(copy, tmp_path):
    (tmp_path / "frames").mkdir()
    shutil.copy(ROOT / "images" / "skiers.jpg", tmp_path / "frames")
    options = ("--no-draw", "--jsonl", tmp_path / "people.jsonl", "--tracker", "toy", "--quality", "fast")
    python(copy, "demo_video.py", tmp_path / "frames", *options)
    people = json.loads((tmp_path / "people.jsonl").read_text())["people"]
    assert sorted(person["person_id"] for person in people) == [41, 42, 43, 44, 45]


def test_no_quick_test_minds_an_addition(copy):
    python(copy, "-m", "pytest", "-q", "-m", "not slow", "-n", "2", "-p", "no:cacheprovider", *TESTS)


def test_the_names_that_an_added_network_gives_are_listed(copy):
    assert "--network toy " in python(copy, "-m", "openpose_lab", "weights", "list")
