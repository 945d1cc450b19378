"""The public names of openpose_lab: each is there, documented with an example, and loaded late."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

import openpose_lab
from estimation.config import Config
from estimation.grouping import load_grouping
from estimation.layouts import LAYOUTS
from estimation.merge import merge
from estimation.subset import GroupingError
from tests.conftest import ROOT
from tests.support.video_files import make_clip

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", openpose_lab.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert getattr(openpose_lab, name) is not None
    assert name in dir(openpose_lab)
    assert re.search(rf"^\| `{name}[`(]", PAGE, re.MULTILINE), f"docs/python.md has no line for {name}"
    examples = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    assert re.search(rf"\b{name}\b", examples), f"docs/python.md has no example of {name}"


def test_the_names_are_those_that_type_checkers_see():
    text = (ROOT / "openpose_lab" / "__init__.py").read_text(encoding="utf-8")
    block = text.split("if TYPE_CHECKING:\n")[1].split("\n\n")[0]
    seen = {name.strip() for line in block.splitlines() for name in line.split(" import ")[1].split(",")}
    assert seen == set(openpose_lab.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'openpose_lab' has no attribute 'load_netwerk'"):
        openpose_lab.load_netwerk  # noqa: B018


def test_importing_the_package_imports_nothing_else():
    script = "import sys, openpose_lab; sys.exit('numpy' in sys.modules or 'estimation' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_groupings_are_compared_by_name_by_file_and_by_function(tmp_path):
    (tmp_path / "mine.py").write_text("from estimation.merge import merge\n")
    few = {"people": 2, "scenes": 2}
    figures = openpose_lab.compare_groupings(["lab", tmp_path / "mine.py", merge], **few)
    assert list(figures) == ["lab", str(tmp_path / "mine.py"), "merge", "(perfect)"]
    assert figures["lab"]["F1"] == figures["merge"]["F1"] > 0.5
    assert list(openpose_lab.compare_groupings({"mine": merge}, **few)) == ["mine", "(perfect)"]
    with pytest.raises(GroupingError, match="failed: .*ZeroDivisionError"):
        openpose_lab.compare_groupings([lambda subset: 1 / 0], **few)


def test_the_door_of_a_function():
    def group(candidates, coordinates, config):
        return None

    assert load_grouping(group).door == "group"
    assert load_grouping(merge).door == "merge"
    assert load_grouping(lambda subset, least=4: subset).door == "merge"


@pytest.mark.slow
def test_the_examples_of_the_page_run(tmp_path):
    """One after the other, as a reader would have typed them."""
    (tmp_path / "photos").mkdir()
    for name, path in {"people.jpg": "photo.jpg", "skiers.jpg": "photos/1.jpg"}.items():
        (tmp_path / path).write_bytes((ROOT / "images" / name).read_bytes())
    make_clip(tmp_path / "clip.mp4", [0, 3600])
    examples = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "examples.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n" + "\n".join(examples))
    done = subprocess.run([sys.executable, "examples.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{Path('photos/1.jpg')} (5, 18, 2)\n")
    assert done.stdout.endswith("there is no photo no_such_photo.jpg; check the path\n")
    pictures = {name: cv2.imread(str(tmp_path / f"{name}.png")) for name in ("skeletons", "blank", "shared")}
    assert len({picture.tobytes() for picture in pictures.values()}) == 3
    assert (pictures["blank"] == 0).all(axis=2).mean() > 0.5


def test_the_name_of_a_function_decides_its_door():
    def group(candidates, coordinates, config=None):
        return None

    def merge(subset, min_num_body_parts, min_score):
        return None

    assert load_grouping(group).door == "group"
    assert load_grouping(merge).door == "merge"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"groupings": [merge, merge]}, "two groupings have the same name; give a mapping"),
        ({"groupings": []}, "give at least one grouping; the name (perfect) is reserved"),
        ({"groupings": {"(perfect)": merge}}, "give at least one grouping; the name (perfect) is reserved"),
        ({"scenes": 2.0}, "scenes must be a whole number from 1 to 10000 but is 2"),
        ({"people": 0}, "people must be a whole number from 1 to 127 but is 0"),
        ({"people": 2.5}, "people must be a whole number from 1 to 127 but is 2.5"),
        ({"scenes": 0}, "scenes must be a whole number from 1 to 10000 but is 0"),
        ({"overlap": 2}, "overlap must be from 0 to 0.9 but is 2"),
        ({"config": Config(LAYOUTS["MPI_15"])}, "simulated people need COCO's body parts; layout MPI_15 differs in"),
    ],
)
def test_crowds_that_cannot_be_made_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        openpose_lab.compare_groupings(**arguments)


def test_one_grouping_is_compared_by_its_name():
    assert list(openpose_lab.compare_groupings("lab", people=2, scenes=1)) == ["lab", "(perfect)"]
