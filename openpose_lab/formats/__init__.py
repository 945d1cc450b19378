"""Skeletons in the formats that other programs read, one file each.

A file with a ``FORMAT`` in this folder adds an output format, and with it an option of the demo.
"""

from estimation.discovery import collect_by_name
from openpose_lab.formats.format import Format

__all__ = ["FORMATS", "Format"]

FORMATS: dict[str, Format] = collect_by_name(__name__, __path__, "FORMAT")
"""Every output format by its name."""
