"""Recognise files that users give instead of photos, and advise what to do with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from estimation.photo_headers.header import ForeignError

_TEXT = 4096
"""The number of bytes at the start of a text that are searched for its kind."""


@dataclass(frozen=True)
class Foreign:
    """A format that the project cannot read: the first bytes of its files, its name, and advice."""

    start: bytes
    name: str
    advice: str = "save it as JPEG or PNG"

    def error(self) -> ForeignError:
        """Return the error for a file of this format."""
        return ForeignError(self.name, self.advice)


HEIC = Foreign(
    rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)",
    "a HEIC photo",
    "export it as JPEG (on an iPhone, choose Settings, Camera, Formats, Most Compatible)",
)
RAW = Foreign(
    rb".{4}ftypcrx |FUJIFILM|IIRO|IIRS|IIU\0|MMOR|\0MRM",
    "a camera's raw photo",
    "develop it and export it as JPEG",
)
VIDEO = Foreign(
    rb".{4}(?:ftyp|moov|mdat|wide)|RIFF.{4}AVI |\x1aE\xdf\xa3|OggS|FLV|\0\0\x01[\xb3\xba]|0&\xb2u"
    rb"|G.{187}G.{187}G|.{4}G.{191}G.{191}G",
    "a video",
    "give it to demo_video.py, or save one of its frames as JPEG or PNG",
)
_FORMATS = (
    HEIC,
    RAW,
    VIDEO,
    Foreign(rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL photo"),
    Foreign(rb"\x76\x2f\x31\x01", "an OpenEXR picture"),
    Foreign(rb"8BPS", "a Photoshop file"),
    Foreign(rb"\0\0[\x01\x02]\0", "an icon"),
    Foreign(rb"\xc5\xd0\xd3\xc6|%!PS", "a PostScript file"),
    Foreign(rb"%PDF", "a PDF"),
    Foreign(rb"PK\x03\x04", "a ZIP archive", "unpack it and give one photo"),
    Foreign(rb"\x1f\x8b|7z\xbc\xaf|Rar!", "an archive", "unpack it and give one photo"),
    Foreign(rb"\x93NUMPY", "a NumPy array", "load it with numpy.load and pass the array from Python"),
    Foreign(rb".{128}DICM", "a DICOM file"),
    Foreign(rb"\0\x05\x16[\0\x07]", "a side file of macOS", "give the photo of the same name without the leading ._"),
    Foreign(rb"version https://git-lfs", "a pointer of Git LFS, not the photo itself", "run: git lfs pull"),
)
_WEB_PAGE = ("a web page", "the download went wrong, so fetch the photo again")
_MARKUP = (
    Foreign(b"<!doctype html", *_WEB_PAGE),
    Foreign(b"<html", *_WEB_PAGE),
    Foreign(b"<svg", "an SVG drawing"),
    Foreign(b"<?xml", "an XML file"),
)


def foreign_format(data: bytes) -> ForeignError | None:
    """Return the error that names the format of a file, or None if the format is unknown."""
    for one in _FORMATS:
        if re.match(one.start, data, re.DOTALL):
            return one.error()
    text = data[:_TEXT].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<"):
        return next((one.error() for one in _MARKUP if one.start in text), None)
    return None
