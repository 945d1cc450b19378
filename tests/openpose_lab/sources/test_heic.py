"""Test HEIC photos: colours, orientation and limits are right, or one sentence refuses the file."""

import struct
import sys
from random import Random

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.photo_headers import DamagedError
from openpose_lab.sources import heic as decoding
from openpose_lab.sources.heic import decode_heic, is_heic
from openpose_lab.sources.heic_header import read_heic_header
from openpose_lab.sources.photo_files import PhotoFile
from tests.estimation.test_photos import upright
from tests.support.extras import needs
from tests.support.heic_files import box, full_box, header, heic
from tests.support.mutation import mutate_bytes
from tests.support.photo_files import encode, exif, samples

DAMAGED = "is a HEIC photo that is cut short, damaged or of a rare kind; copy it again, or export it as JPEG$"
needs_heif = needs("pillow_heif")


@pytest.fixture
def colours(rng):
    """Return a smooth colour picture, (60, 80, 3) BGR uint8."""
    return cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (80, 60), interpolation=cv2.INTER_CUBIC)


# Real photos


@needs_heif
@pytest.mark.parametrize("options", [{}, {"tile_size": 64}], ids=["whole", "tiles"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours(colours, dtype, options):
    image = colours.astype(dtype) * (257 if dtype == np.uint16 else 1)
    photo = decode_heic(heic(image, chroma=444, **options), "photo")
    assert photo.dtype == np.uint8
    assert photo.flags.writeable
    np.testing.assert_allclose(photo, colours, atol=12)
    assert np.abs(photo - colours.astype(float)).mean() < 2


@needs_heif
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_becomes_three_equal_channels(colours, dtype):
    grey = colours[:, :, 0].astype(dtype) * (257 if dtype == np.uint16 else 1)
    photo = decode_heic(heic(grey), "photo")
    assert (photo == photo[:, :, :1]).all()
    np.testing.assert_allclose(photo[:, :, 0], colours[:, :, 0], atol=3)


@needs_heif
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparent_is_laid_on_white(colours, dtype):
    alpha = np.full((60, 80, 1), 255)
    alpha[:30] = 0
    image = (np.concatenate([colours, alpha], axis=2) * (257 if dtype == np.uint16 else 1)).astype(dtype)
    photo = decode_heic(heic(image, chroma=444), "photo")
    np.testing.assert_allclose(photo[:28], np.full((28, 80, 3), 255), atol=3)
    np.testing.assert_allclose(photo[32:], colours[32:], atol=14)


@needs_heif
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_once(colours, orientation):
    """pillow-heif writes the orientation twice: as properties, and in EXIF."""
    data = heic(colours, orientation, chroma=444)
    assert (b"Exif" in data) == (orientation != 1)
    assert (b"irot" in data or b"imir" in data) == (orientation != 1)
    np.testing.assert_allclose(decode_heic(data, "photo"), upright(colours, orientation), atol=14)


@needs_heif
def test_the_exif_alone_turns_nothing(colours):
    data = heic(colours, 6, chroma=444).replace(b"irot", b"free")
    assert exif(6).tobytes() in data
    assert decode_heic(data, "photo").shape == (60, 80, 3)


@needs_heif
def test_the_content_decides_not_the_name(tmp_path, colours):
    (tmp_path / "a.jpg").write_bytes(heic(colours))
    (tmp_path / "b.heic").write_bytes(encode(".png", colours))
    np.testing.assert_allclose(PhotoFile(tmp_path / "a.jpg", "a").read(), colours, atol=40)
    np.testing.assert_array_equal(PhotoFile(tmp_path / "b.heic", "b").read(), colours)


def test_what_is_heic():
    assert is_heic(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert is_heic(header([(8, 8)])[:64])
    assert not is_heic(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf")
    assert not is_heic(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom")
    assert not any(is_heic(data) for data in (b"", b"\0", *samples().values()))


def test_without_pillow_heif_a_sentence_says_how_it_is_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "IMG_1.HEIC").write_bytes(header([(8, 8)]))
    with pytest.raises(
        OpenPoseLabError,
        match=r"^reading the HEIC photo .*IMG_1\.HEIC needs pillow_heif, which is not installed; run",
    ):
        PhotoFile(tmp_path / "IMG_1.HEIC", "IMG_1").read()


def test_a_pillow_heif_that_cannot_be_loaded(monkeypatch):
    def fail(_):
        raise ImportError("libheif.so.1: no such file")

    monkeypatch.setattr(decoding, "require", lambda *_: None)
    monkeypatch.setattr(decoding, "_decode", fail)
    with pytest.raises(OpenPoseLabError, match=r"needs pillow_heif, which cannot be loaded \(libheif.so.1: no such"):
        decode_heic(header([(8, 8)]), "a.heic")


@needs_heif
@pytest.mark.parametrize("options", [{}, {"tile_size": 64}], ids=["whole", "tiles"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.99])
def test_a_photo_cut_short_is_refused(colours, options, share, capfd):
    data = heic(colours, **options)
    with pytest.raises(OpenPoseLabError, match=f"^a.heic {DAMAGED}"):
        decode_heic(data[: int(share * len(data))], "a.heic")
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@needs_heif
def test_a_frame_larger_than_the_boxes_say_is_refused(colours):
    """Older versions of libheif would allocate memory for the frame."""
    data = heic(cv2.resize(colours, (640, 480)))
    data = data.replace(struct.pack(">II", 640, 480), struct.pack(">II", 64, 64))
    with pytest.raises(OpenPoseLabError, match=DAMAGED):
        decode_heic(data, "a.heic")


@needs_heif
def test_mutated_photos_are_read_or_refused(colours, capfd):
    random, sentences, count = Random(0), [], 200
    originals = [heic(colours), heic(colours, 6, tile_size=64), heic(np.dstack([colours, colours[:, :, 0]]))]
    for _ in range(count):
        data = mutate_bytes(random.choice(originals), random, random.choice(originals))
        try:
            assert decode_heic(data, "photo").shape[2:] == (3,)
        except OpenPoseLabError as error:
            sentences.append(str(error))
    assert len(sentences) < count
    assert max(map(len, sentences)) < 300
    assert capfd.readouterr() == ("", "")


# Headers, without pillow-heif


def test_the_largest_size_is_that_of_a_picture_a_crop_or_a_canvas():
    clap = box(b"clap", struct.pack(">8I", 900, 2, 800, 2, 0, 1, 0, 1))
    for data, size in (
        (header([(40, 30)]), (40, 30)),
        (header([(40, 30), (400, 4)]), (400, 4)),
        (header([(40, 30), (20, 30)], canvas=(50, 60)), (50, 60)),
        (header([(40, 30)], more=[clap]), (450, 400)),
    ):
        found, _ = read_heic_header(data)
        assert (found.format, found.width, found.height, found.channel_bytes) == ("HEIC", *size, 1)


@pytest.mark.parametrize(
    "more", [full_box(b"auxC", b"urn:mpeg:hevc:2015:auxid:1\0"), box(b"hvcC", bytes(16), b"\xff", bytes(8))]
)
def test_opacity_and_full_colour_resolution_take_more_memory(more):
    assert read_heic_header(header([(40, 30)], more=[more]))[0].channel_bytes == 2


@pytest.mark.parametrize(
    ("parts", "pixels"),
    [
        ({}, 100),
        ({1: [2, 2, 2]}, 100 + 3 * 16),
        ({1: [2, 3], 2: [3, 3]}, 100 + 16 + 3 * 4),
        ({3: [1, 1]}, 4 + 2 * 100),
    ],
)
def test_the_pixels_of_all_parts_are_counted(parts, pixels):
    assert read_heic_header(header([(10, 10), (4, 4), (2, 2)], parts=parts))[1] == pixels


@pytest.mark.parametrize(
    "data",
    [
        header([(8, 8), (8, 8)], parts={1: [2], 2: [1]}),
        header([(8, 8)], parts={1: [1]}),
        header([(8, 8)] * 12, parts={item: [item + 1] for item in range(1, 12)}),
        header([(8, 8), (8, 8)], parts={1: [2] * 4000, 2: [3] * 97}),
        header([(8, 8), (8, 8)], last_byte=1),
        header([(8, 8)], kinds={1: b"unci"}),
        header([(8, 8)]) + box(b"meta", bytes(4), full_box(b"pitm", bytes(2))),
        header([(8, 8)]).replace(b"ispe", b"free"),
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        header([(8, 8)])[:200],
    ],
    ids=range(10),
)
def test_a_header_that_lies_is_damage(data, monkeypatch):
    with pytest.raises(DamagedError):
        read_heic_header(data)
    monkeypatch.setattr(decoding, "require", lambda *_: None)
    with pytest.raises(OpenPoseLabError, match=f"^a.heic {DAMAGED}"):
        decode_heic(data, "a.heic")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            header([(10_001, 10_000)]),
            "too large: 10001x10000 pixels, but the largest HEIC that is read has 100",
        ),
        (header([(8, 8), (8, 8)], canvas=(70_000, 70_000)), "too large: 70000x70000 pixels"),
        (
            header([(8_000, 8_000), (8, 8)], more=[full_box(b"auxC")]),
            "8000x8000 pixels, but the largest HEIC of this kind that is read has 50 megapixels; make it smaller$",
        ),
        (
            header([(1000, 1000)] * 2, parts={1: [2] * 400}),
            "the photo a.heic is made of 401 megapixels of parts, which take too long to decode; export it as JPEG$",
        ),
    ],
)
def test_a_photo_is_too_large_before_it_is_decoded(data, sentence, monkeypatch):
    monkeypatch.setattr(decoding, "require", lambda *_: None)
    monkeypatch.setattr(decoding, "_decode", lambda _: pytest.fail("was decoded"))
    with pytest.raises(OpenPoseLabError, match=sentence):
        decode_heic(data, "a.heic")


def test_the_largest_photo_has_100_megapixels(monkeypatch):
    monkeypatch.setattr(decoding, "require", lambda *_: None)
    monkeypatch.setattr(decoding, "_decode", lambda _: (np.zeros((2, 2, 3), np.uint8), False))
    assert decode_heic(header([(10_000, 10_000)]), "photo").shape == (2, 2, 3)
