"""The examples of docs/formats.md: each reads a file as the demo writes it."""

import importlib.util
import json
import re

import pytest

from openpose_lab.formats import FORMATS
from openpose_lab.formats.tables import column_types
from openpose_lab.formats.units import UNITS
from tests.conftest import ROOT
from tests.openpose_lab.formats.conftest import COCO_18

PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = [section for section in PAGE.split("\n## ") if "```python" in section]
LIBRARIES = ("pandas", "pyarrow", "pycocotools")


@pytest.fixture
def folder(record, tmp_path, monkeypatch):
    """A folder with the files of the first example of the page."""
    monkeypatch.chdir(tmp_path)
    names = {
        "json": "people.json",
        "csv": "people.csv",
        "jsonl": "people.jsonl",
        "tidy-csv": "keypoints.csv",
        "coco": "results.json",
        "parquet": "people.parquet",
    }
    for name, file in names.items():
        if FORMATS[name].library is None or importlib.util.find_spec(FORMATS[name].library):
            (tmp_path / file).write_bytes(FORMATS[name].encode(record, COCO_18, "pixels"))
    truth = {"info": {}, "images": [{"id": 4}], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    (tmp_path / "annotations.json").write_text(json.dumps(truth))
    return tmp_path


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.splitlines()[0])
def test_the_examples_run(section, folder, capsys):
    code = "\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))
    for library in LIBRARIES:
        if f"import {library}" in code or f"from {library}" in code:
            pytest.importorskip(library)
    exec(compile(code, section.splitlines()[0], "exec"), {})
    said = capsys.readouterr().out
    if section.startswith("OpenPose"):
        assert said == "nose at 11.5, 9.1235\nnose at 0.0, 0.0\n"
        pose = json.loads((folder / "pose.json").read_text())
        assert pose["people"][0]["pose_keypoints_2d"][:9] == [11.5, 9.1235, 1, 30, 17.5, 1, 0, 0, 0]
    elif section.startswith("JSON lines"):
        assert said == "3 None -1 11.5\n3 None -1 0.0\n"
    elif section.startswith("CSV"):
        assert re.search(r"\nneck +1.0+\n", said)
        assert "{'photo': 'photo.jpg', 'score': 2.5, 'nose_x_px': 11.5}" in said
    else:
        assert said.endswith("2 people\n")


def test_every_key_and_column_is_on_the_page(record):
    content = json.loads(FORMATS["json"].encode(record, COCO_18, "pixels"))
    keys = {*content, *content["people"][0], *json.loads(FORMATS["coco"].encode(record, COCO_18, "pixels"))[0]}
    for name in [*keys, *list(column_types(COCO_18, "pixels"))[:12], *UNITS, *UNITS.values()]:
        assert name in PAGE, name
    for name in ("json", "jsonl", "csv", "tidy-csv", "angles", "coco", "parquet"):
        assert f"| `--{name}` |" in PAGE
