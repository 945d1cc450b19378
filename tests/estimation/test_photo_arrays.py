"""Test that every function with a photo argument converts any photo, or refuses it in one sentence."""

import re
from pathlib import Path

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from estimation.faces import blur_faces
from estimation.field_maps import FieldMaps
from estimation.files import encode_picture
from estimation.photo_arrays import as_photo, to_bgr
from estimation.pipeline import estimate_people
from estimation.quality import Views
from estimation.renderers import draw, draw_skeletons
from estimation.skeletons import Skeletons
from estimation.views import average_maps, check_input, compute_maps, scale_to_height
from openpose_lab.lab.explain.data import explain, photo_uri
from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.base import BatchMaps, StageMaps

PHOTO = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
NOTHING_FOUND = np.zeros((8, 6, 19), np.float32), np.zeros((8, 6, 38), np.float32)
NOBODY = Skeletons(np.zeros((0, 18, 2)), np.zeros((0, 18)), np.zeros(0), np.zeros((0, 18), int))


class BlindNetwork:
    """A network that checks its photo, and finds no people."""

    config = COCO_18

    def __call__(self, photo):
        assert photo.dtype == np.uint8
        assert photo.shape[2:] == (3,)
        return FieldMaps(*NOTHING_FOUND, (8, 8), (0, 0))


class BlindRuntime:
    """A runtime that checks its photo, and finds no people."""

    def run(self, batch):
        assert batch.dtype == np.uint8
        assert batch.shape[3:] == (3,)
        return BatchMaps(*(np.stack([maps] * len(batch)) for maps in NOTHING_FOUND))

    def run_stages(self, batch):
        maps = self.run(batch)
        return [StageMaps(maps.heatmaps, maps.pafs)]


LOADED = LoadedNetwork(NETWORKS["lightweight"], BlindRuntime())
FOUND = estimate_people(PHOTO, BlindNetwork(), 64)
NO_PEAKS = FOUND.coordinates
DOORS = {
    "as_photo": as_photo,
    "estimate_people": lambda photo: estimate_people(photo, BlindNetwork(), 64),
    "estimate_people with a loaded network": lambda photo: estimate_people(photo, LOADED, 64),
    "compute_maps": lambda photo: compute_maps(photo, BlindNetwork(), 64),
    "scale_to_height": lambda photo: scale_to_height(photo, 100),
    "check_input": lambda photo: check_input(photo, 64),
    "average_maps": lambda photo: average_maps(photo, BlindNetwork(), Views(64, flip=True)),
    "draw_skeletons": lambda photo: draw_skeletons(COCO_18, photo, NOBODY),
    "blur_faces": lambda photo: blur_faces(COCO_18, photo, NOBODY),
    "draw": lambda photo: draw(COCO_18, photo, NO_PEAKS, np.zeros((0, 20))),
    "encode_picture": lambda photo: encode_picture(Path("a.png"), photo),
    "explain": lambda photo: explain(photo, "photo", COCO_18, FOUND, []),
    "photo_uri": photo_uri,
    "network()": LOADED,
    "network.batch": lambda photo: LOADED.batch([photo]),
    "network.stages": lambda photo: LOADED.stages([photo]),
}
NO_PHOTOS = {
    "None": (None, "the photo is None, which cv2.imread gives for a path that it cannot read; check the path, or use"),
    "path": (Path("a.jpg"), "the photo is a path, a.jpg, not an array; pass read_photo(path)"),
    "text": ("a\33[31m.jpg", r"the photo is a path, a\x1b[31m.jpg, not an array"),
    "list": (PHOTO.tolist(), "the photo must be a NumPy array, (h, w, 3) BGR uint8, but is of type list"),
    "number": (7, "the photo must be a NumPy array, (h, w, 3) BGR uint8, but is of type int"),
    "floats": (
        PHOTO / 255,
        "must hold uint8 from 0 to 255 but holds float64; if it holds 0 to 1, pass (255 * photo).r",
    ),
    "float32": (
        np.float32(PHOTO / 255),
        "holds float32; if it holds 0 to 1, pass (255 * photo).round().astype(numpy.u",
    ),
    "16 bits": (PHOTO.astype(np.uint16), "holds uint16; if it holds 0 to 65535, pass (photo / 257).round().astype(nu"),
    "int64": (PHOTO.astype(np.int64), "holds int64; if it holds 0 to 255, pass photo.astype(numpy.uint8)"),
    "mask": (PHOTO > 9, "holds bool; if it holds masks, pass (255 * photo).astype(numpy.uint8)"),
    "objects": (PHOTO.astype(object), "holds object"),
    "channels first": (PHOTO.transpose(2, 0, 1), "has the shape (3, 64, 48); rows come first and colours last"),
    "two channels": (PHOTO[:, :, :2], "has the shape (64, 48, 2)"),
    "batch": (
        PHOTO[None],
        "the photo must be (h, w, 3) BGR, (h, w) grey or (h, w, 4) BGRA but has the shape (1, 64, 48",
    ),
    "empty": (PHOTO[:0], "has the shape (0, 48, 3)"),
    "nothing": (np.zeros(0, np.uint8), "has the shape (0,)"),
    "row": (PHOTO[0, :, 0], "has the shape (48,)"),
}


