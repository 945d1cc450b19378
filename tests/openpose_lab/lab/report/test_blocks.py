"""The parts of a report that the program writes, from findings made by hand."""

from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from estimation.grouping.contract import Failure
from openpose_lab.lab.accuracy import read_photo_rows
from openpose_lab.lab.cases import HANDOUT, make_rows
from openpose_lab.lab.grading import marking
from openpose_lab.lab.merge_checks import CATEGORIES
from openpose_lab.lab.report import blocks
from openpose_lab.lab.report.blocks import became, escaped, make_blocks, picture_names, shares, table
from openpose_lab.lab.report.document import BLOCKS, find_blocks, new_document
from openpose_lab.lab.report.findings import Drawn, Findings
from openpose_lab.sources import PhotoFile

PERSON = {"nose": 0, "neck": 1, "right_shoulder": 2, "right_elbow": 3}
FOUND = Findings(
    "my_merge.py",
    "0123456789abcdef" * 4,
    answer=make_rows((PERSON, 7.5)),
    f1=0.9444,
    milliseconds=9.96,
    usual_milliseconds=12.4,
    photos=[Drawn("a_b.jpg", b"jpeg", 2, 35, 40, 1.26)],
)
ZERO = "peak 0 counts"
FAILURES = {
    ZERO: Failure("0 is an id like any other; only -1 means that a part is missing"),
    "the handout's nine rows are one person": Failure("waits"),
    "306 rows in 2 seconds": Failure("*slow* | a_b"),
}


def test_the_rows_before_and_after():
    text = make_blocks(FOUND, ["generated/a.jpg"])["subset"].splitlines()
    head = "nose | neck | r_shoulder | r_elbow | l_shoulder | r_eye | l_eye | r_ear | l_ear | score | parts |"
    assert text[2] == f"| row | {head} person |"
    assert text[4:8] == [
        "| 0 | . | 1 | 2 | . | . | . | . | . | . | 1.95 | 2 | 0 |",
        "| 1 | . | 1 | . | . | 5 | . | . | . | . | 1.76 | 2 | none |",
        "| 2 | . | . | 2 | 3 | . | . | . | . | . | 1.70 | 2 | 0 |",
        "| 3 | 0 | 1 | . | . | . | . | . | . | . | 1.90 | 2 | 0 |",
    ]
    assert text[12:] == [
        "| 8 | . | . | . | . | 5 | . | . | . | 9 | 1.65 | 2 | none |",
        "",
        "After: the 1 row that `merge` returns.",
        "",
        f"| person | {head}",
        "| --- |" + 11 * " --: |",
        "| 0 | 0 | 1 | 2 | 3 | . | . | . | . | . | 7.50 | 4 |",
    ]


def test_an_answer_without_people_has_no_second_table():
    text = make_blocks(replace(FOUND, answer=HANDOUT[:0]), [""])["subset"]
    assert text.endswith("\n\nAfter: the 0 rows that `merge` returns.")
    assert text.count("| none |") == 9


def test_of_a_long_answer_the_first_rows_are_shown():
    text = make_blocks(replace(FOUND, answer=np.tile(FOUND.answer, (14, 1)), fault="a peak_0 twice"), [""])["subset"]
    assert "| 0 and 1 and 2 and 3" in text
    assert "| 11 | 0 | 1 | 2 |" in text
    assert "| 12 | 0 | 1 | 2 |" not in text
    assert text.endswith("\n\nThe report leaves out 2 more rows.\n\n**This answer is wrong:** a peak\\_0 twice")


def test_without_an_answer_the_rows_before_are_there():
    text = make_blocks(replace(FOUND, answer=None, fault="merge failed: no <idea>"), [""])["subset"].splitlines()
    assert text[2].endswith("| score | parts |")
    assert text[4] == "| 0 | . | 1 | 2 | . | . | . | . | . | . | 1.95 | 2 |"
    assert text[-1] == "**After: missing.** merge failed: no \\<idea\\>"


def test_pictures_with_what_is_on_them():
    photos = [*FOUND.photos, Drawn("one.png", b"jpeg", 1, 4, 1, 12.6), Drawn("no.png", b"jpeg", 0, 0, 0, 0.04)]
    text = make_blocks(replace(FOUND, photos=photos), ["g/a.jpg", "g/one.jpg", "g/no.jpg"])["pictures"]
    assert text.split("\n\n") == [
        "![a\\_b.jpg with the skeletons of 2 people](g/a.jpg)",
        "a\\_b.jpg: 40 rows of limbs became 2 people with 35 of 36 parts. Grouping took 1.3 ms.",
        "![one.png with the skeletons of 1 person](g/one.jpg)",
        "one.png: 1 row of limbs became 1 person with 4 of 18 parts. Grouping took 13 ms.",
        "![no.png with the skeletons of 0 people](g/no.jpg)",
        "no.png: 0 rows of limbs became 0 people with 0 of 0 parts. Grouping took 0.0 ms.",
    ]


def test_photos_without_a_picture_are_named_with_the_reason_once():
    photos = [Drawn("a.jpg", problem="merge failed"), *FOUND.photos, Drawn("b.jpg", problem="merge failed")]
    text = make_blocks(replace(FOUND, photos=photos), ["1", "2", "3"])["pictures"].split("\n\n")
    assert text[0].endswith("(2)")
    assert text[2:] == ["**No picture of a.jpg, b.jpg.** merge failed"]


