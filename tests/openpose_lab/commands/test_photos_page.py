"""The commands of docs/photos.md, one after the other, as a reader would type them."""

import csv
import json
import re
import shlex
import subprocess
import sys

import cv2
import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "photos.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:cat (\S+) \| )?\.venv/bin/python demo_image\.py (.*)$", PAGE, re.MULTILINE)


@pytest.mark.slow
def test_the_commands_run(tmp_path):
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    photo = (ROOT / "images" / "skiers.jpg").read_bytes()
    (tmp_path / "photos" / "1.jpg").write_bytes(photo)
    (tmp_path / "photos" / "sub" / "2.jpg").write_bytes(photo)
    cv2.imwrite(str(tmp_path / "portrait.png"), cv2.imread(str(ROOT / "images" / "people.jpg")))
    assert len(COMMANDS) == PAGE.count(".venv/bin/python ") == 9

    for standard_input, arguments in COMMANDS:
        command = [sys.executable, str(ROOT / "demo_image.py"), *shlex.split(arguments)]
        data = (tmp_path / standard_input).read_bytes() if standard_input else b""
        done = subprocess.run(command, cwd=tmp_path, input=data, capture_output=True)
        assert done.returncode == 0, (arguments, done.stderr)
        if standard_input:
            assert len(json.loads(done.stdout)["people"]) == 2

    assert files_in(tmp_path / "output") == {"1_rendered.jpg", "1_keypoints.json", "journal.jsonl"}
    assert files_in(tmp_path / "all") >= {"1_rendered.jpg", "sub/2_rendered.jpg", "sub/2_keypoints.json"}
    assert files_in(tmp_path / "drawn") >= {"1_rendered.jpg", "sub/2_rendered.jpg", "portrait_rendered.jpg"}
    assert files_in(tmp_path / "pictures") == {"1_rendered.jpg", "journal.jsonl"}
    assert files_in(tmp_path / "keypoints") == {"1_keypoints.json"}
    with (tmp_path / "people.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 5
    assert {path.name for path in tmp_path.glob("results.json*")} == {"results.json", "results.json.journal.jsonl"}
    pictures = [cv2.imread(str(tmp_path / folder / "1_rendered.jpg")) for folder in ("output", "to_share")]
    faces = [picture[80:120, 400:440] for picture in pictures]
    assert abs(faces[0].astype(int) - faces[1]).mean() > 10


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
