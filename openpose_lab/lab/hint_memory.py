"""The number of hints given for each check of a merge's file, remembered from one run to the next."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

from openpose_lab.kept_files import KeptFiles
from openpose_lab.paths import cache_folder

_MOST_BYTES = 1 << 20


class HintMemory:
    """The number of hints that were given for each check of one file.

    Args:
        file: the merge's Python file.
    """

    def __init__(self, file: Path) -> None:
        self._kept = KeptFiles(cache_folder() / "hints", _MOST_BYTES, "the hint counts")
        self._key = [os.path.normcase(os.path.realpath(file))]
        self._given = _read_counts(self._kept.read(self._key))

    def given(self, check: str) -> int:
        """Return the number of hints given for a check."""
        return self._given.get(check, 0)

    def note(self, check: str, count: int) -> bool:
        """Remember the number of hints given.

        Returns:
            Whether the number is stored for the next run. If not, a note says why.
        """
        self._given[check] = count
        self._write()
        return _read_counts(self._kept.read(self._key)) == self._given

    def forget_passed(self, failed: Collection[str]) -> None:
        """Start again with the first hint for each check that has not failed."""
        passed = self._given.keys() - set(failed)
        for check in passed:
            del self._given[check]
        if passed:
            self._write()

    def _write(self) -> None:
        self._kept.write(self._key, json.dumps(self._given).encode())


def _read_counts(data: bytes | None) -> dict[str, int]:
    """Read the stored counts. Data of another form, such as from another version, count as none."""
    try:
        counts = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}
    items = counts.items() if isinstance(counts, dict) else ()
    return {name: count for name, count in items if type(count) is int and count > 0}
