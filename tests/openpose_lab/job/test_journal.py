"""Test the journal: records come back as written, and any change of its file gives one sentence."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.layouts import LAYOUTS
from openpose_lab.formats.lines import to_line
from openpose_lab.formats.record import Record
from openpose_lab.job import journal as journals
from openpose_lab.sources import PhotoFile
from tests.openpose_lab.formats.conftest import make_skeletons, random_records

LAYOUT = LAYOUTS["COCO_18"]
SETTINGS = {"network": "vgg19", "rotate": "0"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def filled(path):
    """Return the path of a journal with three photos, and their records."""
    records = list(random_records(3))
    with journals.begin(path, LAYOUT, SETTINGS) as journal:
        for record in records:
            append(journal, record)
    return path, records


def photo(path, name=None):
    return PhotoFile(Path(path), name or path)


def append(journal, record, name=None):
    journal.append(photo(record.name, name), record)


def resumed(path, settings=SETTINGS):
    return journals.resume(path, LAYOUT, settings)


def names_in(path):
    return [json.loads(line.partition(b"\t")[2])["name"] for line in path.read_bytes().splitlines()[1:]]


def test_records_come_back_to_the_last_bit(filled):
    path, records = filled
    with resumed(path) as journal:
        found = list(journal.records([record.name for record in records]))
        assert all(photo(record.name) in journal for record in records)
        assert photo("photo 3.jpg") not in journal
        assert photo(records[0].name, "another name") not in journal
    for before, after in zip(records, found, strict=True):
        assert (after.name, after.width, after.height) == (before.name, before.width, before.height)
        for name in ("keypoints", "scores", "person_scores", "peak_ids"):
            np.testing.assert_array_equal(getattr(after.skeletons, name), getattr(before.skeletons, name))


def test_records_come_in_the_order_of_the_list(path):
    """Photos finish in any order, and others are added later. Index and id follow the current list."""
    with journals.begin(path, LAYOUT, SETTINGS) as journal:
        for name in ("b.jpg", "c.jpg", "gone.jpg"):
            append(journal, Record(name, 7, None, 640, 480, make_skeletons(), 99))
        found = list(journal.records(["a.jpg", "b.jpg", "not done.jpg", "c.jpg"]))
    assert [(one.name, one.index, one.image_id) for one in found] == [("b.jpg", 1, 2), ("c.jpg", 3, 4)]


def test_names_that_are_numbers_are_the_ids_of_coco(path):
    with journals.begin(path, LAYOUT, SETTINGS) as journal:
        append(journal, Record("p/000000541055.jpg", 0, None, 640, 480, make_skeletons()))
        (found,) = journal.records(["p/000000000007.jpg", "p/000000541055.jpg"])
    assert (found.index, found.image_id) == (1, 541055)


def test_a_photo_that_is_done_again_counts_once(path):
    with journals.begin(path, LAYOUT, SETTINGS) as journal:
        append(journal, Record("a.jpg", 0, None, 1, 1, make_skeletons()))
        append(journal, Record("a.jpg", 0, None, 2, 2, make_skeletons()))
    with resumed(path) as journal:
        assert [record.width for record in journal.records(["a.jpg"])] == [2]


def test_the_later_photo_of_one_name_has_the_outputs(path):
    """The output files belong to the later photo, so the earlier photo is not done."""
    with journals.begin(path, LAYOUT, SETTINGS) as journal:
        for name in ("y.jpg", "z.jpg"):
            append(journal, Record(name, 0, None, 1, 1, make_skeletons()), "3")
        append(journal, Record("x.jpg", 0, None, 1, 1, make_skeletons()), "4")
    with resumed(path) as journal:
        assert photo("y.jpg", "3") not in journal
        assert photo("z.jpg", "3") in journal
        assert (journal.owner_of("3"), journal.owner_of("4"), journal.owner_of("5")) == ("z.jpg", "x.jpg", None)
        journal.forget(photo("z.jpg", "3"))
        assert journal.owner_of("3") is None
        assert [one.name for one in journal.records(["x.jpg", "y.jpg", "z.jpg"])] == ["x.jpg"]


def test_reading_and_appending_take_turns(filled):
    path, records = filled
    names = [record.name for record in records]
    with resumed(path) as journal:
        assert next(journal.records(names)).name == names[0]
        append(journal, Record("new.jpg", 3, None, 640, 480, make_skeletons()))
        assert [record.name for record in journal.records([*names, "new.jpg"])] == [*names, "new.jpg"]
    assert names_in(path) == [*names, "new.jpg"]


@pytest.mark.parametrize("left", [1, 2, 100, -1])
def test_a_last_line_that_is_cut_is_removed(filled, left):
    path, records = filled
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:left])
    with resumed(path) as journal:
        assert path.read_bytes() == b"".join(lines[:-1])
        assert photo(records[2].name) not in journal
        append(journal, records[2])
    assert path.read_bytes() == b"".join(lines)


def test_a_line_that_is_too_long_hides_none_behind_it(filled, monkeypatch):
    path, _ = filled
    before = path.read_bytes()
    monkeypatch.setattr(journals, "_LONGEST_LINE", 200)
    with pytest.raises(OpenPoseLabError, match="is damaged at byte "):
        resumed(path)
    assert path.read_bytes() == before


def test_no_file_and_an_empty_one_begin_anew(path):
    """A run may be killed before it writes its first line."""
    with resumed(path) as journal:
        assert list(journal.records(["a.jpg"])) == []
    header = path.read_bytes()
    assert json.loads(header) == {"openpose_lab_journal": 2, "settings": SETTINGS}
    path.write_bytes(b"")
    resumed(path).__exit__(None, None, None)
    assert path.read_bytes() == header


def test_beginning_leaves_nothing_of_the_run_before(filled):
    path, _ = filled
    journals.begin(path, LAYOUT, SETTINGS).__exit__(None, None, None)
    assert names_in(path) == []


@pytest.mark.parametrize("damage", [b"{}\n", b"\n", b"\0\0\0\n", b"[" * 100_000 + b"\n", "é\n".encode("latin-1")])
def test_a_damaged_line_is_one_sentence(filled, damage):
    path, _ = filled
    lines = path.read_bytes().splitlines(keepends=True)
    data = b"".join([*lines[:2], damage, *lines[3:]])
    path.write_bytes(data)
    with pytest.raises(OpenPoseLabError) as error:
        resumed(path)
    place = len(lines[0] + lines[1])
    assert str(error.value) == (
        f"the journal {path} is damaged at byte {place}; delete it, and run again with --overwrite"
    )
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "content",
    [
        b"Dear Sir or Madam\n",
        b"\x89PNG\r\n\x1a\n",
        b"[]\n",
        b"{}\n",
        b'{"openpose_lab_journal": 3, "settings": {}}\n',
        b'{"openpose_lab_journal": 2, "settings": []}\n',
        b"[" * 100_000,
        to_line(Record("a.jpg", 0, None, 1, 1, make_skeletons())),
        b'{"openpose_lab_jour',
    ],
)
def test_a_foreign_file_is_one_sentence_and_stays(path, content):
    path.write_bytes(content)
    with pytest.raises(OpenPoseLabError, match="is not the journal of a run; delete it, and run again with"):
        resumed(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("open_journal", [journals.begin, journals.resume])
def test_a_folder_is_one_sentence(path, open_journal):
    path.mkdir()
    with pytest.raises(OpenPoseLabError, match=f"cannot write {path}: "):
        open_journal(path, LAYOUT, SETTINGS)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({**SETTINGS, "rotate": "90"}, "has another rotate: 0 instead of 90;"),
        ({**SETTINGS, "blank": "True"}, "has another blank: nothing instead of True;"),
        ({"network": "vgg19"}, "has another rotate: 0 instead of nothing;"),
    ],
)
def test_other_settings_are_one_sentence(filled, settings, sentence):
    path, _ = filled
    with pytest.raises(OpenPoseLabError, match=f"^the run in {path} {sentence} .*--overwrite$"):
        resumed(path, settings)
    with resumed(path):  # the journal is not locked
        pass


@pytest.mark.parametrize("open_journal", [journals.begin, journals.resume])
def test_two_runs_cannot_write_one_journal(filled, open_journal):
    path, _ = filled
    before = path.read_bytes()
    with resumed(path):
        with pytest.raises(OpenPoseLabError, match=f"^another run is writing {path}; wait until it has finished"):
            open_journal(path, LAYOUT, SETTINGS)
        assert path.read_bytes() == before
    open_journal(path, LAYOUT, SETTINGS).__exit__(None, None, None)


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
def test_a_journal_that_is_deleted_stops_the_run(filled):
    path, records = filled
    with resumed(path) as journal:
        path.unlink()
        with pytest.raises(OpenPoseLabError, match="was deleted during the run; run again with --resume"):
            append(journal, records[0])


def test_a_disk_that_fills_keeps_what_is_done(filled):
    path, _ = filled
    before = path.read_bytes()

    class Full:
        """A file on a disk with only 100 free bytes."""

        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            self.file.write(data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def fill(journal):
        journal._file = Full(journal._file)
        append(journal, Record("new.jpg", 3, None, 640, 480, make_skeletons()))

    with pytest.raises(OpenPoseLabError, match="No space left on device; free some space"), resumed(path) as journal:
        fill(journal)
    assert path.read_bytes()[: len(before)] == before
    with resumed(path) as journal:
        assert photo("new.jpg") not in journal
    assert path.read_bytes() == before