@pytest.mark.parametrize("kind", NO_PHOTOS)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_photo_is_refused_in_one_sentence(door, kind):
    photo, says = NO_PHOTOS[kind]
    with pytest.raises(OpenPoseLabError, match=re.escape(says)) as error:
        DOORS[door](photo)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "photo",
    [
        PHOTO,
        PHOTO[:, :, 0],
        PHOTO[:, :, :1],
        np.dstack([PHOTO, PHOTO[:, :, 0]]),
        PHOTO[:, :, ::-1],
        np.asfortranarray(PHOTO),
    ],
    ids=["BGR", "grey", "grey of 1 channel", "BGRA", "from RGB", "by columns"],
)
def test_photos_of_8_bits_are_taken_and_not_changed(door, photo):
    before = photo.copy()
    DOORS[door](photo)
    np.testing.assert_array_equal(photo, before)


def test_a_photo_is_not_copied():
    assert as_photo(PHOTO) is PHOTO


def test_grey_gets_three_equal_channels():
    for grey in (PHOTO[:, :, 0], PHOTO[:, :, :1]):
        np.testing.assert_array_equal(as_photo(grey), np.dstack([PHOTO[:, :, 0]] * 3))


def test_every_colour_of_every_opacity_is_laid_on_white():
    colour, opacity = np.meshgrid(np.arange(256), np.arange(256))
    image = np.dstack([colour, colour, colour, opacity]).astype(np.uint8)
    wanted = (colour * opacity + 255 * (255 - opacity) + 127) // 255
    np.testing.assert_array_equal(to_bgr(image)[:, :, 0], wanted)
    np.testing.assert_array_equal(to_bgr(image, premultiplied=True)[:, :, 2], np.minimum(colour + 255 - opacity, 255))


def test_people_are_drawn_on_grey_in_colour():
    np.testing.assert_array_equal(draw_skeletons(COCO_18, PHOTO[:, :, 0], NOBODY), as_photo(PHOTO[:, :, 0]))


@pytest.mark.parametrize(
    ("photos", "says"),
    [
        (PHOTO, "photos must be a list of photos, or one array (n, h, w, 3), but got an array (64, 48, 3)"),
        (None, "photos must be a list of photos, or one array (n, h, w, 3), but got NoneType"),
        ((photo for photo in [PHOTO]), "but got generator"),
        ([], "photos of a batch must have one size but got no photos"),
        ([PHOTO, PHOTO[1:]], "photos of a batch must have one size but got 48x63, 48x64"),
        ([PHOTO, None], "the photo is None"),
    ],
)
def test_batches_are_lists_of_photos_of_one_size(photos, says):
    for method in (LOADED.batch, LOADED.stages):
        with pytest.raises(OpenPoseLabError, match=re.escape(says)):
            method(photos)


def test_a_batch_may_mix_grey_and_colour():
    assert len(LOADED.batch([PHOTO, PHOTO[:, :, 0]])) == len(LOADED.batch(np.stack([PHOTO, PHOTO]))) == 2
