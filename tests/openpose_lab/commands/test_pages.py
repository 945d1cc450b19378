"""The commands of docs/photos.md and docs/formats.md, one after the other, as a reader would type them."""

import csv
import json
import re
import shlex
import subprocess
import sys

import cv2
import pytest

from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path):
    """A folder with the photos that the pages name."""
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    photo = (ROOT / "images" / "skiers.jpg").read_bytes()
    (tmp_path / "photos" / "1.jpg").write_bytes(photo)
    (tmp_path / "photos" / "sub" / "2.jpg").write_bytes(photo)
    (tmp_path / "photo.jpg").write_bytes(photo)
    cv2.imwrite(str(tmp_path / "portrait.png"), cv2.imread(str(ROOT / "images" / "people.jpg")))
    return tmp_path


def run_commands(name, folder):
    """Run the commands of a page. Returns what each printed."""
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    commands = re.findall(r"^(?:cat (\S+) \| )?\.venv/bin/python demo_image\.py (.*)$", page, re.MULTILINE)
    elsewhere = page.count(".venv/bin/python -m scripts.measure_faces ")  # needs annotated photos
    assert len(commands) == page.count(".venv/bin/python ") - elsewhere > 0
    said = {}
    for standard_input, arguments in commands:
        command = [sys.executable, str(ROOT / "demo_image.py"), *shlex.split(arguments)]
        data = (folder / standard_input).read_bytes() if standard_input else b""
        done = subprocess.run(command, cwd=folder, input=data, capture_output=True)
        assert done.returncode == 0, (arguments, done.stderr)
        said[arguments] = done.stdout
    return said


@pytest.mark.slow
def test_the_commands_of_the_page_on_photos_run(folder):
    said = run_commands("photos.md", folder)
    assert len(json.loads(said["- --json - --no-draw"])["people"]) == 2
    assert files_in(folder / "output") == {"1_rendered.jpg", "1_keypoints.json", "journal.jsonl"}
    assert files_in(folder / "all") >= {"1_rendered.jpg", "sub/2_rendered.jpg", "sub/2_keypoints.json"}
    assert files_in(folder / "chosen") >= {"1_rendered.jpg", "sub/2_rendered.jpg", "portrait_rendered.jpg"}
    assert files_in(folder / "pictures") == {"1_rendered.jpg", "journal.jsonl"}
    assert files_in(folder / "keypoints") == {"1_keypoints.json"}
    with (folder / "people.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 5
    assert {path.name for path in folder.glob("results.json*")} == {"results.json", "results.json.journal.jsonl"}
    pictures = [cv2.imread(str(folder / name / "1_rendered.jpg")) for name in ("output", "to_share")]
    faces = [picture[80:120, 400:440] for picture in pictures]
    assert abs(faces[0].astype(int) - faces[1]).mean() > 10


@pytest.mark.slow
def test_the_commands_of_the_page_on_formats_run(folder):
    run_commands("formats.md", folder)
    assert files_in(folder) >= {"output.png", "people.json", "people.csv", "results.json"}
    assert files_in(folder / "all") == {"1_keypoints.json", "people.csv", "results.json", "journal.jsonl"}


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
