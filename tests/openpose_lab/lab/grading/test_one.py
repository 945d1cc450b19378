"""What one student handed in, marked alone."""

import os
from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.accuracy import read_photo_rows
from openpose_lab.lab.grading import one
from openpose_lab.lab.grading.marking import Setting
from openpose_lab.lab.grading.submissions import find_one_submission
from openpose_lab.lab.sandbox.limits import Limits
from tests.support.archives import packed, unpack

needs_users = pytest.mark.skipif(os.name != "posix", reason="Windows has no users to change to")


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"merge.py": "a"}, b"a"),
        ({"merge.py": "a", "old/merge.py": "b", "merge_old.py": "c", "report.pdf": "d"}, b"a"),
        ({"leeann_123_990003_merge-1.py": "a"}, b"a"),
        ({"Ann Lee_101_assignsubmission_file_/merge.py": "a", "helper.py": "b"}, b"a"),
        ({"answer.py": "def merge(subset): pass", "helper.py": "b"}, b"def merge(subset): pass"),
        ({"lab.zip": packed({"lab/estimation/merge.py": "a", "lab/merge.py": "b"})}, b"a"),
    ],
)
def test_the_file_that_counts(tmp_path, files, code):
    unpack(tmp_path / "in", files)
    found = find_one_submission(tmp_path / "in")
    assert (found.code, found.problem, found.student, found.id) == (code, None, "in", "")


def test_a_single_file(tmp_path):
    unpack(tmp_path, {"my answer.py": "def merge(subset): pass", "lab.zip": packed({"merge.py": "a"})})
    assert find_one_submission(tmp_path / "my answer.py").code == b"def merge(subset): pass"
    assert find_one_submission(tmp_path / "lab.zip").code == b"a"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "the submission is empty; it has no files"),
        ({"report.pdf": "a", "old/notes.txt": "b"}, "no *merge*.py was found in the submission"),
        ({"a/merge.py": "a", "b/merge.py": "b"}, "2 files in the submission may be the submission: "),
        ({"lab.zip": b"PK"}, "the archive cannot be read: "),
        ({"lab.rar": b"x"}, "a .rar file cannot be read here"),
    ],
)
def test_what_cannot_be_marked_is_a_problem(tmp_path, files, problem):
    (tmp_path / "in").mkdir()
    unpack(tmp_path / "in", files)
    found = find_one_submission(tmp_path / "in")
    assert found.code == b""
    assert found.problem.startswith(problem)


def test_a_place_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(OpenPoseLabError, match="the submission .* does not exist"):
        find_one_submission(tmp_path / "none")


@needs_users
@pytest.mark.parametrize("starts", [True, False, None])
def test_root_runs_submissions_as_another_user_if_python_starts_so(tmp_path, monkeypatch, starts):
    def find_guards(setting):
        if setting.user and starts is None:
            raise PermissionError
        return [] if setting.user and not starts else ["memory"]

    monkeypatch.setattr(one.os, "geteuid", lambda: 0)
    monkeypatch.setattr(one, "find_guards", find_guards)
    setting, guards = one._with_guards(Setting(tmp_path, read_photo_rows(), Limits(), "key"))
    assert bool(setting.user) is bool(starts)
    assert guards == (["memory", one.OTHER_USER] if starts else ["memory"])


@needs_users
def test_a_user_who_is_not_root_runs_submissions_as_themselves(tmp_path, monkeypatch):
    monkeypatch.setattr(one.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(one, "find_guards", lambda setting: ["memory"])
    setting, guards = one._with_guards(Setting(Path(tmp_path), read_photo_rows(), Limits(), "key"))
    assert (setting.user, guards) == (None, ["memory"])


HANGS_AT_HIDDEN_ROWS = """
def merge(subset, **limits):
    while 907 in subset[:, :18]:
        pass
    return subset[:0]
"""
FAILS_THE_SECOND_TIME = """
seen = set()
def merge(subset, **limits):
    if len(subset) > 50 and subset.tobytes() in seen:
        raise ValueError
    seen.add(subset.tobytes())
    return subset[:0]
"""


@pytest.mark.slow
@pytest.mark.parametrize(("text", "is_timed"), [(HANGS_AT_HIDDEN_ROWS, True), (FAILS_THE_SECOND_TIME, False)])
def test_figures_that_students_see_say_nothing_of_hidden_rows_and_time_only_answers(tmp_path, text, is_timed):
    (tmp_path / "merge.py").write_text(text)
    record, _ = one.mark_one(tmp_path / "merge.py", read_photo_rows(), Limits(seconds=1))
    assert record.accuracy == {"F1": 0.0}
    assert (record.milliseconds is not None) == is_timed
