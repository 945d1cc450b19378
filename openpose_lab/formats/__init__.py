"""Skeletons in the formats that other programs read, one file each.

A file with a ``FORMAT`` in this folder adds an output format, and with it an option of the demo.
"""

from estimation.discovery import collect
from openpose_lab.formats.format import Format

__all__ = ["FORMATS", "Format"]

FORMATS: dict[str, Format] = {one.name: one for one in collect(__name__, __path__, "FORMAT")}
"""Every output format by its name."""
