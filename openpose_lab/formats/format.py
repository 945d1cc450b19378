"""The types of output formats."""

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
    """The attributes that both kinds of formats share.

    Attributes:
        name: The format's name. The demo's option is ``--NAME``.
        help: A phrase that says what the option writes, for ``--help``.
        library: An optional library that the format needs. None if it needs none.

    Raises:
        ValueError: The name cannot be an option.
    """

    name: str
    help: str
    library: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name):
            raise ValueError(f"a format's name must be lower-case words joined by hyphens but is {self.name!r}")

    def check(self) -> None:
        """Raise OpenPoseLabError if the library that the format needs is not installed."""
        if self.library is not None:
            require(self.library, f"--{self.name}")


@dataclass(frozen=True)
class Format(_NamedFormat):
    """An output format with one file per photo.

    Attributes:
        encode: A function from a photo's record, the layout and the unit of x and y to the content of the file.
    """

    encode: Callable[[Record, Layout, str], bytes]


@dataclass(frozen=True)
class TableFormat(_NamedFormat):
    """An output format with one file for all photos.

    Attributes:
        write: A function that writes the file. Its arguments are the records of the photos, the layout, the open file,
            and the unit of x and y. It takes one record at a time, so that memory does not grow with the number of
            photos. It leaves the file open.
    """

    write: Callable[[Iterable[Record], Layout, BinaryIO, str], None]

    def encode(self, record: Record, layout: Layout, unit: str = PIXELS) -> bytes:
        """Return the content of the file for one photo."""
        file = io.BytesIO()
        self.write([record], layout, file, unit)
        return file.getvalue()
