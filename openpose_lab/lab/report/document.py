"""``report.md``: the student's text, and blocks that the program writes again in each run.

A block stands between two comment lines. The first line has a checksum of the block, so the program notices text that
a person wrote into the block, and does not overwrite it. If both lines are deleted, the program does not write the
block again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from estimation.errors import OpenPoseLabError
from estimation.files import read_input
from openpose_lab.lab.report.own_files import short_checksum

BLOCKS = ("subset", "pictures", "checks", "comparison", "file")
"""The blocks, in the order in which a new report has them."""
PROMPT = "> To write: "
"""The beginning of a line that the student replaces."""
_TOP = "your name"
"""The place of a prompt above the first section, in words."""
_TEMPLATE = """# Report: a grouping algorithm for human pose estimation

> To write: your name and student ID.

## 1. Algorithm

> To write: how `merge` finds the rows of one person, what it does about conflicts, and its cost for n rows.

## 2. Output subset

<subset>

> To write: why the nine rows become these people, and where their scores and parts come from.

## 3. Test pictures

<pictures>

> To write: which people are right, which are wrong or in pieces, and which step causes that.

## 4. Checks, accuracy and time

<checks>

<comparison>

> To write: why checks fail, how your F1 compares with the others, and what takes the time.

## 5. Challenges and solutions

> To write: what was hard, what you tried, and what solved it.

## References

> To write: the papers, pages and code that you used, and the people who helped.

<file>
"""
_LARGEST = 8 << 20
"""The size limit of a report's text in bytes."""
_MARK = re.compile(r"<!--\s*openpose-lab\s+report:")
_BEGIN = re.compile(r"<!-- openpose-lab report: begin ([\w-]+)(?: ([0-9a-f]{16}))? \(.*\) -->")
_END = re.compile(r"<!-- openpose-lab report: end ([\w-]+) -->")


@dataclass(frozen=True)
class _Place:
    """The place of a block: the indices of its first and last line."""

    first: int
    last: int


def read_document(path: Path) -> str | None:
    """Read a report's text.

    Args:
        path: The Markdown file.

    Returns:
        The text with unchanged line ends; None if the file does not exist.

    Raises:
        OpenPoseLabError: The file cannot be read, or is not UTF-8.
    """
    if not path.exists() and not path.is_symlink():
        return None
    data = read_input(path, "report", _LARGEST)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise OpenPoseLabError(f"{path} is not UTF-8; save it as UTF-8 in your editor, and run again") from None


def new_document(blocks: Mapping[str, str]) -> str:
    """Write a new report with headings, prompts and all blocks."""
    text = _TEMPLATE
    for name in BLOCKS:
        text = text.replace(f"<{name}>", "\n".join(_block_lines(name, blocks[name])))
    return text


def update_document(text: str, blocks: Mapping[str, str], path: Path) -> str:
    """Replace the blocks of a report, and keep all other text.

    Args:
        text: The report.
        blocks: The Markdown of each block.
        path: The file, for error messages.

    Returns:
        The report with the new blocks.

    Raises:
        OpenPoseLabError: As in ``find_blocks``.
    """
    lines = text.split("\n")
    places = find_blocks(text, path)
    for name, place in sorted(
        places.items(), key=lambda item: -item[1].first
    ):  # from the end, because replacing moves later lines
        new = _block_lines(name, blocks[name])
        if "\r\n" in text:
            ends = "\r" if lines[place.last].endswith("\r") else ""  # the file's last line may have no line end
            new = [*(f"{line}\r" for line in new[:-1]), f"{new[-1]}{ends}"]
        lines[place.first : place.last + 1] = new
    return "\n".join(lines)


def find_blocks(text: str, path: Path) -> dict[str, _Place]:
    """Find the blocks of a report.

    Args:
        text: The report.
        path: The file, for error messages.

    Returns:
        The place of each block in the report.

    Raises:
        OpenPoseLabError: The line that begins or ends a block is damaged, or a block was changed by hand.
    """
    places: dict[str, _Place] = {}
    lines = [line.strip().lstrip("\ufeff") for line in text.split("\n")]
    opened: tuple[str, int, str | None] | None = None
    for index, line in enumerate(lines):
        if not _MARK.search(line):
            continue
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        where = f"{path}, line {index + 1}"
        if not begin and not end:
            raise OpenPoseLabError(
                f"{where}: this line, which begins or ends a block, is damaged; undo the change, or delete the line"
            )
        name = (begin or end)[1]  # type: ignore[index]  # one of them matched
        if name not in BLOCKS:
            raise OpenPoseLabError(f"{where}: the block {name} is unknown; write one of {', '.join(BLOCKS)}")
        if begin and opened:
            raise _without_end(path, *opened[:2])
        if begin and name in places:
            raise OpenPoseLabError(f"{where}: the report has the block {name} twice; delete one of the two")
        if begin:
            opened = name, index, begin[2]
        elif not opened or opened[0] != name:
            raise OpenPoseLabError(f"{where}: the block {name} ends here, but has no beginning; delete this line")
        else:
            _check_unchanged(lines[opened[1] + 1 : index], *opened, path)
            places[name] = _Place(opened[1], index)
            opened = None
    if opened:
        raise _without_end(path, *opened[:2])
    return places


def find_prompts(text: str) -> list[str]:
    """Find what the student must still write: the heading above each prompt that is left in a report."""
    heading, found = _TOP, []
    for line in text.splitlines():
        if line.startswith("##"):
            heading = line.lstrip("#").strip()
        elif line.rstrip() in _PROMPTS:
            found.append(heading)
    return list(dict.fromkeys(found))


_PROMPTS = frozenset(line for line in _TEMPLATE.splitlines() if line.startswith(PROMPT))


def _block_lines(name: str, content: str) -> list[str]:
    lines = ["", *content.strip("\n").split("\n"), ""]
    begin = f"<!-- openpose-lab report: begin {name} {_content_checksum(lines)} (write above or below this block) -->"
    return [begin, *lines, f"<!-- openpose-lab report: end {name} -->"]


def _content_checksum(lines: Sequence[str]) -> str:
    """Compute a checksum of a block that ignores spaces and table widths, because editors may change these."""
    return short_checksum(re.sub("-+", "-", "".join("".join(lines).split())).encode())


def _check_unchanged(content: Sequence[str], name: str, first: int, checksum: str | None, path: Path) -> None:
    if any(content) and _content_checksum(content) != checksum:
        raise OpenPoseLabError(
            f"{path}, line {first + 1}: the block {name} was changed by hand, and would be overwritten; move your text "
            "below the block, delete the rest between its two lines, and run again"
        )


def _without_end(path: Path, name: str, first: int) -> OpenPoseLabError:
    return OpenPoseLabError(
        f"{path}, line {first + 1}: the block {name} has no end; undo the change, or write "
        f"`<!-- openpose-lab report: end {name} -->` below the block"
    )
