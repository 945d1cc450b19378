"""The output folder: a part is finished when its people are written. A job continues only with the same settings."""

import json
import os

import pytest

from estimation.errors import OpenPoseLabError
from estimation.layouts import LAYOUTS
from openpose_lab.batch.items import PHOTO, Item
from openpose_lab.batch.output import Output
from openpose_lab.batch.plan import empty_plan
from openpose_lab.batch.rows import Failure, failures_table, people_table
from openpose_lab.batch.stores import StoreError
from openpose_lab.extras import is_installed
from tests.support.extras import needs

pytestmark = needs("pyarrow")

if is_installed("pyarrow"):
    NOBODY = [people_table([], LAYOUTS["COCO_18"])]
    ONE = [failures_table([Failure("a.jpg", 0, "it is broken")])]
    NONE = [failures_table([])]


@pytest.fixture(params=["path", "address"])
def place(request, tmp_path):
    return str(tmp_path / "out") if request.param == "path" else (tmp_path / "out").as_uri()


def test_a_new_job_begins_with_an_empty_plan(place):
    with Output(place) as output:
        assert output.begin({"quality": "fast"}).parts == 0
        assert output.finished() == output.with_failures() == set()


def test_a_job_continues_with_its_plan_and_its_parts(place):
    plan = empty_plan().extended([Item(PHOTO, "a.jpg"), Item(PHOTO, "b.jpg")], 1)
    with Output(place) as output:
        output.begin({})
        output.keep_plan(plan)
        output.write_part(1, NOBODY, ONE)
    with Output(place) as output:
        assert output.begin({}).table.equals(plan.table)
        assert output.finished() == output.with_failures() == {1}
        assert [row["reason"] for row in output.failures([1])] == ["it is broken"]


def test_failures_without_people_are_of_an_unfinished_part(place, tmp_path):
    with Output(place) as output:
        output.begin({})
        output.write_part(0, NOBODY, ONE)
        (tmp_path / "out" / "people" / "part-000000.parquet").unlink()
        assert output.finished() == output.with_failures() == set()


def test_a_part_that_succeeds_at_last_has_no_failures(place, tmp_path):
    with Output(place) as output:
        output.begin({})
        output.write_part(0, NOBODY, ONE)
        assert output.finished() == {0}
        output.write_part(0, NOBODY, NONE)
        assert (output.finished(), output.with_failures()) == ({0}, set())
    assert os.listdir(tmp_path / "out" / "failures") == []


def test_the_people_are_written_last_except_of_a_part_that_is_done_again(place, monkeypatch):
    with Output(place) as output:
        written = []
        output.finished()
        monkeypatch.setattr(output._store, "write", lambda name, _: written.append(name))
        output.write_part(3, NOBODY, ONE)
        output._again = {3}
        output.write_part(3, NOBODY, ONE)
    files = ["failures/part-000003.parquet", "people/part-000003.parquet"]
    assert written == [*files, *files[::-1]]


def test_a_store_that_fails_is_no_empty_folder(place, monkeypatch):
    def fail(*_):
        raise StoreError("the store does not answer")

    with Output(place) as output:
        output.begin({})
        output.write_part(0, NOBODY, NONE)
        monkeypatch.setattr(output._store, "list_files", fail)
        for action in (output.finished, lambda: output.begin({})):
            with pytest.raises(StoreError):
                action()


def test_parts_without_a_plan_are_refused(place):
    with Output(place) as output:
        output.begin({})
        output.write_part(0, NOBODY, NONE)
    with Output(place) as output, pytest.raises(OpenPoseLabError, match=r"plan\.parquet is missing"):
        output.begin({})


def test_a_job_with_other_settings_is_refused(place):
    with Output(place) as output:
        output.begin({"quality": "fast", "every": "1"})
    with Output(place) as output, pytest.raises(OpenPoseLabError, match=r"another quality \(fast, now best\)"):
        output.begin({"quality": "best", "every": "1"})


def test_a_folder_with_other_files_is_refused(place, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.doc").write_text("x")
    with Output(place) as output, pytest.raises(OpenPoseLabError, match=r"holds other files, such as thesis\.doc"):
        output.begin({})
    assert (tmp_path / "out" / "thesis.doc").read_text() == "x"


@pytest.mark.parametrize("name", ["batch.json", "plan.parquet"])
@pytest.mark.parametrize("content", [b"", b"[1]", b"{"])
def test_damaged_files_of_a_job_are_told(place, tmp_path, name, content):
    with Output(place) as output:
        output.begin({})
        output.keep_plan(empty_plan())
    (tmp_path / "out" / name).write_bytes(content)
    with Output(place) as output, pytest.raises(OpenPoseLabError, match=f"{name} in .* is damaged; give a new folder"):
        output.begin({})


def test_two_programs_do_not_write_to_one_folder(tmp_path):
    with Output(str(tmp_path)), pytest.raises(OpenPoseLabError, match="another run is writing"), Output(str(tmp_path)):
        pass
    with Output(str(tmp_path)) as output:
        output.begin({})


def test_the_settings_can_be_read(tmp_path):
    with Output(str(tmp_path)) as output:
        output.begin({"quality": "fast"})
    assert json.loads((tmp_path / "batch.json").read_text()) == {"version": "1", "quality": "fast"}
