"""Unique names for photos, by which their outputs are named.

A photo's name is its path within its source, without the ending. Photos of one name are told apart by the ending:
``1.jpg`` and ``1.png``. If this does not help, the folder is put in front, ``x/1`` and ``y/1``, then the folder above,
and so on. Photos whose paths differ in upper and lower case alone are numbered: ``A`` and ``a-2``.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from openpose_lab.sources.paths_in_order import folded

STANDARD_INPUT_NAME = "stdin"


def unique_names(photos: Sequence[tuple[Path | None, Path]]) -> list[str]:
    """Name photos.

    Args:
        photos: The path of each, None for the standard input, and the folder that its source starts from. No path
            comes twice.

    Returns:
        A relative path with forward slashes for each photo, which leads to no folder above. No two are equal, nor
        differ in upper and lower case alone.
    """
    wholes = [() if path is None else Path(os.path.abspath(path)).parts[1:] for path, _ in photos]
    twins: Counter[str] = Counter()
    candidates = []
    for (path, root), whole in zip(photos, wholes):
        key = folded("/".join(whole))
        twins[key] += 1
        within = 0 if path is None else len(path.relative_to(root).parts)
        candidates.append(_candidates(whole, within, twins[key]))
    names = [next(one) for one in candidates]
    changed = True
    while changed:
        changed = False
        counts = Counter(map(folded, names))
        for number, name in enumerate(names):
            if counts[folded(name)] > 1 and (other := next(candidates[number], None)):
                names[number], changed = other, True
    return _numbered(names)


def _candidates(whole: Sequence[str], within: int, twin: int) -> Iterator[str]:
    """The names that a photo may get, in the order in which they are tried.

    Args:
        whole: The parts of its absolute path; none for the standard input.
        within: The count of those that its source does not name.
        twin: Its number among photos of paths that some systems take for one, from 1.
    """
    if not whole:
        yield STANDARD_INPUT_NAME
        return
    stem, ending = os.path.splitext(whole[-1])
    stem = _safe(f"{stem}-{twin}" if twin > 1 else stem)
    for count in range(max(within, 1), len(whole) + 1):
        folders = [_safe(part) for part in whole[-count:-1]]
        yield "/".join([*folders, stem])
        if ending:
            yield "/".join([*folders, stem + _safe(ending)])


def _numbered(names: list[str]) -> list[str]:
    """Number the names that are still equal, from the second on."""
    counts = Counter(map(folded, names))
    taken = {key for key, count in counts.items() if count == 1}
    unique = []
    for name in names:
        candidate, number = name, 1
        while counts[folded(name)] > 1 and folded(candidate) in taken:
            number += 1
            candidate = f"{name}-{number}"
        taken.add(folded(candidate))
        unique.append(candidate)
    return unique


def _safe(part: str) -> str:
    """A part of a path without what no text file can hold; it leads to no other folder."""
    letters = ["_" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in part]
    return "".join(letters) if part.strip(".") else "_"
