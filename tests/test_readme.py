"""What the documents say can be done: files and programs are there, the Python example runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from estimation.config import COCO_18
from estimation.grouping import load_grouping
from estimation.pipeline import group_maps
from estimation.synthesis import synthesize
from openpose_lab.__main__ import command_names
from tests.conftest import ROOT
from tests.support.scenes import crowd

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("images/*.md"), *ROOT.glob("model_weights/*.md")]
PAGES_WITH_PRECISION = ("README.md", "docs/accuracy.md", "docs/weights.md", "docs/grouping.md")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_and_programs_that_are_named_exist(document):
    text = document.read_text(encoding="utf-8")
    programs = command_names()
    for name in re.findall(r"(?:-m openpose_lab|bin/openpose-lab|`openpose-lab) ([a-z][a-z-]+)(?![\w.])", text):
        assert name in programs, name
    for name in re.findall(r"python -m scripts\.([a-z_]+)", text):
        assert (ROOT / "scripts" / f"{name}.py").is_file(), name
    for name in re.findall(r"\b((?:estimation|models|openpose_lab|scripts|tests|docs)/[\w/]+\.\w+)", text):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_lines_are_short(document):
    """Those with a table, an address or code in them aside."""
    code = False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        code ^= line.startswith("```")
        exempt = code or line.startswith(("|", "    ", "![", "```")) or "://" in line or "](" in line
        assert exempt or len(line) <= 100, f"line {number} has {len(line)} characters"


def test_the_readme_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 130


def test_the_page_of_pages_names_each_page():
    named = re.findall(r"^- \[.*\]\((.*)\): ", (ROOT / "docs" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    pages = {path.name for pattern in ("*.md", "*.ipynb") for path in (ROOT / "docs").glob(pattern)}
    assert sorted(named) == sorted(pages - {"README.md"})


def test_all_pages_give_the_same_average_precision():
    read = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES_WITH_PRECISION}
    (expected,) = re.findall(r"\*\*OpenPose Lab\*\* (.*)", read["docs/accuracy.md"])
    figures = re.findall(r"0\.\d{3}", expected)
    balanced = re.findall(r"\| `balanced` \| (0\.\d{3}) \| (0\.\d{3}) \|", read["README.md"])
    assert balanced == [tuple(figures[2:]), tuple(figures[:2])]
    assert re.findall(r"(0\.\d{3}) / (0\.\d{3})", read["docs/weights.md"]) == [tuple(figures[:2]), tuple(figures[2:])]
    assert re.findall(r"`lab` \|" + 4 * r" (0\.\d{3}) \|", read["docs/grouping.md"])[0] == tuple(figures)


def test_the_grouping_of_the_documents_works(tmp_path):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "grouping.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "my_grouping.py").write_text(example)
    keypoints, shape = crowd(5, 20, 5)
    maps = synthesize(COCO_18, keypoints, shape)
    people = group_maps(maps, COCO_18, load_grouping(tmp_path / "my_grouping.py")).subset
    assert people[:, -1].tolist() == [18] * 5


@pytest.mark.slow
def test_the_python_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{Path('images/skiers.jpg')} (5, 18, 2)\n" in done.stdout
