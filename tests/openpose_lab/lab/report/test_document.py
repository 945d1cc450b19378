"""The text of a report: blocks are written anew, and every other character stays."""

from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.report.document import (
    BLOCKS,
    find_blocks,
    find_prompts,
    new_document,
    read_document,
    update_document,
)

PATH = Path("report.md")
ONE = {name: f"one {name}\n\n| a | b |\n| --- | --: |\n| 1 | -2 |" for name in BLOCKS}
TWO = {name: f"two {name}" for name in BLOCKS}
BEGIN = "<!-- openpose-lab report: begin "
END = "<!-- openpose-lab report: end "


def lines_of(text, name):
    """The lines of a block, from its first to its last."""
    lines = text.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith(f"{BEGIN}{name} "))
    return lines[first : lines.index(f"{END}{name} -->") + 1]


def test_a_new_report_has_the_headings_of_the_handout_and_every_block():
    text = new_document(ONE)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Report: a grouping algorithm for human pose estimation",
        "## 1. Algorithm",
        "## 2. Output subset",
        "## 3. Test pictures",
        "## 4. Checks, accuracy and time",
        "## 5. Challenges and solutions",
        "## References",
    ]
    assert tuple(find_blocks(text, PATH)) == BLOCKS
    assert lines_of(text, "subset")[1:-1] == ["", *ONE["subset"].split("\n"), ""]
    assert text.count("> To write: ") == 7
    assert "<subset>" not in text


def test_the_same_blocks_leave_the_same_text():
    text = new_document(ONE)
    assert update_document(text, ONE, PATH) == text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_what_the_student_wrote_survives(newline, start):
    mine = "My text: é 人 <b>bold</b> \\* | --- |\n\n\n  ```\n  <!-- mine -->\n  ```\t \n"
    text = new_document(ONE)
    for prompt in [line for line in text.splitlines() if line.startswith("> To write: ")][:5]:
        text = text.replace(prompt, mine)
    text = start + text.replace(f"{BEGIN}checks", f"{mine}\n{BEGIN}checks")
    text = text.replace("\n", newline)
    changed = update_document(text, TWO, PATH)
    assert changed.count(mine.replace("\n", newline)) == 6
    expected = text
    for name in BLOCKS:
        old, new = (newline.join(lines_of(new_document(blocks), name)) for blocks in (ONE, TWO))
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert changed == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_report_that_ends_with_a_block(newline):
    text = new_document(ONE).replace("\n", newline).removesuffix(newline)
    changed = update_document(text, TWO, PATH)
    assert changed == new_document(TWO).replace("\n", newline).removesuffix(newline)


def test_blocks_may_be_moved_and_left_out():
    text = new_document(ONE)
    checks = "\n".join(lines_of(text, "checks"))
    moved = f"{checks}\n\n{text.replace(checks, '')}".replace("\n".join(lines_of(text, "file")), "mine")
    changed = update_document(moved, TWO, PATH)
    assert list(find_blocks(changed, PATH)) == ["checks", "subset", "pictures", "comparison"]
    assert changed.startswith(f"{BEGIN}checks ")
    assert "two file" not in changed
    assert changed.endswith("mine\n")


def test_an_editor_may_align_the_tables():
    text = new_document(ONE)
    aligned = text.replace("| a | b |\n| --- | --: |\n| 1 | -2 |", "| a   |   b |\n| --- | ------: |\n| 1   |  -2 |  ")
    assert aligned != text
    assert update_document(aligned, ONE, PATH) == text


def test_a_block_that_was_emptied_is_filled():
    text = new_document(ONE)
    block = lines_of(text, "subset")
    emptied = text.replace("\n".join(block), f"{block[0]}\n\n{block[-1]}")
    bare = text.replace("\n".join(block), f"{BEGIN}subset (mine) -->\n{block[-1]}")
    for one in (emptied, bare):
        assert update_document(one, ONE, PATH) == text


WITH_LINES = new_document({name: name for name in BLOCKS})
FIRST = WITH_LINES.splitlines().index(lines_of(WITH_LINES, "subset")[0]) + 1  # counts from 1, as editors do


def without(line):
    return WITH_LINES.replace(f"{line}\n", "", 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            without(f"{END}subset -->"),
            f"report.md, line {FIRST}: the block subset has no end; undo the change, or write "
            "`<!-- openpose-lab report: end subset -->` below the block",
        ),
        (
            without(f"{END}file -->"),
            "the block file has no end; undo the change, or write `<!-- openpose-lab report: end file -->` "
            "below the block",
        ),
        (
            without(lines_of(WITH_LINES, "subset")[0]),
            f"report.md, line {FIRST + 3}: the block subset ends here, but has no beginning; delete this line",
        ),
        (
            WITH_LINES.replace(f"{END}subset -->", f"{END}subset --"),
            f"report.md, line {FIRST + 4}: this line, which begins or ends a block, is damaged; undo the "
            "change, or delete the line",
        ),
        (
            WITH_LINES.replace(f"{BEGIN}subset ", f"mine {BEGIN}subset "),
            f"report.md, line {FIRST}: this line, which begins or ends a block, is damaged; undo the "
            "change, or delete the line",
        ),
        (
            WITH_LINES.replace(f"{BEGIN}subset ", f"{BEGIN}subsets "),
            f"report.md, line {FIRST}: the block subsets is unknown; write one of subset, pictures, checks, "
            "comparison, "
            "file",
        ),
        (
            WITH_LINES + "\n".join(lines_of(WITH_LINES, "subset")),
            "the report has the block subset twice; delete one of the two",
        ),
        (
            WITH_LINES.replace("\nsubset\n", "\nsubset\nmy own words\n"),
            f"report.md, line {FIRST}: the block subset was changed by hand, and would be overwritten; move your text "
            "below the block, delete the rest between its two lines, and run again",
        ),
        (
            WITH_LINES.replace("\nsubset\n", "\nsubsex\n"),
            "the block subset was changed by hand, and would be overwritten",
        ),
    ],
)
def test_a_damaged_block_is_one_sentence(text, sentence):
    assert text != WITH_LINES
    with pytest.raises(OpenPoseLabError) as caught:
        update_document(text, TWO, PATH)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 300


def test_what_is_left_to_write():
    text = new_document(ONE)
    assert find_prompts(text) == [
        "your name",
        "1. Algorithm",
        "2. Output subset",
        "3. Test pictures",
        "4. Checks, accuracy and time",
        "5. Challenges and solutions",
        "References",
    ]
    lines = text.splitlines()
    written = [f"{line} I began here" if line.startswith("> To write: what") else line for line in lines]
    written = [line for line in written if not line.startswith(("> To write: your name", "> To write: the papers"))]
    assert find_prompts("\r\n".join(written)) == [
        "1. Algorithm",
        "2. Output subset",
        "3. Test pictures",
        "4. Checks, accuracy and time",
    ]


def test_files_that_are_no_text_are_one_sentence(tmp_path):
    path = tmp_path / "report.md"
    assert read_document(path) is None
    path.write_bytes("é\r\n".encode())
    assert read_document(path) == "é\r\n"
    path.write_bytes("# Report".encode("utf-16"))
    with pytest.raises(OpenPoseLabError, match=r"report\.md is not UTF-8; save it as UTF-8 in your editor, and run"):
        read_document(path)
