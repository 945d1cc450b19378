"""Read JPEG headers: the frame, the number of scans and the orientation."""

from __future__ import annotations

import struct
from dataclasses import replace

from estimation.photo_headers.header import MOST_STEPS, UPRIGHT, DamagedError, Header
from estimation.photo_headers.tiff import exif_orientation

_START_OF_SCAN = 0xDA
_EXIF, _EXIF_NAME = 0xE1, b"Exif\0\0"
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xDA))
_FRAMES = [marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC)]
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)


def read(data: bytes) -> Header:
    """Read the header of a JPEG."""
    position, frame, kind, orientation = 2, 0, 0, UPRIGHT
    for _ in range(MOST_STEPS):
        position = data.find(b"\xff", position) + 1  # skip other bytes, as decoders do
        if position == 0:
            break
        marker = data[position]
        if marker in (0x00, 0xFF):  # not a marker; a second 0xFF may begin one
            continue
        position += 1
        if marker in _WITHOUT_LENGTH:
            continue
        if marker == _START_OF_SCAN:
            if frame:
                header = _header(data, frame, kind in _PROGRESSIVE, data[position + 2])
                return replace(header, orientation=orientation, decoder_turns=True)
            break
        if marker in _FRAMES:
            frame, kind = position, marker
        end = position + struct.unpack_from(">H", data, position)[0]
        if marker == _EXIF and data.startswith(_EXIF_NAME, position + 2):
            orientation = exif_orientation(data[position + 2 : end])
        position = end
    raise DamagedError("there is no frame before the scans")


def _header(data: bytes, frame: int, progressive: bool, scan_parts: int) -> Header:
    """Read a frame.

    Args:
        data: The whole file.
        frame: The position of the frame's segment in bytes.
        progressive: Whether the JPEG is progressive.
        scan_parts: The number of components in the first scan.
    """
    height, width, parts = struct.unpack_from(">HHB", data, frame + 3)
    if not progressive and scan_parts == parts:
        return Header("JPEG", width, height)
    # The decoder keeps two bytes per sample, and goes over all samples in each scan. The count of scans includes those
    # of previews inside the file, which have few.
    steps = [divmod(data[frame + 9 + 3 * part], 16) for part in range(parts)]
    largest = max((x for x, _ in steps), default=0) * max((y for _, y in steps), default=0)
    samples_per_pixel = sum(x * y for x, y in steps) / max(largest, 1)
    return Header("JPEG", width, height, 2 if samples_per_pixel > 2 else 1, scans=data.count(b"\xff\xda"))
