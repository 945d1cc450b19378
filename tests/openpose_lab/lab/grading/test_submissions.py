import zipfile

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.grading.submissions import LARGEST_FILE, find_submissions
from openpose_lab.lab.handout import handout_files

WITH_MERGE = [name for name in handout_files() if "merge" in name and name.endswith(".py")]
"""The files of the handout that have *merge* in their names."""


def archive(path, **files):
    path.parent.mkdir(exist_ok=True, parents=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name.replace("__", "/"), text)


def write(path, text):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)


def found_in(folder):
    return {s.student: (s.source, s.code.decode(), s.problem) for s in find_submissions(folder)}


def test_what_is_found_and_whose_it_is(tmp_path):
    write(tmp_path / "B01_merge.py", "one")
    write(tmp_path / "B02" / "merge_final_v2.py", "two")
    write(tmp_path / "notes.py", "no")
    write(tmp_path / "merge.txt", "no")
    archive(tmp_path / "B03_Lab3.zip", **{"EAI_Lab3__merge.py": "three", "report.pdf": "%PDF"})
    archive(tmp_path / "group" / "B04 lab3 (1).zip", **{"my_merge.py": "four"})
    archive(tmp_path / "B05.zip", **{"__MACOSX__._merge.py": "no", "Merge.py": "five", "old__merge.py": "no"})
    write(tmp_path / "group" / "B06_merge.py", "six")
    write(tmp_path / "group" / "B07_merge.py", "seven")
    assert found_in(tmp_path) == {
        "B01": ("B01_merge.py", "one", None),
        "B02": ("B02/merge_final_v2.py", "two", None),
        "B03": ("B03_Lab3.zip: EAI_Lab3/merge.py", "three", None),
        "B04": ("group/B04 lab3 (1).zip: my_merge.py", "four", None),
        "B05": ("B05.zip: Merge.py", "five", None),
        "B06": ("group/B06_merge.py", "six", None),
        "B07": ("group/B07_merge.py", "seven", None),
        "notes": ("notes.py", "no", None),
    }


def test_moodle_s_folders_have_the_names(tmp_path):
    archive(tmp_path / "Ann Lee_17_assignsubmission_file_" / "B01_Lab3.zip", **{"merge.py": "one"})
    archive(tmp_path / "Mia Wu_18_assignsubmission_file_" / "Lab3.zip", **{"merge.py": "two"})
    write(tmp_path / "Bo Ek_19_assignsubmission_file_" / "merge (1).py", "three")
    write(tmp_path / "Al Um_20_assignsubmission_file_" / "report.pdf", "no")
    assert found_in(tmp_path) == {
        "Ann Lee B01": ("Ann Lee_17_assignsubmission_file_/B01_Lab3.zip: merge.py", "one", None),
        "Mia Wu": ("Mia Wu_18_assignsubmission_file_/Lab3.zip: merge.py", "two", None),
        "Bo Ek": ("Bo Ek_19_assignsubmission_file_/merge (1).py", "three", None),
        "Al Um": (
            "Al Um_20_assignsubmission_file_",
            "",
            "there is no *merge*.py in the folder",
        ),
    }


def test_of_a_whole_project_only_merge_is_taken(tmp_path):
    for name in (*WITH_MERGE, "openpose_lab/merge_old.py"):
        write(tmp_path / "B01" / "lab" / name, name)
    names = {"lab__estimation__merge.py": "yes", "lab__my_merge.py": "no", "lab__openpose_lab__check_merge.py": "no"}
    archive(tmp_path / "B02_Lab3.zip", **names)
    assert {student: code for student, (_, code, _) in found_in(tmp_path).items()} == {
        "B01": "estimation/merge.py",
        "B02": "yes",
    }


def test_no_file_of_the_handout_is_a_submission_but_merge(tmp_path):
    for name in WITH_MERGE:
        if name != "estimation/merge.py":
            write(tmp_path / "B03" / name, name)
    write(tmp_path / "B03" / "my_merge.py", "mine")
    assert {student: code for student, (_, code, _) in found_in(tmp_path).items()} == {"B03": "mine"}


def test_one_row_for_each_name(tmp_path):
    """(1) is the mark of a copy, and nothing else."""
    write(tmp_path / "B01 (1)_merge.py", "one")
    write(tmp_path / "a" / "B01_merge.py", "two")
    write(tmp_path / "a" / "x_merge.py", "three")
    write(tmp_path / "b" / "B01_merge.py", "four")
    write(tmp_path / "b" / "y_merge (2).py", "five")
    write(tmp_path / "b" / "y_merge.py", "five")
    assert found_in(tmp_path) == {
        "B01": (
            "B01 (1)_merge.py",
            "",
            "there are 3 submissions of this name, and they differ: B01 (1)_merge.py, a/B01_merge.py, b/B01_merge.py; "
            "keep one of them",
        ),
        "x": ("a/x_merge.py", "three", None),
        "y": ("b/y_merge (2).py", "five", None),
    }


def test_what_is_odd_is_a_submission_with_a_problem(tmp_path):
    archive(tmp_path / "B01_Lab3.zip", **{"report.pdf": "x"})
    (tmp_path / "B02_Lab3.zip").write_bytes(b"no archive")
    (tmp_path / "B03_merge.py").write_text("#" * (LARGEST_FILE + 1))
    archive(tmp_path / "B04.zip", **{"merge.py": "#" * (LARGEST_FILE + 1)})
    archive(tmp_path / "B05.zip", **{f"{k}__merge.py": "x" for k in range(2000)})
    (tmp_path / "B06_Lab3.rar").write_bytes(b"x")
    (tmp_path / "B07_merge.py").symlink_to(tmp_path / "B03_merge.py")
    found = find_submissions(tmp_path)
    assert [s.problem for s in found] == [
        "there is no *merge*.py in the archive",
        "the archive cannot be read: File is not a zip file",
        "the file is larger than a megabyte",
        "the file is larger than a megabyte",
        "there are 2000 files that may be meant in the archive: B05.zip: 0/merge.py, B05.zip: 1/merge.py, "
        "B05.zip: 10/merge.py and 1997 more; keep one of them",
        "a .rar file cannot be read here; unpack it, or ask for a .zip",
        "it is a link, not a file",
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
