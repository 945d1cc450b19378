"""Readers that misbehave in every way that a mutation run must see, for its own tests."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from tests.support.mutation_worker import Kind, Said
from tests.support.seeds import Files


def seeds() -> list[Files]:
    """One file."""
    return [{"toy.txt": b"a seed of 16 bytes"}]


def fine(path: Path) -> Said:
    """Say something."""
    return ["a sentence"]


def refuses(path: Path) -> Said:
    """Refuse in a sentence, after a note."""
    warnings.warn("a note", OpenPoseLabWarning, stacklevel=1)
    raise OpenPoseLabError("no")


def raises(path: Path) -> Said:
    """Raise a defect."""
    raise KeyError("x")


def lacks_memory(path: Path) -> Said:
    """Raise what Python does for want of memory."""
    raise MemoryError


def says_much(path: Path) -> Said:
    """Return a sentence that is too long."""
    return ["a" * 300]


def steers(path: Path) -> Said:
    """Return a sentence that steers the terminal."""
    return ["\x1b[31m"]


def warns(path: Path) -> Said:
    """Let NumPy's kind of warning through."""
    warnings.warn("divided", RuntimeWarning, stacklevel=1)
    return ()


def prints(path: Path) -> Said:
    """Write to the terminal as a C library does."""
    os.write(2, b"libtoy: error\n")
    return ()


def hoards(path: Path) -> Said:
    """Take memory, and some time."""
    hoard = bytearray(b"x") * (300 << 20)
    time.sleep(0.5)
    return [] if hoard else [""]


def loops(path: Path) -> Said:
    """Never end."""
    while True:
        pass


def dies(path: Path) -> Said:
    """End the process."""
    os.abort()


def toy(read: Callable[[Path], Said]) -> Kind:
    """A kind with a right header in about half of the files."""
    return Kind(seeds, read, lambda path: path.read_bytes().startswith(b"a seed"))


KINDS = {
    read.__name__: toy(read)
    for read in (fine, refuses, raises, lacks_memory, says_much, steers, warns, prints, hoards, loops, dies)
}
