"""Skeletons in the formats that other programs read, one file each.

A file with a ``FORMAT`` in this folder adds an output format, and with it an option of the demo. A ``Format`` makes one
file a photo, a ``TableFormat`` one file for all photos.
"""

from estimation.discovery import collect_by_name
from openpose_lab.formats.format import Format, TableFormat

__all__ = ["FORMATS", "Format", "TableFormat"]

FORMATS: dict[str, Format | TableFormat] = collect_by_name(__name__, __path__, "FORMAT")
"""Every output format by its name."""
