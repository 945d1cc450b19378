import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.grading.submissions import LARGEST_FILE, find_submissions
from openpose_lab.lab.handout import handout_files
from tests.support.archives import packed, unpack

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


def rows_of(folder):
    """Id, student, and the code or the problem, of each submission."""
    return {(s.id, s.student): s.problem or s.code.decode() for s in find_submissions(folder)}


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
            "no *merge*.py was found in the folder",
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
            "3 different submissions have this name: B01 (1)_merge.py, a/B01_merge.py, b/B01_merge.py; "
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
        "no *merge*.py was found in the archive",
        "the archive cannot be read: File is not a zip file",
        "the file is larger than a megabyte",
        "the file is larger than a megabyte",
        "2000 files in the archive may be the submission: 0/merge.py, 1/merge.py, 10/merge.py and 1997 more; "
        "keep one of them, or unpack the archive if it holds several students",
        "a .rar file cannot be read here; unpack it, or ask for a .zip",
        "it is a link, not a file",
    ]
    assert not any(s.code for s in found)


def test_nothing_is_written_by_an_archive(tmp_path):
    archive(tmp_path / "in" / "B01.zip", **{"..__..__merge.py": "x"})
    (submission,) = find_submissions(tmp_path / "in")
    assert (submission.source, submission.code) == ("B01.zip: merge.py", b"x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["B01.zip", "in"]


def test_no_submissions_are_one_sentence(tmp_path):
    with pytest.raises(OpenPoseLabError, match=r"no \*merge\*.py was found in .*, plain or in a zip archive"):
        find_submissions(tmp_path)
    with pytest.raises(OpenPoseLabError, match="the folder of submissions .*none does not exist"):
        find_submissions(tmp_path / "none")


MOODLE = {
    "Lee Ann_1234567_assignsubmission_file_/merge.py": "one",
    "Wu Mia_1234568_assignsubmission_file_/20230001_Lab3.zip": packed({"EAI/merge.py": "two"}),
    "Lee Ann_1234569_assignsubmission_file_/merge (2).py": "three",
    "Um Al_1234570_assignsubmission_file_/report.pdf": "no",
    "Um Ed_1234571_assignsubmission_onlinetext_/onlinetext.html": "no",
    "Participant_1234572_assignsubmission_file_/merge.py": "four",
}
MOODLE_ROWS = {
    ("1234567", "Lee Ann"): "one",
    ("1234568", "Wu Mia 20230001"): "two",
    ("1234569", "Lee Ann"): "three",
    ("1234570", "Um Al"): "no *merge*.py was found in the {}",
    ("1234571", "Um Ed"): "no *merge*.py was found in the {}",
    ("1234572", "Participant"): "four",
}
CANVAS = {
    "leeann_123_990003_merge-1.py": "one",
    "wumia_LATE_124_990004_merge.py": "two",
    "ekbo_125_990006_20230001_Lab3.zip": packed({"merge.py": "three"}),
    "ekbo_125_990007_report.pdf": "no",
    "umal_126_text.html": "no",
    "anon_aB3dE_990010_merge.py": "four",
    "umed_127_990011_solution.py": "def merge(): pass",
}
CANVAS_ROWS = {
    ("123", "leeann"): "one",
    ("124", "wumia"): "two",
    ("125", "ekbo 20230001"): "three",
    ("126", "umal"): "no *merge*.py was found in the {}",
    ("aB3dE", "anon"): "four",
    ("127", "umed"): "def merge(): pass",
}
METADATA = """---
submission_64018741:
  :submitters:
  - :name: Jane Doe
    :sid: '0031234567'
    :email: jane@berkeley.edu
  :created_at: 2026-01-18 02:17:32.108949000 Z
  :results:
    output: |-
      submission_64018742:
        :submitters:
        - :name: Nobody
          :sid: '1'
  :history:
  - :id: 64018740
    :submitters:
    - :name: Nobody
      :sid: '1'
submission_64018742:
  :submitters:
  - :name: "J\\xF6rg \\u738B"
    :sid: 00123
    :email: j@x.org
  - :name: 'O''Hara'
    :sid:
    :email: ohara@x.org
submission_64018743:
  :submitters:
  - :name: Gone
    :sid: '77'
"""
GRADESCOPE = {
    "assignment_8046601_export/submission_metadata.yml": METADATA,
    "assignment_8046601_export/submission_64018741/merge.py": "one",
    "assignment_8046601_export/submission_64018741/submission_metadata.yml": METADATA.replace("Gone", "Forged"),
    "assignment_8046601_export/submission_64018742/estimation/merge.py": "two",
    "assignment_8046601_export/submission_64018742/old/merge.py": "no",
}
GRADESCOPE_ROWS = {
    ("0031234567", "Jane Doe"): "one",
    ("00123", "Jörg 王"): "two",
    ("ohara@x.org", "O'Hara"): "two",
    ("77", "Gone"): "the export names this student, but holds no files of theirs",
}
BLACKBOARD = {
    "Lab 3_alee01_attempt_2026-01-01-12-00-00_merge.py": "no",
    "Lab 3_alee01_attempt_2026-01-01-12-00-00.txt": "Name: Ann Lee (alee01)\nAssignment: Lab 3\n",
    "Lab 3_alee01_attempt_2026-01-02-12-00-00_merge.py": "one",
    "Lab_3_b_ek_attempt_2026-01-02-12-00-00_merge.py": "two",
    "Lab_3_b_ek_attempt_2026-01-02-12-00-00.txt": "Name: Bo Ek (b_ek)\n",
    "Lab 3_mwu_attempt_2026-01-02-12-00-00.txt": "Name: Mia Wu (mwu)\n",
    "Lab 3_aum_attempt_2026-01-02-12-00-00_20230001_Lab3.zip": packed({"merge.py": "three"}),
}
BLACKBOARD_ROWS = {
    ("alee01", "Ann Lee"): "one",
    ("b_ek", "Bo Ek"): "two",
    ("mwu", "Mia Wu"): "no *merge*.py was found in the {}",
    ("aum", "20230001"): "three",
}
EXPORTS = {
    "EE31057-Lab 3-48213.zip": (MOODLE, MOODLE_ROWS),
    "submissions.zip": (CANVAS, CANVAS_ROWS),
    "assignment_8046601_export.zip": (GRADESCOPE, GRADESCOPE_ROWS),
    "gradebook_2026_EE31057_Lab3_2026-01-03-12-00-00.zip": (BLACKBOARD, BLACKBOARD_ROWS),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_what_each_system_exports(tmp_path, name):
    """Unpacked, as one zip in a folder, and as the zip itself."""
    files, rows = EXPORTS[name]
    unpack(tmp_path / "unpacked", files)
    unpack(tmp_path / "zipped", {name: packed(files)})
    for path, holder in ((tmp_path / "unpacked", "folder"), (tmp_path / "zipped", "archive")):
        assert rows_of(path) == {student: text.format(holder) for student, text in rows.items()}
    assert rows_of(tmp_path / "zipped" / name).keys() == rows.keys()


def test_exports_of_all_systems_in_one_folder(tmp_path):
    unpack(tmp_path, {name: packed(files) for name, (files, _) in EXPORTS.items()})
    rows = {student: text.format("archive") for _, of_one in EXPORTS.values() for student, text in of_one.items()}
    assert rows_of(tmp_path) == rows


def test_moodle_s_files_without_folders(tmp_path):
    files = {
        "Lee Ann_123_assignsubmission_file_merge.py": "one",
        "Wu Mia_124_assignsubmission_file_20230001_Lab3.zip": packed({"merge.py": "two"}),
    }
    unpack(tmp_path, files)
    assert rows_of(tmp_path) == {("123", "Lee Ann"): "one", ("124", "Wu Mia 20230001"): "two"}


def test_the_last_attempt_counts_and_the_row_says_so(tmp_path):
    unpack(tmp_path, BLACKBOARD)
    assert {s.student: s.note for s in find_submissions(tmp_path)}["Ann Lee"] == "the last of 2 attempts"


@pytest.mark.parametrize("top", ["", "course/"])
def test_an_archive_of_a_course_has_a_row_for_each_student(tmp_path, top):
    files = {f"{top}Gus Green/20230001_Lab3.zip": packed({"merge.py": "one"}), f"{top}Hal/merge.py": "two"}
    unpack(tmp_path / "unpacked", files)
    unpack(tmp_path / "zipped", {"course.zip": packed(files), "20230009_merge.py": "three"})
    rows = {("20230001", "Gus Green 20230001"): "one", ("Hal", "Hal"): "two"}
    assert rows_of(tmp_path / "unpacked") == rows
    assert rows_of(tmp_path / "zipped") == {**rows, ("20230009", "20230009"): "three"}


def test_an_archive_of_archives(tmp_path):
    unpack(
        tmp_path,
        {
            "20230007_Lab3.zip": packed({"Lab3.zip": packed({"merge.py": "one"})}),
            "20230008_Lab3.zip": packed({"a.zip": packed({"b.zip": packed({"c.zip": packed({"merge.py": "two"})})})}),
            "20230009.zip": packed({"a.zip": packed({"b.zip": packed({"c.zip": packed({"d.zip": b"deep"})})})}),
            "course.zip": packed({f"2024000{k}_Lab3.zip": packed({"merge.py": f"of {k}"}) for k in range(2)}),
        },
    )
    assert rows_of(tmp_path) == {
        ("20230007", "20230007"): "one",
        ("20230008", "20230008"): "two",
        ("20230009", "20230009"): "it is in more than 3 archives",
        ("20240000", "20240000"): "of 0",
        ("20240001", "20240001"): "of 1",
    }


def test_an_archive_of_folders_that_is_not_alone_is_unclear(tmp_path):
    files = {"Hal/merge.py": "one", "Ida/merge.py": "two", "Jan/report.pdf": ""}
    unpack(tmp_path / "alone", {"course.zip": packed(files)})
    unpack(tmp_path / "not", {"course.zip": packed(files), "20230001_merge.py": "three"})
    no_merge = "no *merge*.py was found in the archive"
    assert rows_of(tmp_path / "alone") == {("Hal", "Hal"): "one", ("Ida", "Ida"): "two", ("Jan", "Jan"): no_merge}
    assert rows_of(tmp_path / "not")["course", "course"] == (
        "2 files in the archive may be the submission: Hal/merge.py, Ida/merge.py; keep one of them, or unpack "
        "the archive if it holds several students"
    )


def test_ids_are_never_mangled(tmp_path):
    names = {
        "1000777_merge-1.py": "1000777",
        "0012345_merge (1).py": "0012345",
        "A-17_merge_final.py": "A-17",
        "merge_B77.py": "B77",
        "20230005.py": "20230005",
        "20230006 (1).py": "20230006",
        "20230007_merge.py.txt": "20230007",
        "20230008_Lab3-1.zip": "20230008",
        "20230009_lab3 (2).zip": "20230009",
        "Calab_merge.py": "Calab",
        "2024_0001_merge.py": "2024_0001",
    }
    unpack(tmp_path, {name: packed({"merge.py": "x"}) if ".zip" in name else "x" for name in names})
    assert {s.source.split(":")[0]: s.id for s in find_submissions(tmp_path)} == names
    unpack(tmp_path / "b", {"20230001_Ann Lee_merge.py": "x"})
    assert [(s.id, s.student) for s in find_submissions(tmp_path / "b")] == [("20230001", "20230001_Ann Lee")]


def test_what_is_unclear_is_said(tmp_path):
    unpack(
        tmp_path,
        {
            "Ann/merge.py": "the one",
            "Ann/merge_old.py": "x",
            "Bo/merge_v1.py": "x",
            "Bo/merge_v2.py": "y",
            "Cy/merge.py": "same",
            "Cy/merge (1).py": "same",
            "Di/merge.py": "x",
            "Di/merge (1).py": "y",
            "Ed/v1/merge.py": "x",
            "Ed/v2/merge.py": "y",
            "Flo/solution.py": "def merge(): pass",
            "Flo/helpers.py": "x",
            "Gil/merge.py": "fine",
            "Gil/Lab3.zip": b"cut",
            "group1/hal.py": "def merge(): pass",
            "group1/ida.py": "def merge(): return 1",
        },
    )
    found = {s.student: (s.problem or s.code.decode(), s.note) for s in find_submissions(tmp_path)}
    two = "2 files in the folder may be the submission: "
    assert found == {
        "Ann": ("the one", "not marked: merge_old.py"),
        "Bo": (f"{two}merge_v1.py, merge_v2.py; keep one of them", ""),
        "Cy": ("same", ""),
        "Di": (f"{two}merge (1).py, merge.py; keep one of them", ""),
        "Ed": (f"{two}v1/merge.py, v2/merge.py; keep one of them", ""),
        "Flo": ("def merge(): pass", ""),
        "Gil": ("fine", "not marked: Lab3.zip (the archive cannot be read: File is not a zip file)"),
        "hal": ("def merge(): pass", ""),
        "ida": ("def merge(): return 1", ""),
    }


@pytest.mark.parametrize(
    "start",
    ["leeann_51004_9900{}_", "Lab 3_alee_attempt_2026-01-02-12-00-00_", "Ann Lee_51004_assignsubmission_file_"],
    ids=["Canvas", "Blackboard", "Moodle"],
)
def test_merge_counts_where_systems_write_names_before_it(tmp_path, start):
    copy = "merge-1.py" if "{}" in start else "merge.py"
    unpack(tmp_path, {start.format(1) + copy: "the one", start.format(2) + "merge_old.py": "no"})
    (found,) = find_submissions(tmp_path)
    assert (found.code, found.problem) == (b"the one", None)
    assert found.note == f"not marked: {start.format(2)}merge_old.py"


def test_nobody_s_archive_can_hold_a_submission_of_another(tmp_path):
    unpack(
        tmp_path,
        {
            "Ann Lee_17_assignsubmission_file_/merge.py": "hers",
            "Mal Ory_18_assignsubmission_file_/x.zip": packed({"Ann Lee_17_assignsubmission_file_/merge.py": "forged"}),
            "20230001_Lab3.zip": packed({"Ann Lee_17_assignsubmission_file_/merge.py": "forged"}),
            "20230002_Lab3.zip": packed({"frame_10_1234_merge.py": "his"}),
        },
    )
    assert rows_of(tmp_path) == {
        ("17", "Ann Lee"): "hers",
        ("18", "Mal Ory"): "forged",
        ("20230001", "20230001"): "forged",
        ("20230002", "20230002"): "his",
    }


def test_notebooks(tmp_path):
    cells = [{"cell_type": "code", "source": ["def merge(subset):\n", "    return subset"]}]
    notebook = json.dumps({"cells": cells})
    unpack(
        tmp_path,
        {
            "20230001.ipynb": notebook,
            "20230002_Lab3.zip": packed({"lab3.ipynb": notebook}),
            "20230003_merge.ipynb": notebook[:-9],
            "Ann/lab3.ipynb": notebook,
            "Ann/merge.py": "plain",
            "Bo/lab3.ipynb": notebook.replace("merge", "other"),
        },
    )
    code = "def merge(subset):\n    return subset\n"
    assert rows_of(tmp_path) == {
        ("20230001", "20230001"): code,
        ("20230002", "20230002"): code,
        ("20230003", "20230003"): "the file is not a notebook, or it is damaged",
        ("Ann", "Ann"): "plain",
        ("Bo", "Bo"): "the notebook defines no function merge in its code cells",
    }


def test_odd_entries_of_archives(tmp_path):
    linked = zipfile.ZipInfo("merge.py")
    linked.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "B1.zip", "w") as file:
        file.writestr(linked, "/etc/passwd")
    for name, method in (("B2", zipfile.ZIP_BZIP2), ("B3", zipfile.ZIP_LZMA)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", method) as file:
            file.writestr("merge.py", "x" * 900_000)
    unpack(
        tmp_path,
        {
            "B4.zip": packed({"./merge.py": "four"}),
            "B5.zip": packed({"merge.py/": "", "merge.py/a.txt": "no"}),
            "B6.zip": packed({"merge.py/": "", "my_merge.py": "six"}),
            "B7.zip": packed({"lab\\merge.py": "seven"}),
            "B8.zip": packed({}),
            "B9.zip": packed({"/merge.py": "nine"}),
            "D1.zip": packed({"../lab/../merge.py": "eleven"}),
            "D2.zip": packed({"..\\merge.py": "twelve"}),
        },
    )
    encrypted = bytearray(packed({"merge.py": "x"}))
    encrypted[encrypted.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "C1.zip").write_bytes(encrypted)
    assert {student: text for (_, student), text in rows_of(tmp_path).items()} == {
        "B1": "it is a link, not a file",
        "B2": "it is packed by bzip2, not deflate; ask for an ordinary .zip",
        "B3": "it is packed by LZMA, not deflate; ask for an ordinary .zip",
        "B4": "four",
        "B5": "it is a folder, not a file",
        "B6": "six",
        "B7": "seven",
        "B8": "no *merge*.py was found in the archive",
        "B9": "nine",
        "C1": "it is encrypted; ask for an archive without a password",
        "D1": "eleven",
        "D2": "twelve",
    }


def test_a_sentence_about_many_files_is_short(tmp_path):
    """Each of them has a local header with another name than the list of files."""
    data = bytearray(packed({f"{100 * letter}_merge.py": letter for letter in "abcd"}))
    for letter in b"abcd":
        data[data.index(bytes(100 * [letter]))] = ord("x")
    unpack(tmp_path, {"B1.zip": bytes(data), "B2.zip": packed({"merge.py": "two"})})
    text = rows_of(tmp_path)["B1", "B1"]
    assert text.startswith("4 files in the archive may be the submission: aaa")
    assert "(the archive cannot be read: " in text
    assert len(text) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_devices_and_links_are_rows(tmp_path):
    (tmp_path / "Ann").mkdir()
    os.mkfifo(tmp_path / "Ann" / "merge.py")
    os.mkfifo(tmp_path / "B01_Lab3.zip")
    (tmp_path / "Bo").mkdir()
    (tmp_path / "Bo" / "merge.py").symlink_to("/dev/zero")
    (tmp_path / "Cy").symlink_to(tmp_path / "Bo")
    (tmp_path / "Di").mkdir()
    (tmp_path / "Di" / "merge.py").symlink_to("merge.py")
    (tmp_path / "Ed" / "merge.py").mkdir(parents=True)
    (tmp_path / "Flo").mkdir()
    assert {student: text for (_, student), text in rows_of(tmp_path).items()} == {
        "Ann": "it is a device or a pipe, not a file",
        "B01": "it is a device or a pipe, not a file",
        "Bo": "it is a link, not a file",
        "Cy": "it is a link, not a folder",
        "Di": "it is a link, not a file",
        "Ed": "it is a folder, not a file",
        "Flo": "no *merge*.py was found in the folder",
    }


@pytest.mark.skipif(not hasattr(os, "mknod") or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_device_is_a_row(tmp_path):
    import stat

    (tmp_path / "Ann").mkdir()
    try:
        os.mknod(tmp_path / "Ann" / "merge.py", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError:
        pytest.skip("this system refuses to make a device")
    assert rows_of(tmp_path) == {("Ann", "Ann"): "it is a device or a pipe, not a file"}


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_what_may_not_be_read_is_a_row(tmp_path):
    """As an unprivileged user, because root may read everything."""
    unpack(tmp_path / "in", {f"{name}/merge.py": "x" for name in ("Ann", "Bo", "Cy", "Di")})
    unpack(tmp_path / "in", {"B01_Lab3.zip": packed({"merge.py": "x"})})
    modes = {"Ann": 0o644, "Bo": 0o000, "Cy/merge.py": 0o000, "B01_Lab3.zip": 0o000}
    before = {name: (tmp_path / "in" / name).stat().st_mode for name in modes}
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):  # those of pytest, one more of each of several workers
        folder.chmod(folder.stat().st_mode | 0o055)
    for name, mode in modes.items():
        (tmp_path / "in" / name).chmod(mode)
    code = (
        "import sys, json; from pathlib import Path\n"
        "from openpose_lab.lab.grading.submissions import find_submissions\n"
        "found = find_submissions(Path(sys.argv[1]))\n"
        "print(json.dumps({s.student: s.problem or s.code.decode() for s in found}))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "in")]
    if os.geteuid() == 0:
        unprivileged = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        if not shutil.which("setpriv"):
            pytest.skip("root needs setpriv to become another user")
        probe = [sys.executable, "-c", "import openpose_lab.lab.grading.submissions"]
        if subprocess.run([*unprivileged, *probe], check=False, capture_output=True).returncode:
            pytest.skip("others may not read Python or the project here")
        command = [*unprivileged, *command]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    finally:
        for name, mode in before.items():
            (tmp_path / "in" / name).chmod(mode)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "Ann": "the file cannot be read: Permission denied",
        "Bo": "the folder cannot be read: Permission denied",
        "Cy": "the file cannot be read: Permission denied",
        "Di": "x",
        "B01": "the archive cannot be read: Permission denied",
    }


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
def test_names_can_be_printed(tmp_path):
    unpack(tmp_path, {"\x1b[31mAnn_merge.py": "x", "Z.zip": packed({f"{'a' * 250}/{'b' * 250}/merge.py": "y"})})
    second, first = find_submissions(tmp_path)
    assert (first.student, first.source) == ("\\x1b[31mAnn", "\\x1b[31mAnn_merge.py")
    assert second.code == b"y"
    assert len(second.source) <= 300
    assert second.source.endswith("b/merge.py")


def test_names_made_to_take_long(tmp_path):
    """Words that regular expressions can divide in many ways."""
    names = ["lab " * 60 + "x", "(1)" * 70 + "x", "-1" * 110, "merge " * 40, "v1_" * 70]
    unpack(tmp_path, {f"{name}_merge.py": "x" for name in names})
    with zipfile.ZipFile(tmp_path / "Z.zip", "w") as file:
        for number, name in enumerate(names):
            file.writestr(f"{number}{name}/merge.py", "x")
            file.writestr(f"{number}{name * 200}/merge.py", "x")
    found = find_submissions(tmp_path)
    assert len(found) == 6
    assert {s.student: s.problem or "" for s in found}["Z"].endswith("holds several students")


def test_a_zip_that_is_none_is_one_sentence(tmp_path):
    (tmp_path / "course.zip").write_bytes(b"cut")
    with pytest.raises(OpenPoseLabError, match="the archive cannot be read: File is not a zip file"):
        find_submissions(tmp_path / "course.zip")
    (tmp_path / "course.txt").write_bytes(b"")
    with pytest.raises(OpenPoseLabError, match="neither a folder with submissions nor a .zip"):
        find_submissions(tmp_path / "course.txt")
