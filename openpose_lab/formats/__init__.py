"""Output formats: they write skeletons for other programs, one module per format.

A file with a ``FORMAT`` in this folder adds an output format and its option in the demo. A ``Format`` writes one file
per photo. A ``TableFormat`` writes one file for all photos.
"""

from estimation.discovery import collect_by_name
from openpose_lab.formats.format import Format, TableFormat

__all__ = ["FORMATS", "Format", "TableFormat"]

FORMATS: dict[str, Format | TableFormat] = collect_by_name(__name__, __path__, "FORMAT")
"""The name of every output format -> the format."""
