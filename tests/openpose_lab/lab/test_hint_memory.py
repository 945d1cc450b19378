"""The number of hints given for each check of a file, from one run to the next."""

import pytest

from estimation.errors import OpenPoseLabWarning
from openpose_lab.kept_files import KeptFiles
from openpose_lab.lab import hint_memory
from openpose_lab.lab.hint_memory import HintMemory


@pytest.fixture
def cache(monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    monkeypatch.setattr(hint_memory, "cache_folder", lambda: folder)
    return folder


def test_counts_are_kept_for_each_file_and_check(cache, tmp_path):
    mine, other = tmp_path / "mine.py", tmp_path / "other.py"
    assert HintMemory(mine).given("peak 0 counts") == 0
    assert not cache.exists()
    assert HintMemory(mine).note("peak 0 counts", 2)
    assert HintMemory(mine).note("prints nothing", 1)
    again = HintMemory(tmp_path / "folder" / ".." / "mine.py")
    assert [again.given(name) for name in ("peak 0 counts", "prints nothing", "no empty person")] == [2, 1, 0]
    assert HintMemory(other).given("peak 0 counts") == 0


def test_a_check_that_passed_begins_anew(cache, tmp_path):
    memory = HintMemory(tmp_path / "mine.py")
    memory.note("peak 0 counts", 2)
    memory.note("prints nothing", 1)
    memory.forget_passed(["prints nothing"])
    for one in (memory, HintMemory(tmp_path / "mine.py")):
        assert [one.given(name) for name in ("peak 0 counts", "prints nothing")] == [0, 1]


def test_nothing_is_written_if_nothing_is_forgotten(cache, tmp_path):
    HintMemory(tmp_path / "mine.py").forget_passed([])
    assert not cache.exists()


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}" * 20, b"0" * 500])
def test_a_damaged_file_is_ignored(cache, tmp_path, data):
    HintMemory(tmp_path / "mine.py").note("peak 0 counts", 2)
    (kept,) = (cache / "hints").iterdir()
    kept.write_bytes(data)
    assert HintMemory(tmp_path / "mine.py").given("peak 0 counts") == 0
    HintMemory(tmp_path / "mine.py").note("peak 0 counts", 1)
    assert HintMemory(tmp_path / "mine.py").given("peak 0 counts") == 1


@pytest.mark.parametrize(
    ("data", "given"),
    [
        (b"[1, 2]", 0),
        (b"7", 0),
        (b"{", 0),
        (b"\xff", 0),
        (b"[" * 100_000, 0),
        (b'{"peak 0 counts": "2"}', 0),
        (b'{"peak 0 counts": -1}', 0),
        (b'{"peak 0 counts": true}', 0),
        (b'{"peak 0 counts": 2, "other": null}', 2),
    ],
)
def test_a_file_of_another_form_is_ignored(cache, tmp_path, data, given):
    path = tmp_path / "mine.py"
    KeptFiles(cache / "hints", 1 << 20, "hints").write(HintMemory(path)._key, data)
    assert HintMemory(path).given("peak 0 counts") == given


def test_where_nothing_can_be_written_a_note_says_so(cache, tmp_path):
    cache.write_text("no folder")
    memory = HintMemory(tmp_path / "mine.py")
    with pytest.warns(OpenPoseLabWarning, match="the hint counts are not saved for the next run: ") as told:
        assert not memory.note("peak 0 counts", 1)
    assert len(told) == 1
    assert str(told[0].message).endswith(f"{cache} is not a folder; move it away")
    assert HintMemory(tmp_path / "mine.py").given("peak 0 counts") == 0
