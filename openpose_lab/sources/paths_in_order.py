"""List the paths in folders and the matches of globs, in natural order and without hidden files."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

ANY_FOLDERS = "**"
"""The part of a glob that stands for any number of folders, including zero."""


@dataclass
class Contents:
    """The contents of a folder.

    Attributes:
        files: Everything except folders, including devices and broken links.
        folders: The folders inside.
        links: Links to folders. They are kept apart, because they may form circles or lead out of the source.
    """

    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)


def contents(folder: Path, hidden: bool = False) -> Contents:
    """List a folder.

    Args:
        folder: The folder.
        hidden: Whether hidden files and folders are listed.

    Raises:
        OSError: The folder cannot be read.
    """
    found = Contents()
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if _is_hidden(entry) and not hidden:
                continue
            if entry.is_symlink() or getattr(entry, "is_junction", bool)():  # a junction is a link of Windows
                (found.links if os.path.isdir(path) else found.files).append(path)
            else:
                (found.folders if entry.is_dir() else found.files).append(path)
    return found


def all_contents(folder: Path) -> Iterator[Contents]:
    """Yield the contents of a folder and of each folder below it. Links to folders are not followed."""
    waiting = [folder]
    while waiting:
        found = contents(waiting.pop())
        yield found
        waiting += found.folders


def is_glob(text: str) -> bool:
    """Return whether a text contains a wildcard."""
    return any(letter in text for letter in "*?[")


def split_glob(pattern: str) -> tuple[Path, list[str]]:
    """Split a glob into the folder where its search starts, and the other parts.

    A folder that exists under the literal text of a part, such as ``holiday [2]``, is not a wildcard.
    """
    root, parts = Path(), list(Path(pattern).parts)
    while len(parts) > 1 and (not is_glob(parts[0]) or os.path.isdir(root / parts[0])):
        root /= parts.pop(0)
    return root, parts


def matches(folder: Path, parts: Sequence[str], links: list[Path]) -> Iterator[Path]:
    """Yield the files and folders that match a glob. A path may come twice.

    Args:
        folder: The folder where the search starts.
        parts: The parts of the glob. A wildcard does not match a dot at the beginning of a name.
        links: Output: the links to folders that ``**`` does not follow are added to this list.

    Raises:
        OSError: A folder cannot be read.
    """
    part, *rest = parts
    if part == ANY_FOLDERS:
        rest = rest[next((number for number, one in enumerate(rest) if one != ANY_FOLDERS), len(rest)) :] or ["*"]
        yield from matches(folder, rest, links)
        for found in all_contents(folder):
            links += found.links
            for below in found.folders:
                yield from matches(below, rest, links)
        return
    if is_glob(part):
        found = contents(folder, hidden=part.startswith("."))
        paths = [*found.files, *found.folders, *found.links]
        paths = [path for path in paths if fnmatch.fnmatch(_composed(path.name), _composed(part))]
    else:
        paths = [folder / part] if os.path.lexists(folder / part) else []
    for path in paths:
        if not rest:
            yield path
        elif os.path.isdir(path):
            yield from matches(path, rest, links)


def natural_key(path: PurePath) -> list[tuple[list[str | int], str]]:
    """Return a sort key for natural order: 2.jpg before 10.jpg, upper and lower case alike."""
    return [(_pieces(folded(part)), part) for part in path.parts]


def folded(text: str) -> str:
    """Return a text that is equal for names that some systems treat as equal.

    Such names differ only in upper and lower case, or in the code points of their accents.
    """
    return _composed(_composed(text).casefold())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _pieces(text: str) -> list[str | int]:
    """Split a text into text and numbers in turns, starting with text."""
    return [int(piece) if number % 2 else piece for number, piece in enumerate(re.split("([0-9]+)", text))]


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith("."):
        return True
    if os.name != "nt":
        return False
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_HIDDEN", 0))