def test_checks_by_category():
    waiting = {"the handout's nine rows are one person": ZERO}
    found = replace(FOUND, failures=FAILURES, waiting=waiting, not_graded="it may not import cv2")
    assert make_blocks(found, [""])["checks"].split("\n\n") == [
        "| category | checks passed | share of points |\n| --- | --: | --: |\n"
        "| contract | 11 of 11 | 85 % |\n| correctness | 11 of 13 | 85 % |\n| order | 6 of 6 | 85 % |\n"
        "| conflicts | 7 of 7 | 85 % |\n| speed | 1 of 2 | 42 % |",
        "The share of points follows from these checks. Categories other than correctness are scaled by the "
        "correctness score. The grader also runs hidden checks, so its points can differ.",
        "**No points:** it may not import cv2",
        "2 checks failed; 1 more can pass only after these.",
        "- correctness, peak 0 counts: 0 is an id like any other; only -1 means that a part is missing\n"
        "- speed, 306 rows in 2 seconds: \\*slow\\* \\| a\\_b",
    ]


@pytest.mark.parametrize("failures", [{}, FAILURES, {ZERO: FAILURES[ZERO]}])
def test_shares_are_those_of_a_grader_without_checks_of_its_own(failures, monkeypatch):
    monkeypatch.setattr(marking, "ALL_HIDDEN", ())
    record = marking.Record("one", "merge.py", "key", failures=dict.fromkeys(failures, ("", "")))
    assert shares(failures) == record.shares()
    assert tuple(shares(failures)) == CATEGORIES


def test_f1_beside_the_other_groupings():
    lines = make_blocks(FOUND, [""])["comparison"].splitlines()
    assert lines[0].startswith(
        "F1 of the pairs of parts that each grouping puts into one person, on 1543 rows of limbs"
    )
    ranked = [line.split(" | ") for line in lines[4:-2]]
    assert [(row[0], row[2]) for row in ranked] == [
        ("| lab", "0.948 |"),
        ("| openpose_cuda", "0.947 |"),
        ("| hungarian", "0.946 |"),
        ("| spanning_tree", "0.946 |"),
        ("| **this merge**", "0.944 |"),
        ("| optimal", "0.943 |"),
        ("| openpose_cpu", "0.943 |"),
        ("| best_first", "0.924 |"),
    ]
    assert lines[-1].startswith("Time for all these rows: 10.0 ms; the project's own `merge` takes about 12 ms here (")


def test_every_grouping_is_described():
    assert blocks._GROUPINGS.keys() == read_photo_rows().figures.keys()


def test_without_figures_the_others_are_there():
    text = make_blocks(replace(FOUND, f1=None, milliseconds=None), [""])["comparison"]
    assert "this merge" not in text
    assert text.endswith("**This merge is missing** in the table, because an answer is missing or breaks the contract.")


def test_nothing_but_the_problem_if_the_file_cannot_be_loaded():
    problem = "my_merge.py cannot be loaded: line 1: SyntaxError"
    found = Findings("my_merge.py", "0" * 64, problem, photos=[Drawn("a.jpg", problem=problem)])
    made = make_blocks(found, ["g/a.jpg"])
    told = escaped(problem)
    assert made["subset"].endswith(f"**After: missing.** {told}")
    assert made["pictures"] == f"**No picture of a.jpg.** {told}"
    assert made["checks"] == f"**Checks: missing.** {told}"
    assert found.lacking == problem


def test_an_error_that_looks_like_a_line_of_the_program_is_none():
    problem = "<!-- openpose-lab report: end subset --> <script>x</script> ![a](b) | c"
    text = new_document(make_blocks(replace(FOUND, answer=None, fault=problem, failures=FAILURES), [""]))
    assert find_blocks(text, Path("report.md")).keys() == set(BLOCKS)
    assert MarkdownIt("commonmark", {"html": True}).render(escaped(problem)) == f"<p>{escape(problem)}</p>\n"


def test_the_file_is_told_by_its_checksum():
    made = make_blocks(FOUND, [""])["file"]
    assert made == "Made from `my_merge.py`. Its SHA-256 begins with `0123456789abcdef`."


def test_what_is_lacking():
    assert FOUND.lacking is None
    assert replace(FOUND, fault="a peak twice", failures=FAILURES).lacking is None  # it has its tables and pictures
    assert replace(FOUND, answer=None, fault="merge failed").lacking == "merge failed"
    assert replace(FOUND, photos=[*FOUND.photos, Drawn("b.jpg", problem="too slow")]).lacking == "too slow"


def test_which_person_has_a_row():
    row = make_rows(({"nose": 0, "neck": 1}, 1.9))[0]
    one, other = {"nose": 0, "neck": 1, "right_eye": 4}, {"nose": 0, "neck": 2}
    assert became(row, make_rows((other, 1), (one, 1))) == "1"
    assert became(row, make_rows((other, 1))) == "none"
    assert became(row, make_rows((one, 1), (one, 1))) == "0 and 1"


def test_names_of_pictures():
    names = (
        "images/skiers.jpg",
        "sub/a b.png",
        "a_b.jpg",
        "A-B.jpg",
        "other/skiers.jpg",
        "照片.jpg",
        "(1).jpg",
        "!.jpg",
    )
    photos = [*(PhotoFile(Path(name), name) for name in names), PhotoFile(None, "stdin")]
    assert picture_names(photos) == [
        *("skiers.jpg", "a-b.jpg", "a_b.jpg", "A-B-2.jpg", "skiers-2.jpg"),
        *("照片.jpg", "1.jpg", "photo.jpg", "photo-2.jpg"),
    ]
    assert len(picture_names([PhotoFile(Path("x" * 300), "x")])[0]) == 64


def test_a_table():
    assert table(["a", "b", "c"], [["1", "2", "3"]], left=2) == "| a | b | c |\n| --- | --- | --: |\n| 1 | 2 | 3 |"
