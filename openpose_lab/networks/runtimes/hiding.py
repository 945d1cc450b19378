"""Import a library without the optional packages that it would import as well."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Make packages appear as not installed inside a ``with`` block. Packages that are already imported stay.

    Args:
        packages: The names of the packages. Code that imports them in the block must handle their absence.
    """
    absent = [package for package in packages if package not in sys.modules]
    for package in absent:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for package in absent:
            del sys.modules[package]
