import zipfile

import pytest

from estimation.errors import OpenPoseLabError
from tools.lab.submissions import LARGEST, find_submissions


def archive(path, **files):
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name.replace("__", "/"), text)


def test_what_is_found_and_whose_it_is(tmp_path):
    (tmp_path / "B01_merge.py").write_text("one")
    (tmp_path / "B02").mkdir()
    (tmp_path / "B02" / "merge.py").write_text("two")
    (tmp_path / "notes.py").write_text("no")
    (tmp_path / "merge.txt").write_text("no")
    archive(tmp_path / "B03_Lab3.zip", **{"EAI_Lab3__merge.py": "three", "report.pdf": "%PDF"})
    archive(tmp_path / "Mia_42_file_" / "B04 lab3.zip", **{"my_merge.py": "four"})
    archive(tmp_path / "B05.zip", **{"__MACOSX__._merge.py": "no", "merge.py": "five", "old_merge.py": "no"})
    found = {s.student: (s.source, s.code.decode(), s.problem) for s in find_submissions(tmp_path)}
    assert found == {
        "B01": ("B01_merge.py", "one", None),
        "B02": ("B02/merge.py", "two", None),
        "B03": ("B03_Lab3.zip: EAI_Lab3/merge.py", "three", None),
        "B04": ("Mia_42_file_/B04 lab3.zip: my_merge.py", "four", None),
        "B05": ("B05.zip: merge.py", "five", None),
    }


def test_students_of_the_same_name_are_told_apart(tmp_path):
    (tmp_path / "B01_merge.py").write_text("one")
    archive(tmp_path / "B01_Lab3.zip", **{"a_merge.py": "two", "b_merge.py": "three"})
    assert [s.student for s in find_submissions(tmp_path)] == ["B01 (1)", "B01 (2)", "B01 (3)"]


def test_what_is_odd_is_a_submission_with_a_problem(tmp_path):
    archive(tmp_path / "B01_Lab3.zip", **{"report.pdf": "x"})
    (tmp_path / "B02_Lab3.zip").write_bytes(b"no archive")
    (tmp_path / "B03_merge.py").write_text("#" * (LARGEST + 1))
    archive(tmp_path / "B04.zip", **{"merge.py": "#" * (LARGEST + 1)})
    found = find_submissions(tmp_path)
    assert [s.problem for s in found] == [
        "there is no *merge*.py in the archive",
        "the archive cannot be read: File is not a zip file",
        "the file is larger than a megabyte",
        "the file is larger than a megabyte",
    ]
    assert not any(s.code for s in found)


def test_nothing_is_written_by_an_archive(tmp_path):
    archive(tmp_path / "in" / "B01.zip", **{"..__..__merge.py": "x"})
    (submission,) = find_submissions(tmp_path / "in")
    assert submission.problem == "there is no *merge*.py in the archive"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["B01.zip", "in"]


def test_no_submissions_are_one_sentence(tmp_path):
    with pytest.raises(OpenPoseLabError, match=r"there is no \*merge\*.py in .*, plain or in a zip archive"):
        find_submissions(tmp_path)
    with pytest.raises(OpenPoseLabError, match="there is no folder .*none with submissions"):
        find_submissions(tmp_path / "none")
