"""What an output format consists of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estimation.layouts import Layout

if TYPE_CHECKING:
    from estimation.skeletons import Skeletons


@dataclass(frozen=True)
class Format:
    """A form in which the skeletons of one photo are written.

    Attributes:
        name: the format's name, and the demo's option: ``--NAME FILE``.
        help: what the option writes, for ``--help``.
        encode: makes the content of the file from the skeletons of a photo and their layout.

    Raises:
        ValueError: if the name cannot be an option.
    """

    name: str
    help: str
    encode: Callable[[Skeletons, Layout], bytes]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name):
            raise ValueError(f"a format's name must be lower-case words joined by hyphens but is {self.name!r}")
