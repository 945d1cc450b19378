"""What an output format consists of."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from openpose_lab.extras import require
from openpose_lab.formats.units import PIXELS

if TYPE_CHECKING:
    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record


@dataclass(frozen=True)
class _NamedFormat:
    """What both kinds of formats have.

    Attributes:
        name: the format's name, and the demo's option: ``--NAME``.
        help: what the option writes, for ``--help``.
        library: the library of an extra that the format needs; None if it needs none.

    Raises:
        ValueError: if the name cannot be an option.
    """

    name: str
    help: str
    library: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name):
            raise ValueError(f"a format's name must be lower-case words joined by hyphens but is {self.name!r}")

    def check(self) -> None:
        """Raise OpenPoseLabError if a library that the format needs is not installed."""
        if self.library is not None:
            require(self.library, f"--{self.name}")


@dataclass(frozen=True)
class Format(_NamedFormat):
    """A form in which the people of one photo are written: one file a photo.

    Attributes:
        encode: makes the content of the file from the photo's record, the layout, and the unit of x and y.
    """

    encode: Callable[[Record, Layout, str], bytes]


@dataclass(frozen=True)
class TableFormat(_NamedFormat):
    """A form in which the people of all photos are written: one file for all.

    Attributes:
        write: writes the file from the records of the photos, the layout, the open file, and the unit of x and y. It
            takes one record at a time, so that memory does not grow with their number. It leaves the file open.
    """

    write: Callable[[Iterable[Record], Layout, BinaryIO, str], None]

    def encode(self, record: Record, layout: Layout, unit: str = PIXELS) -> bytes:
        """Give the content of the file for one photo."""
        file = io.BytesIO()
        self.write([record], layout, file, unit)
        return file.getvalue()
