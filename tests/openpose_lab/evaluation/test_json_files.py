"""JSON that is too large or too deep is refused with one sentence, within the memory limit."""

import json
import subprocess
import sys
import tracemalloc

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation import json_files
from openpose_lab.evaluation.json_files import estimated_bytes, read_json
from tests.conftest import ROOT

WHAT = "annotations file", "a COCO keypoint file"


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "a.json"
        path.write_bytes(data)
        return read_json(path, *WHAT)

    return read


@pytest.mark.parametrize(
    "outline",
    [
        "[[1.5, 2, 3]]",
        "[ [1,2],\n[3e1,-4] ]",
        "[]",
        '{"counts": [272, 2], "size": [4, 5]}',
        '{"size":[4,5],"counts":"a"}',
    ],
)
@pytest.mark.parametrize("after", ["", ', "id": 1', ' , "bbox": [1, 2]'])
def test_outlines_are_left_out(read, outline, after):
    entry = f'{{"segmentation" : {outline}{after}}}'
    content = read(f'{{"annotations": [{entry}, {entry}]}}'.encode())
    assert content == {"annotations": [{**json.loads(entry), "segmentation": 0}] * 2}


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe\x00", b"nul"])
def test_what_is_no_json_is_one_sentence(read, data):
    with pytest.raises(OpenPoseLabError, match="the annotations file .* is not JSON, or cut short; give a COCO key"):
        read(data)


MANY = [b"[]", b"{}", b'"ab"', b"1e1", b"257", b'{"a":1}', b"[1]"]
"""The values that take most memory for their letters."""


@pytest.mark.parametrize("value", MANY)
def test_the_estimate_of_memory_is_no_less_than_what_python_asks_for(value):
    data = b"[" + b",".join([value] * 50_000) + b"]"
    tracemalloc.start()
    try:
        content = json.loads(data)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(content) == 50_000
    assert 0.2 * estimated_bytes(data) < taken <= 1.1 * estimated_bytes(data)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory of one process is only known on Linux")
@pytest.mark.parametrize("value", MANY)
def test_the_estimate_of_memory_is_no_less_than_the_memory(value):
    script = f"""
import json, resource
from openpose_lab.evaluation.json_files import estimated_bytes
data = b"[" + b",".join([{value!r}] * 400_000) + b"]"
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
content = json.loads(data)
print(estimated_bytes(data), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    estimated, taken = map(int, done.stdout.split())
    assert taken <= 1.1 * estimated


def test_too_many_values_are_refused_before_they_are_read(read, monkeypatch):
    monkeypatch.setattr(json_files, "_MOST_MEMORY", 1 << 20)
    assert len(read(b"[" + b"1," * 20_000 + b"1]")) == 20_001
    with pytest.raises(OpenPoseLabError, match="contains too many values to read .* in memory.; give a part of it"):
        read(b"[" + b"1," * 30_000 + b"1]")


def test_a_file_that_has_no_end_is_refused(tmp_path):
    with pytest.raises(OpenPoseLabError, match="is a folder; give the path of one annotations file"):
        read_json(tmp_path, *WHAT)
