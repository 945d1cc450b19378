"""Small photos in every format that OpenCV can write here, with what cameras and programs add to them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.quiet import silent_stderr
from tests.support.containers import read_png, write_png
from tests.support.heic_files import heic
from tests.support.seeds import Files

_random = np.random.RandomState(0)
GRADIENT = np.add.outer(np.arange(20) * 9, np.arange(28) * 3)
COLOUR = np.clip(np.stack([GRADIENT, 255 - GRADIENT, _random.randint(0, 255, GRADIENT.shape)], 2), 0, 255).astype(
    np.uint8
)
GREY = COLOUR[:, :, 2]
ALPHA = np.dstack([COLOUR, GREY])
WIDE = COLOUR.astype(np.uint16) * 257
WIDE_ALPHA = ALPHA.astype(np.uint16) * 257
FLOATS = COLOUR.astype(np.float32) / 255
EXIF = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHHI", 0x112, 3, 1, 6, 0, 0)
"""A TIFF directory with one entry: orientation 6, a quarter turn."""


def encoded(ending: str, pictures: Sequence[tuple[NDArray[np.generic], list[int]]]) -> list[Files]:
    """Encode pictures with their parameters. What OpenCV cannot write on this system is left out."""
    files = []
    for picture, parameters in pictures:
        try:
            with silent_stderr():
                done, data = cv2.imencode(ending, picture, parameters)
        except cv2.error:
            done = False
        if done:
            files.append({f"photo{ending}": data.tobytes()})
    return files


def jpegs() -> list[Files]:
    """Baseline and progressive, colour and grey, with restarts, with EXIF."""
    found = encoded(
        ".jpg",
        [
            (COLOUR, []),
            (GREY, []),
            (COLOUR, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
            (COLOUR, [cv2.IMWRITE_JPEG_RST_INTERVAL, 1]),
            (COLOUR, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]),
        ],
    )
    plain = found[0]["photo.jpg"]
    block = b"Exif\0\0" + EXIF
    turned = plain[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + plain[2:]
    return [*found, {"photo.jpg": turned}]


def pngs() -> list[Files]:
    """8 and 16 bits, grey, colour, transparent, palette and one bit; with EXIF, text and a profile; animated."""
    pictures = (COLOUR, GREY, ALPHA, WIDE, WIDE_ALPHA, GREY.astype(np.uint16) * 257)
    found = encoded(".png", [(picture, []) for picture in pictures])
    found += encoded(".png", [(GREY, [cv2.IMWRITE_PNG_BILEVEL, 1])])
    chunks = read_png(found[2]["photo.png"])
    extra = [(b"eXIf", EXIF), (b"zTXt", b"a\0\0" + zlib.compress(b"text")), (b"gAMA", b"\0\0\xb1\x8f")]
    extra += [(b"iCCP", b"a\0\0" + zlib.compress(b"profile"))]
    found.append({"photo.png": write_png([chunks[0], *extra, *chunks[1:]])})
    rows = zlib.compress(b"".join(b"\0" + bytes(range(16)) for _ in range(16)))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 3, 0, 0, 0)
    palette = [(b"IHDR", header), (b"PLTE", bytes(range(48))), (b"tRNS", bytes(range(16))), (b"IDAT", rows)]
    found.append({"photo.png": write_png([*palette, (b"IEND", b"")])})
    bits = zlib.compress(b"".join(b"\0\xaa\x55" for _ in range(16)))
    one_bit = [(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 1, 0, 0, 0, 0)), (b"IDAT", bits), (b"IEND", b"")]
    interlaced = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 1)), (b"IDAT", zlib.compress(b"\0abc"))]
    found += [{"photo.png": write_png(one_bit)}, {"photo.png": write_png([*interlaced, (b"IEND", b"")])}]
    return [*found, *_animated(".png")]


def _animated(ending: str) -> list[Files]:
    """An animation of two frames, where OpenCV can write one."""
    if not hasattr(cv2, "imencodeanimation"):
        return []
    animation = cv2.Animation()
    animation.frames, animation.durations = [ALPHA, ALPHA[::-1].copy()], np.array([100, 100])
    try:
        with silent_stderr():
            done, data = cv2.imencodeanimation(ending, animation)
    except cv2.error:
        return []
    return [{f"photo{ending}": data.tobytes()}] if done else []


def webps() -> list[Files]:
    """Lossy, lossless and transparent, animated."""
    found = encoded(
        ".webp",
        [(COLOUR, [cv2.IMWRITE_WEBP_QUALITY, 70]), (COLOUR, [cv2.IMWRITE_WEBP_QUALITY, 101]), (ALPHA, [])],
    )
    return [*found, *_animated(".webp")]


def tiffs() -> list[Files]:
    """Every compression, depth and kind of number; several pages."""
    methods = {"none": 1, "lzw": 5, "jpeg": 7, "deflate": 8, "packbits": 32773, "adobe deflate": 32946}
    pictures = [(COLOUR, [cv2.IMWRITE_TIFF_COMPRESSION, method]) for method in methods.values()]
    others = (GREY, ALPHA, WIDE, WIDE_ALPHA, FLOATS, FLOATS.astype(np.float64), GREY.view(np.int8), WIDE.view(np.int16))
    pictures += [(picture, [cv2.IMWRITE_TIFF_COMPRESSION, 1]) for picture in (*others, WIDE.astype(np.int32))]
    found = encoded(".tiff", pictures)
    with silent_stderr():
        done, data = cv2.imencodemulti(".tiff", [COLOUR, GREY]) if hasattr(cv2, "imencodemulti") else (False, b"")
    return [*found, {"photo.tiff": data.tobytes()}] if done else found


def bmps() -> list[Files]:
    """Colour, grey and transparent; a palette compressed by runs."""
    found = encoded(".bmp", [(COLOUR, []), (GREY, []), (ALPHA, [])])
    runs = b"\x10\x01\0\0" * 16 + b"\0\x01"
    header = struct.pack("<IiiHHIIiiII", 40, 16, 16, 1, 8, 1, len(runs), 0, 0, 4, 4)
    place = 14 + len(header) + 16
    file = struct.pack("<2sIHHI", b"BM", place + len(runs), 0, 0, place) + header + bytes(range(16)) + runs
    return [*found, {"photo.bmp": file}]


def pnms() -> list[Files]:
    """PPM, PGM and PBM, binary and text, 8 and 16 bits; PAM."""
    found = encoded(".ppm", [(COLOUR, []), (WIDE, []), (COLOUR, [cv2.IMWRITE_PXM_BINARY, 0])])
    found += encoded(".pgm", [(GREY, []), (GREY, [cv2.IMWRITE_PXM_BINARY, 0])])
    found += encoded(".pbm", [(GREY, []), (GREY, [cv2.IMWRITE_PXM_BINARY, 0])])
    return found + encoded(".pam", [(COLOUR, []), (ALPHA, []), (WIDE, [])])


def pfms() -> list[Files]:
    """Floats of either byte order."""
    found = encoded(".pfm", [(FLOATS, []), (FLOATS[:, :, 0].copy(), [])])
    return [*found, {"photo.pfm": b"Pf\n28 20\n1.0\n" + FLOATS[:, :, 0].astype(">f4").tobytes()}]


def hdrs() -> list[Files]:
    """Radiance's format, with runs and without."""
    return encoded(".hdr", [(FLOATS, []), (FLOATS, [cv2.IMWRITE_HDR_COMPRESSION, 0])])


