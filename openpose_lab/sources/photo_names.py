"""Give photos unique names, which become the names of their outputs.

A photo's name is its path within its source, without the ending. If two photos would have the same name, their names
keep the ending: ``1.jpg`` and ``1.png``. If these are still equal, the folder comes first, as in ``x/1`` and ``y/1``,
then also the folder above, and so on. Paths that differ only in upper and lower case are numbered: ``A`` and ``a-2``.
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
        photos: (path, folder) of each photo: its path, or None for the standard input, and the folder in which its
            source starts. Paths are unique.

    Returns:
        A name for each photo: a relative path with forward slashes and without ``..``. Names are unique even if upper
        and lower case count as equal.
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
    """Yield the possible names of a photo, in the order in which they are tried.

    Args:
        whole: The parts of the photo's absolute path; empty for the standard input.
        within: The number of parts after the folder of its source.
        twin: The number of the photo, from 1, among photos with paths that some systems treat as equal.
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
    """Add a number to names that are still equal, except the first of them."""
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
    """Replace letters that text files cannot hold, and parts such as ``..`` that lead to another folder, with ``_``."""
    letters = ["_" if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in part]
    return "".join(letters) if part.strip(".") else "_"
