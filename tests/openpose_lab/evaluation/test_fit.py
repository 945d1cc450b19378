"""Annotations that do not fit their photos are reported. Without the message, AP would be 0 without a reason."""

import struct
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.photos import read_photo
from openpose_lab.evaluation.annotations import annotate, find_photos, to_truth
from openpose_lab.evaluation.photo_sizes import photo_size
from tests.openpose_lab.conftest import PEOPLE

SIDEWAYS, UPSIDE_DOWN = 6, 3


def write_photo(path, width, height, orientation=None):
    """Write a photo of this stored size, with an EXIF orientation if given."""
    _, data = cv2.imencode(path.suffix, np.zeros((height, width, 3), np.uint8))
    data = data.tobytes()
    if orientation:
        exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    path.write_bytes(data)
    return path


def truth_of(people=PEOPLE, name="photo.jpg", **size):
    content = annotate(COCO_18, {name: people})
    content["images"][0] |= size
    return to_truth(content)


@pytest.mark.parametrize("orientation", [None, 1, 2, 3, 4, 5, 6, 7, 8])
def test_sizes_are_those_of_the_photo_that_is_read(tmp_path, orientation):
    path = write_photo(tmp_path / "photo.jpg", 64, 48, orientation)
    size = photo_size(path)
    assert size.upright == read_photo(path).shape[1::-1]
    assert size.stored == (64, 48)
    assert size.turned == (orientation not in (None, 1))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".tif", ".ppm", ".jp2"])
def test_sizes_of_other_formats(tmp_path, suffix):
    assert photo_size(write_photo(tmp_path / f"photo{suffix}", 64, 48)).upright == (64, 48)


def test_xmp_turns_no_photo(tmp_path):
    """Pillow uses XMP's orientation if there is no EXIF. OpenCV, which reads the photos, does not."""
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta tiff:Orientation="6"/>'
    data = write_photo(tmp_path / "photo.jpg", 64, 48).read_bytes()
    (tmp_path / "photo.jpg").write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp + data[2:])
    assert read_photo(tmp_path / "photo.jpg").shape[1::-1] == (64, 48)
    assert photo_size(tmp_path / "photo.jpg") == ((64, 48), (64, 48), False)


def test_sizes_without_pillow_are_those_of_the_decoded_photo(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert photo_size(write_photo(tmp_path / "photo.jpg", 64, 48, SIDEWAYS)).upright == (48, 64)


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff\xe1\xff\xff"])
def test_what_is_no_photo_has_no_size(tmp_path, data):
    (tmp_path / "photo.jpg").write_bytes(data)
    assert photo_size(tmp_path / "photo.jpg") is None
    assert photo_size(tmp_path) is None
    find_photos(truth_of(width=640, height=480), tmp_path)  # reading the photo raises the error later


@pytest.mark.parametrize("size", [(320, 240), (642, 480), (480, 640)])
def test_photos_of_another_size_are_refused(tmp_path, size):
    write_photo(tmp_path / "photo.jpg", *size)
    with pytest.raises(OpenPoseLabError) as caught:
        find_photos(truth_of(width=640, height=480), tmp_path)
    assert str(caught.value) == (
        f"photo.jpg is {size[0]}x{size[1]}, but the annotations are for 640x480; give photos of that size, or scale "
        f"the annotations"
    )


@pytest.mark.parametrize("size", [{}, {"width": 640}, {"width": 0, "height": 0}, {"width": None, "height": "480"}])
def test_a_size_that_is_not_given_is_not_compared(tmp_path, size):
    write_photo(tmp_path / "photo.jpg", 800, 480)
    find_photos(truth_of(**size), tmp_path)


def test_a_size_that_was_rounded_is_the_same(tmp_path):
    write_photo(tmp_path / "photo.jpg", 640, 479)
    find_photos(truth_of(width=640.4, height=480), tmp_path)


def test_annotations_of_the_photo_before_exif_turns_it_are_refused(tmp_path):
    write_photo(tmp_path / "photo.jpg", 640, 480, SIDEWAYS)
    with pytest.raises(OpenPoseLabError) as caught:
        find_photos(truth_of(width=640, height=480), tmp_path)
    assert str(caught.value) == (
        "photo.jpg is 480x640 after EXIF turns it upright, but the annotations are for 640x480, the photo before; "
        "remove the EXIF orientation, or annotate the upright photo"
    )


def test_annotations_of_the_upright_photo_fit(tmp_path):
    write_photo(tmp_path / "photo.jpg", 480, 640, SIDEWAYS)
    find_photos(truth_of(width=640, height=480), tmp_path)


def test_keypoints_show_what_no_size_does(tmp_path):
    """The annotations state no size. The second person would lie outside the upright photo, 480 pixels wide."""
    write_photo(tmp_path / "photo.jpg", 640, 480, SIDEWAYS)
    with pytest.raises(OpenPoseLabError, match="of 17 keypoints lie outside photo.jpg, which is 480x640; they fit"):
        find_photos(truth_of(PEOPLE[1:] + np.array([120, 0])), tmp_path)


def test_most_keypoints_outside_the_photo_are_refused(tmp_path):
    write_photo(tmp_path / "photo.jpg", 320, 240)
    with pytest.raises(OpenPoseLabError, match=r"\d+ of 34 keypoints lie outside photo.jpg, which is 320x240; check"):
        find_photos(truth_of(), tmp_path)


def test_a_few_keypoints_outside_the_photo_are_told(tmp_path):
    write_photo(tmp_path / "photo.jpg", 640, 480)
    people = PEOPLE.copy()
    people[0, COCO_18.body_parts.index("nose"), 0] = -12
    with pytest.warns(OpenPoseLabWarning, match="1 labelled keypoints lie outside .* by up to 12 pixels .first in"):
        find_photos(truth_of(people), tmp_path)


@pytest.mark.parametrize(
    ("size", "orientation", "stated"),
    [
        ((640, 480), UPSIDE_DOWN, {"width": 640, "height": 480}),
        ((700, 700), SIDEWAYS, {"width": 700, "height": 700}),
        ((700, 800), SIDEWAYS, {}),
    ],
)
def test_a_turn_that_no_size_shows_is_told(tmp_path, size, orientation, stated):
    write_photo(tmp_path / "photo.jpg", *size, orientation)
    with pytest.warns(OpenPoseLabWarning, match="EXIF turns photo.jpg, and no size shows whether the annotations"):
        find_photos(truth_of(**stated), tmp_path)


def test_one_photo_under_two_ids_is_told(tmp_path):
    write_photo(tmp_path / "photo.jpg", 640, 480)
    content = annotate(COCO_18, {"photo.jpg": PEOPLE})
    content["images"].append({"id": 5, "file_name": "photo.jpg"})
    with pytest.warns(OpenPoseLabWarning, match="the annotations list photo.jpg twice, with the ids 1 and 5"):
        find_photos(to_truth(content), tmp_path)