def gifs() -> list[Files]:
    """A still picture and an animation."""
    return [*encoded(".gif", [(COLOUR, []), (ALPHA, [])]), *_animated(".gif")]


def avifs() -> list[Files]:
    """Colour, grey, transparent."""
    pictures = [(COLOUR, [cv2.IMWRITE_AVIF_SPEED, 10]), (ALPHA, [cv2.IMWRITE_AVIF_SPEED, 10])]
    return encoded(".avif", pictures) if hasattr(cv2, "IMWRITE_AVIF_SPEED") else []


def heics() -> list[Files]:
    """Whole and in tiles, grey, transparent, of 10 bits; turned, with EXIF. They need pillow-heif."""
    pictures = [heic(picture) for picture in (COLOUR, np.ascontiguousarray(GREY), ALPHA, WIDE)]
    tiles = np.tile(COLOUR, (4, 4, 1))
    return [{"photo.heic": data} for data in (*pictures, heic(COLOUR, 6), heic(tiles, tile_size=64))]


def others() -> list[Files]:
    """JPEG 2000, Sun raster and OpenEXR, where OpenCV can write them."""
    found = []
    for ending, pictures in ((".jp2", (COLOUR, GREY)), (".ras", (COLOUR, GREY)), (".exr", (FLOATS,))):
        found += encoded(ending, [(picture, []) for picture in pictures])
    return found
