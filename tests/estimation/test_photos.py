"""Test photo files of every kind: colours, orientation and 8 bits are right, or one sentence refuses the file early."""

import os
import re
import struct
import subprocess
import sys
import warnings
from random import Random

import cv2
import numpy as np
import pytest

from estimation import photos
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.photo_headers import read_header
from estimation.photos import decode_photo, read_photo
from tests.conftest import ROOT
from tests.support.containers import png_chunk
from tests.support.mutation import mutate_bytes
from tests.support.photo_files import encode, encode_turned, patched, png, promises, samples, tiff

AVIF = cv2.haveImageWriter(".avif")


@pytest.fixture
def colours(rng):
    """Return a smooth colour picture, (60, 80, 3) BGR uint8."""
    return cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (80, 60), interpolation=cv2.INTER_CUBIC)


def save(path, image):
    path.write_bytes(encode(path.suffix, image))
    return path


def test_a_plain_photo(tmp_path, colours):
    np.testing.assert_array_equal(read_photo(save(tmp_path / "a.png", colours)), colours)


def test_a_name_with_any_letters(tmp_path, colours):
    np.testing.assert_array_equal(read_photo(save(tmp_path / "Füße 人.png", colours)), colours)


def test_grey_becomes_three_equal_channels(tmp_path, colours):
    photo = read_photo(save(tmp_path / "a.png", colours[:, :, 0]))
    np.testing.assert_array_equal(photo, np.repeat(colours[:, :, :1], 3, axis=2))


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_become_8(tmp_path, colours, channels):
    deep = colours[:, :, :channels].astype(np.uint16) * 257
    photo = read_photo(save(tmp_path / "a.png", deep))
    assert photo.dtype == np.uint8
    assert np.abs(photo.astype(int) - colours[:, :, :channels]).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_is_laid_on_white(tmp_path, colours, dtype):
    full = np.iinfo(dtype).max
    alpha = np.full((60, 80, 1), full, dtype)
    alpha[:30] = 0
    alpha[30:40] = full // 2
    image = np.concatenate([colours.astype(dtype) * (full // 255), alpha], axis=2)
    photo = read_photo(save(tmp_path / "a.png", image))
    assert photo.shape == (60, 80, 3)
    assert (photo[:30] == 255).all()
    assert np.abs(photo[30:40].astype(int) - (colours[30:40] + 255.0) / 2).max() <= 1.5
    np.testing.assert_array_equal(photo[40:], colours[40:])


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_photo_cut_short_is_refused(tmp_path, colours, kind, share, capfd):
    path = save(tmp_path / f"a{kind}", colours)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(OpenPoseLabError, match="is not a photo, or is cut short or damaged"):
        read_photo(path)
    assert capfd.readouterr() == ("", "")


def test_what_is_no_photo_is_refused(tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("Dear Sir or Madam")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    for path, sentence in (
        (tmp_path / "none.jpg", "there is no photo .*none.jpg; check the path"),
        (tmp_path, "is a folder; give the path of one photo"),
        (text, "text.jpg is not a photo"),
        (empty, "the photo .*empty.jpg is empty"),
    ):
        with pytest.raises(OpenPoseLabError, match=sentence):
            read_photo(path)


# Upright


def upright(image, orientation):
    """Turn a picture by EXIF's definition: the place of the first row and the first column of the stored picture."""
    rows = [None, image, image[:, ::-1], image[::-1, ::-1], image[::-1]]
    if orientation <= 4:
        return rows[orientation]
    turned = image.transpose(1, 0, 2)
    return [turned, turned[:, ::-1], turned[::-1, ::-1], turned[::-1]][orientation - 5]


QUALITY = {".png": [], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101], ".avif": [cv2.IMWRITE_AVIF_QUALITY, 100]}
TURNS = [
    (ending, opaque, orientation)
    for ending in QUALITY
    for opaque in (True, False)
    for orientation in range(1, 9)
    # with opacity, libavif cannot read its own files of these two kinds
    if (AVIF or ending != ".avif") and (ending, opaque, orientation) not in ((".avif", False, 5), (".avif", False, 7))
]


@pytest.mark.parametrize(("ending", "opaque", "orientation"), TURNS)
def test_photos_are_upright(colours, ending, opaque, orientation):
    image = colours if opaque else np.dstack([colours, np.full((60, 80), 200, np.uint8)])
    wanted = colours if opaque else np.rint(colours * (200 / 255) + 55)
    photo = decode_photo(encode_turned(ending, image, orientation, *QUALITY[ending]), "photo")
    np.testing.assert_allclose(photo, upright(wanted, orientation), atol=8 if ending == ".avif" else 0.5)


@pytest.mark.skipif(not AVIF, reason="this OpenCV writes no AVIF")
def test_without_properties_that_turn_it_an_avif_is_turned_by_its_exif(colours):
    data = encode_turned(".avif", colours, 6)
    assert read_header(data).orientation == 6
    assert read_header(data.replace(b"irot", b"none")).orientation == 6
    assert read_header(data.replace(b"irot", b"none").replace(b"Exif", b"none")).orientation == 1


@pytest.mark.parametrize("opacity", [1, 2])
def test_a_tiff_s_transparent_colours_are_not_darkened_twice(opacity):
    """libtiff returns colours multiplied by their opacity, whether they are stored that way (1) or not (2)."""
    data = tiff(16, 16, colours=2, data=bytes([100, 60, 20, 128]) * 256, more=[(277, 4), (338, opacity)])
    wanted = [20, 60, 100] if opacity == 1 else [10, 30, 50]
    np.testing.assert_allclose(decode_photo(data, "photo"), np.full((16, 16, 3), wanted) + 127, atol=1)


# More than 8 bits


RAMP = np.linspace(0, 1, 60 * 80).reshape(60, 80)


def grey(image):
    assert (image == image[:, :, :1]).all()
    return image[:, :, 0]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 4095), (0, 16383), (27000, 31000), (65000, 65535), (0, 1)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_16_bits_of_a_low_range_are_stretched_and_that_is_said(ending, low, high):
    image = np.rint(low + RAMP * (high - low)).astype(np.uint16)
    with pytest.warns(
        OpenPoseLabWarning, match=rf"^the photo a.x holds the values {low} to {high} of uint16; they are"
    ):
        photo = decode_photo(encode(ending, image), "a.x")
    np.testing.assert_allclose(grey(photo), (image - low) * (255 / (high - low)), atol=0.51)


def test_16_bits_of_a_low_range_with_opacity():
    """With a camera's 12 bits, full opacity is 4095, too."""
    image = np.dstack([np.rint(RAMP * 4095)] * 3 + [np.full(RAMP.shape, 65535)]).astype(np.uint16)
    with pytest.warns(OpenPoseLabWarning, match="values 0 to 4095 of uint16"):
        photo = decode_photo(encode(".png", image), "photo")
    np.testing.assert_allclose(grey(photo), RAMP * 255, atol=0.6)


def test_16_bits_of_the_whole_range_and_of_one_value_are_only_scaled():
    image = np.rint(RAMP * 60000).astype(np.uint16)
    np.testing.assert_allclose(grey(decode_photo(encode(".png", image), "photo")), image / 257, atol=0.51)
    flat = np.full((60, 80), 1000, np.uint16)
    assert (decode_photo(encode(".png", flat), "photo") == 4).all()


@pytest.mark.parametrize("spoilt", [0, 65535])
def test_dead_and_hot_pixels_do_not_count_for_the_range(spoilt):
    """Thermal cameras have such pixels."""
    image = np.rint(29000 + RAMP * 1000).astype(np.uint16)
    image[30, 40] = spoilt
    with pytest.warns(
        OpenPoseLabWarning,
        match="the values 29000 to 30000 of uint16, apart from a few outliers; they are stretched to ",
    ):
        photo = grey(decode_photo(encode(".png", image), "photo"))
    assert photo[30, 40] == (spoilt > 0) * 255
    photo[30, 40] = 130
    np.testing.assert_allclose(photo, RAMP * 255, atol=1)


@pytest.mark.parametrize("white", [1, 15, 100, 254, 255])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6", "P7"])
def test_pnm_of_at_most_8_bits_is_scaled_from_the_white_that_it_states(kind, white):
    if kind == "P7":
        white = max(white, 2)  # OpenCV treats 1 as a bitmap
    values = np.repeat(np.array([0, white // 2, white, white]), 4).reshape(4, 4)
    if kind == "P7":
        start = f"P7\nWIDTH 4\nHEIGHT 4\nDEPTH 1\nMAXVAL {white}\nTUPLTYPE GRAYSCALE\nENDHDR\n"
    else:
        start = f"{kind}\n4 4\n{white}\n"
    samples = values.ravel().repeat(3 if kind in ("P3", "P6") else 1)
    data = f"{' '.join(map(str, samples))}\n".encode() if kind in ("P2", "P3") else samples.astype(np.uint8).tobytes()
    np.testing.assert_allclose(grey(decode_photo(start.encode() + data, "photo")), values * 255 / white, atol=1)


@pytest.mark.parametrize("scale", [1, 255, 65535])
@pytest.mark.parametrize("ending", [".pfm", ".tif"])
def test_floats_from_0_to_1_or_255_or_65535_are_scaled(ending, scale):
    photo = decode_photo(encode(ending, (RAMP * scale * 0.9).astype(np.float32)), "photo")
    np.testing.assert_allclose(grey(photo), RAMP * 0.9 * 255, atol=0.51)


@pytest.mark.parametrize(("low", "high"), [(0, 0.01), (20, 37.5), (-1, 1), (0, 1e30)])
@pytest.mark.parametrize(("ending", "dtype"), [(".pfm", np.float32), (".tif", np.float32), (".tif", np.float64)])
def test_other_floats_are_stretched_and_that_is_said(ending, dtype, low, high):
    image = (low + RAMP * (high - low)).astype(dtype)
    if high == 1e30:
        photo = decode_photo(encode(ending, image), "photo")
    else:
        with pytest.warns(OpenPoseLabWarning, match=f"values {low} to {high} of float"):
            photo = decode_photo(encode(ending, image), "photo")
    np.testing.assert_allclose(grey(photo), RAMP * 255, atol=0.51)


def test_what_is_no_number_is_black_or_white():
    image = RAMP.astype(np.float32)
    image[0, :3] = np.nan, np.inf, -np.inf
    photo = decode_photo(encode(".tif", image), "photo")
    assert grey(photo)[0, :3].tolist() == [0, 255, 0]
    assert (decode_photo(encode(".tif", np.full((60, 80), np.nan, np.float32)), "photo") == 0).all()
    assert (decode_photo(encode(".tif", np.full((60, 80), -5, np.float32)), "photo") == 0).all()
    image = np.array([[1e308, -1e308], [0, 0]])
    with pytest.raises(OpenPoseLabError, match="the photo a.tif holds numbers that are too large; save it as JPEG"):
        decode_photo(encode(".tif", image), "a.tif")


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_signed_numbers_are_stretched_and_that_is_said(dtype):
    image = np.rint(RAMP * 254 - 127).astype(dtype)
    with pytest.warns(OpenPoseLabWarning, match="the values -127 to 127 of int"):
        photo = decode_photo(tiff(80, 60, 8 * image.itemsize, numbers=2, data=image.tobytes()), "photo")
    np.testing.assert_allclose(grey(photo), RAMP * 255, atol=1.1)


def test_unsigned_numbers_of_32_bits_are_read_or_named():
    """OpenCV reads them from version 5 on."""
    image = np.rint(RAMP * 1000).astype(np.uint32)
    data = tiff(80, 60, 32, data=image.tobytes())
    if cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is None:
        with pytest.raises(OpenPoseLabError, match="a.tif is a TIFF of 32-bit unsigned numbers .* save it as JPEG or"):
            decode_photo(data, "a.tif")
    else:
        with pytest.warns(OpenPoseLabWarning, match="the values 0 to 1000 of uint32"):
            photo = decode_photo(data, "a.tif")
        np.testing.assert_allclose(grey(photo), image * (255 / 1000), atol=0.51)


def test_white_may_be_0():
    image = np.rint(RAMP * 65535).astype(np.uint16)
    photo = decode_photo(tiff(80, 60, 16, colours=0, data=image.tobytes()), "photo")
    np.testing.assert_allclose(grey(photo), 255 - RAMP * 255, atol=0.6)


def test_a_stated_white_is_believed():
    """PNM, PAM and AVIF state the value of white, so a dark picture of 12 bits stays dark."""
    dark = np.rint(RAMP * 1000).astype(">u2")
    photo = decode_photo(b"P5 80 60 4095\n" + dark.tobytes(), "photo")
    np.testing.assert_allclose(grey(photo), RAMP * 1000 * 255 / 4095, atol=0.6)
    if AVIF:
        deep = np.dstack([np.rint(RAMP * 300)] * 3).astype(np.uint16)
        data = encode(".avif", deep, cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100)
        np.testing.assert_allclose(decode_photo(data, "photo").mean(axis=2), RAMP * 300 * 255 / 1023, atol=2)


def test_radiance_beyond_1_is_white():
    image = np.dstack([RAMP * 4] * 3).astype(np.float32)
    np.testing.assert_allclose(grey(decode_photo(encode(".hdr", image), "a")), np.minimum(RAMP * 4, 1) * 255, atol=3)


# Files that are not photos


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC photo, which is not read; export it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is a HEIC photo"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "is a camera's raw photo"),
        (
            b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
            "is a video, which is not read; give it to demo_video.py, or save one of its frames",
        ),
        (b"RIFF\0\0\0\0AVI LIST", "is a video"),
        (b"\x1aE\xdf\xa3\0\0", "is a video"),
        (b"\xff\x0a\0\0\0", "is a JPEG XL photo, which is not read; save it as JPEG or PNG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL photo"),
        (b"\x76\x2f\x31\x01\2\0\0\0", "is an OpenEXR picture"),
        (b"8BPS\0\1", "is a Photoshop file"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"PK\3\4\0\0", "is a ZIP archive, which is not read; unpack it and give one photo"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing"),
        (
            b"\xef\xbb\xbf\n<!DOCTYPE html><html><svg></svg>",
            "is a web page, which is not read; the download went wrong",
        ),
        (b"<html><body>404</body></html>", "is a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "is a pointer of Git LFS, not the photo itself, .* git lfs pull",
        ),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "is a side file of macOS, which is not read; give the photo of the same name"),
        (b"\x93NUMPY\1\0", "is a NumPy array"),
        (tiff(16, 16, more=[(50706, 4)]), "is a camera's raw photo, which is not read; develop it"),
        (tiff(16, 16, more=[(254, 1), (330, 8)]), "is a camera's raw photo"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(16), "is a camera's raw photo"),
        (b"Dear Sir or Madam", "is not a photo, or is cut short or damaged; copy it again, or save it as JPEG or PNG"),
        (b"<", "is not a photo"),
        (bytes(1000), "is not a photo"),
    ],
)
def test_what_is_no_photo_is_named(tmp_path, data, says):
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(data)
    with pytest.raises(OpenPoseLabError, match=f"IMG_0001.jpg {says}") as error:
        read_photo(path)
    assert len(str(error.value)) < 300


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_devices_and_pipes_are_no_photos(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", "/dev/zero"):
        with pytest.raises(OpenPoseLabError, match="is a device or a pipe, not a file; give the path of one photo"):
            read_photo(path)


# Photos with false or huge sizes


PROMISES = promises(32_000, 32_000)


@pytest.mark.parametrize("name", PROMISES)
def test_a_photo_is_too_large_before_it_is_decoded(name, monkeypatch):
    monkeypatch.setattr(photos, "_decode", lambda *_: pytest.fail("was decoded"))
    size = r"(\d{5}x\d{5})"
    with pytest.raises(
        OpenPoseLabError, match=f"^the photo {name} is too large: {size} pixels, but the largest"
    ) as error:
        decode_photo(PROMISES[name], name)
    assert re.search(r"that is read has (100|50|25|20) megapixels; make it smaller$", str(error.value))


def test_the_largest_photo_has_100_megapixels(monkeypatch):
    monkeypatch.setattr(photos, "_decode", lambda *_: np.zeros((2, 2), np.uint8))
    assert decode_photo(png(10_000, 10_000), "photo").shape == (2, 2, 3)
    with pytest.raises(
        OpenPoseLabError, match="is too large: 10000x10001 pixels, but the largest PNG that is read has 100"
    ):
        decode_photo(png(10_000, 10_001), "photo")
    with pytest.raises(OpenPoseLabError, match="largest PNG of this kind that is read has 50 megapixels"):
        decode_photo(png(10_000, 10_000, bits=16), "photo")
    with pytest.raises(OpenPoseLabError, match="largest TIFF of this kind that is read has 25 megapixels"):
        decode_photo(tiff(10_000, 10_000, bits=32, numbers=3), "photo")


@pytest.mark.skipif(not AVIF, reason="this OpenCV writes no AVIF")
@pytest.mark.parametrize("opaque", [True, False])
def test_the_frames_of_an_avif_are_measured_too(monkeypatch, opaque):
    """libavif would decode the whole frame, and return only the corner that the boxes describe."""
    data = encode(".avif", np.zeros((200, 300, 3 if opaque else 4), np.uint8))
    data = data.replace(struct.pack(">II", 300, 200), struct.pack(">II", 16, 16))
    header = read_header(data)
    assert (header.width, header.height, header.channel_bytes) == (300, 200, 2 if opaque else 4)


@pytest.mark.parametrize(
    "data",
    [
        png(8, 8)[:33] + b"\xff\xff\xff\xf0IDAT1234",
        png(8, 8)[:33] + b"\x7f\xff\xff\xf0tEXt1234",
        png(8, 8, chunks=png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))),
        png(8, 8, chunks=png_chunk(b"fcTL", struct.pack(">IIIII", 0, 30_000, 30_000, 0, 0) + bytes(6))),
        png(0, 8),
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff" + b"\xff" * 3_000_000,
        b"\xff\xd8\xff" + b"\xd0\xff" * 2_000_000,
        b"\xff\xd8\xff\xda\0\x08",
        b"RIFF\0\0\0\0WEBP" + b"JUNK\0\0\0\0" * 1_100_000,
        b"II*\0\xff\xff\xff\xff",
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        tiff(8, 8).replace(struct.pack("<HHI", 258, 4, 1), struct.pack("<HHI", 258, 4, 0)),
        b"MM\0+\0\x08\0\0" + b"\xff" * 8,
        b"P5 " + b"1" * 100_000,
        b"P5 #" + b"x" * 100_000 + b"\n8 8 255\n" + bytes(64),
        b"P7\n" + b"WIDTH 8\n" * 100_000 + b"ENDHDR\n",
        b"#?RADIANCE\n" + b"-Y 8 +X 8\n" * 100_000,
        patched(
            encode(".jp2", np.zeros((64, 64, 3), np.uint8)),
            b"\xff\x4f\xff\x51",
            4,
            struct.pack(">6I", 5000, 5000, 0, 0, 2, 2),
        ),
        b"\0\0\0\x10ftypavif\0\0\0\0" + b"\0\0\0\x08free" * 70_000,
        b"\0\0\0\x10ftypavif\0\0\0\0\0\0\0\x20meta\0\0\0\0\0\0\0\x14iloc\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff",
        b"BM",
        b"GIF89a",
    ],
    ids=range(23),
)
def test_a_header_that_lies_is_damage(data):
    with pytest.raises(OpenPoseLabError, match="photo.x is not a photo, or is cut short or damaged"):
        decode_photo(data, "photo.x")


def test_a_jpeg_of_many_scans_is_refused(monkeypatch):
    data = encode(".jpg", np.zeros((64, 64, 3), np.uint8), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decode_photo(data, "photo").shape == (64, 64, 3)
    last = data[data.rindex(b"\xff\xda") : -2]
    monkeypatch.setattr(photos, "MOST_SCANS", 64 * 64 * 100)
    with pytest.raises(OpenPoseLabError, match=r"the photo a.jpg has 1\d\d scans of 64x64 pixels, which take too long"):
        decode_photo(data[:-2] + 100 * last + data[-2:], "a.jpg")


@pytest.mark.parametrize("name", samples())
def test_every_sample_is_read(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OpenPoseLabWarning)
        photo = decode_photo(samples()[name], name)
    assert photo.dtype == np.uint8
    assert photo.shape in ((32, 40, 3), (40, 32, 3), (16, 16, 3))


@pytest.mark.filterwarnings("ignore::estimation.errors.OpenPoseLabWarning")
def test_mutated_photos_are_read_or_refused(monkeypatch, capfd):
    decoded, sentences = [], []
    decode = photos._decode
    monkeypatch.setattr(photos, "_decode", lambda *given: decoded.append(given) or decode(*given))
    random, originals, count = Random(0), list(samples().values()), 2000
    for _ in range(count):
        data = mutate_bytes(random.choice(originals), random, random.choice(originals))
        try:
            assert decode_photo(data, "photo").shape[2:] == (3,)
        except OpenPoseLabError as error:
            sentences.append(str(error))
    assert max(map(len, sentences)) < 300
    assert capfd.readouterr() == ("", "")
    assert len(decoded) > count / 2  # the header check refuses the other files


LIMITED = """
import re, sys
from pathlib import Path
from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
for path in sys.argv[1:]:
    try:
        print(read_photo(path).shape)
    except OpenPoseLabError as error:
        print(len(str(error)) < 300)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)  # without the parent's
"""


def run_limited(*paths):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    *lines, megabytes = done.stdout.splitlines()
    return lines, int(megabytes)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_what_promises_too_much_takes_no_memory(tmp_path):
    for name, data in PROMISES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "lie.png").write_bytes(png(8, 8)[:33] + b"\xff\xff\xff\xf0IDAT1234")
    lines, megabytes = run_limited(*sorted(tmp_path.iterdir()))
    assert lines == ["True"] * (len(PROMISES) + 1)
    assert megabytes < 200


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
@pytest.mark.parametrize(
    ("bits", "kind", "channels", "side"), [(1, 0, 1, 10_000), (8, 2, 3, 10_000), (8, 6, 4, 10_000), (16, 6, 4, 7_071)]
)
def test_the_largest_photos_take_less_than_a_gigabyte(tmp_path, bits, kind, channels, side):
    path = tmp_path / "large.png"
    path.write_bytes(png(side, side, bits, kind, pixels=bytes((side * bits * channels // 8 + 1) * side)))
    lines, megabytes = run_limited(path)
    assert lines == [f"({side}, {side}, 3)"]
    assert megabytes < 950
