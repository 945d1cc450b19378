"""What an output format consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from estimation.layouts import Layout
from estimation.skeletons import Skeletons


@dataclass(frozen=True)
class Format:
    """A form in which the skeletons of one photo are written.

    Attributes:
        name: the format's name, and the demo's option: ``--NAME FILE``.
        help: what the option writes, for ``--help``.
        encode: makes the content of the file from the skeletons of a photo and their layout.
    """

    name: str
    help: str
    encode: Callable[[Skeletons, Layout], bytes]
