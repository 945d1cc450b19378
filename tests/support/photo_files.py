"""Photos made byte by byte: those that promise more than they hold, and those of rare kinds."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.support.containers import png_chunk


def encode(ending: str, image: NDArray, *parameters: int) -> bytes:
    return cv2.imencode(ending, image, parameters)[1].tobytes()


def exif(orientation: int) -> NDArray:
    return np.frombuffer(b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0), np.uint8)


def encode_turned(ending: str, image: NDArray, orientation: int, *parameters: int) -> bytes:
    """A picture with the orientation in its EXIF; OpenCV's AVIF encoder writes HEIF's properties, too."""
    metadata = [cv2.IMAGE_METADATA_EXIF], [exif(orientation)]
    return cv2.imencodeWithMetadata(ending, image, *metadata, parameters)[1].tobytes()


def png(width: int, height: int, bits: int = 8, colours: int = 2, chunks: bytes = b"", pixels: bytes = b"") -> bytes:
    """A PNG. colours: 0 for grey, 2 for RGB, 6 for RGBA. pixels: the rows, not compressed."""
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    ends = png_chunk(b"IDAT", zlib.compress(pixels)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + chunks + ends


def tiff(
    width: int,
    height: int,
    bits: int = 8,
    numbers: int = 1,
    colours: int = 1,
    data: bytes = bytes(100),
    more: Sequence[tuple[int, int]] = (),
) -> bytes:
    """A grey TIFF. numbers: 1 for unsigned, 2 for signed, 3 for float. colours: 0 if white is 0. more: further tags."""
    place = object()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: colours, 273: place, 277: 1, 278: height, 279: len(data)}
    tags |= {339: numbers, **dict(more)}
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, start if value is place else value) for tag, value in sorted(tags.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def patched(data: bytes, mark: bytes, after: int, new: bytes) -> bytes:
    """``data`` with ``new`` in place of what is ``after`` bytes behind the end of ``mark``."""
    start = data.index(mark) + len(mark) + after
    return data[:start] + new + data[start + len(new) :]


def promises(width: int, height: int) -> dict[str, bytes]:
    """Small files, one of each format, whose headers promise a picture of this size."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    riff = b"RIFF\x40\0\0\0WEBP"
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    files = {
        "1 bit.png": png(width, height, bits=1, colours=0),
        "16 bits.png": png(width, height, bits=16, colours=6),
        "a.jpg": patched(encode(".jpg", noise), b"\xff\xc0", 3, struct.pack(">HH", height, width)),
        "canvas.webp": riff + b"VP8X\x0a\0\0\0\0\0\0\0" + canvas,
        "frame.webp": riff + b"VP8X\x0a\0\0\0\2\0\0\0\x0f\0\0\x0f\0\0ANMF\x10\0\0\0" + bytes(6) + canvas + bytes(4),
        "lossless.webp": riff + b"VP8L\x08\0\0\0\x2f" + struct.pack("<I", 16383 | 16383 << 14) + bytes(3),
        "a.tif": tiff(width, height),
        "tile.tif": tiff(16, 16, more=[(322, width), (323, height)]),
        "a.bmp": b"BM" + struct.pack("<IIIIii", 54, 0, 54, 40, width, -height) + bytes(28),
        "a.pgm": b"P5 %d %d 255\n" % (width, height),
        "a.pfm": b"PF\n%d %d\n-1.0\n" % (width, height),
        "a.pam": b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH 1\nMAXVAL 255\nENDHDR\n" % (width, height),
        "a.hdr": b"#?RADIANCE\n# -Y 8 +X 8\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width),
        "a.gif": b"GIF89a" + struct.pack("<HH", min(width, 65535), min(height, 65535)) + bytes(20),
        "a.ras": b"\x59\xa6\x6a\x95" + struct.pack(">7I", width, height, 24, 0, 1, 0, 0) + bytes(20),
        "a.jp2": patched(
            encode(".jp2", noise), b"\xff\x4f\xff\x51", 4, struct.pack(">6I", width, height, 0, 0, width, height)
        ),
    }
    if cv2.haveImageWriter(".avif"):
        files["a.avif"] = patched(encode(".avif", noise), b"ispe", 4, struct.pack(">II", width, height))
    return files


def samples() -> dict[str, bytes]:
    """A small good photo of each format and kind that OpenCV writes: what mutations start from."""
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8), (40, 32))
    opaque, deep, real = image, image.astype(np.uint16) * 257, image.astype(np.float32) / 255
    translucent = np.dstack([image, image[:, :, 0]])
    endings = [".jpg", ".png", ".webp", ".tif", ".bmp", ".gif", ".jp2", ".ppm", ".pam", ".ras", ".hdr", ".pfm"]
    avif = [".avif"] if cv2.haveImageWriter(".avif") else []
    files = {f"opaque{end}": encode(end, real if end in (".hdr", ".pfm") else opaque) for end in endings + avif}
    files |= {f"translucent{end}": encode(end, translucent) for end in [".png", ".webp", ".tif", *avif]}
    files |= {f"deep{end}": encode(end, deep) for end in (".png", ".tif", ".ppm")}
    files |= {f"turned{end}": encode_turned(end, translucent, 6) for end in [".png", ".webp", *avif]}
    files |= {f"grey{end}": encode(end, opaque[:, :, 0]) for end in (".jpg", ".png", ".pgm")}
    files["float.tif"] = encode(".tif", real)
    files["progressive.jpg"] = encode(".jpg", opaque, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    files["signed.tif"] = tiff(16, 16, numbers=2, data=bytes(range(256)))
    return files
