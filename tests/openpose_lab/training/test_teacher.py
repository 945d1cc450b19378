"""A teacher: its maps move as the photo does, and are mixed with the labels' targets."""

from pathlib import Path

import numpy as np
import pytest

from estimation.config import COCO_18, Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps, pixels_to_cells
from estimation.layouts import Layout, Limb
from estimation.quality import Views
from estimation.synthesis import synthesize
from openpose_lab.evaluation import map_cache
from openpose_lab.training import teacher as module
from openpose_lab.training.augmentation import Augmentation, Transform, random_transform, whole_photo
from openpose_lab.training.targets import Targets
from openpose_lab.training.teacher import Teacher, find_teacher, keep_maps, mix_targets, moved_maps

LIMBS = (Limb(0, 1, 0, 1), Limb(2, 0, 2, 3), Limb(2, 1, 4, 5))
WINGS = Config(Layout("WINGS", ("left_wing", "right_wing", "head"), LIMBS, (0.1,) * 3))
"""The limb between the wings is its own counterpart, but points the other way."""
STAY = Transform(np.array([[1.0, 0, 0], [0, 1, 0]]), False, 32)


def cells(*rows, channel=0, channels=4):
    """(h, w, channels) float32: zeros but for one channel."""
    found = np.zeros((len(rows), len(rows[0]), channels), np.float32)
    found[:, :, channel] = rows
    return found


def maps_of(heatmaps, pafs=None, size=None):
    pafs = np.zeros((*heatmaps.shape[:2], 6), np.float32) if pafs is None else pafs
    return FieldMaps(heatmaps, pafs, (8, 8), photo_size=size or (8 * heatmaps.shape[1], 8 * heatmaps.shape[0]))


def targets_of(value, mask):
    return Targets(*(np.array(one, np.float32).reshape(1, 1, -1) for one in (value, value, mask, mask)))


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_mixed_loss_is_that_of_labels_and_teacher_but_for_a_constant(share):
    labels, mask, taught = np.array([[1.0, 0.5, 0.25], [1, 0, 1], [0.5, 0.75, 0]])
    mixed = mix_targets(
        targets_of(labels, mask), *(taught.astype(np.float32).reshape(1, 1, -1) for _ in range(2)), share
    )
    target, weight = mixed.heatmaps.ravel(), mixed.heatmap_mask.ravel()
    np.testing.assert_array_equal(mixed.pafs, mixed.heatmaps)
    np.testing.assert_array_equal(mixed.paf_mask, mixed.heatmap_mask)
    if share == 0.25:
        assert weight.tolist() == [1, 0.25, 1]
        assert target.tolist() == [0.75 * 1 + 0.25 * 0.5, 0.75, 0.75 * 0.25]

    def both(answer):
        return ((1 - share) * mask * (answer - labels) ** 2 + share * (answer - taught) ** 2).sum()

    answers = np.random.default_rng(0).normal(size=(5, 3))
    constants = [both(answer) - (weight * (answer - target) ** 2).sum() for answer in answers]
    np.testing.assert_allclose(constants, constants[0], atol=1e-6)
    for answer in answers:
        gradient = 2 * ((1 - share) * mask * (answer - labels) + share * (answer - taught))
        np.testing.assert_allclose(2 * weight * (answer - target), gradient, atol=1e-6)


def test_without_labels_the_target_is_the_teacher_s():
    taught = np.array([[[0.5, 0.25, 0.75]]], np.float32)
    mixed = mix_targets(targets_of([1, 1, 1], [0, 0, 0]), taught, taught, 0.25)
    np.testing.assert_array_equal(mixed.heatmaps, taught)
    np.testing.assert_array_equal(mixed.heatmap_mask, np.full((1, 1, 3), 0.25))


def test_values_between_cells_are_linear_and_the_edge_goes_on():
    heatmaps = cells([0, 8, 16, 16], [8, 16, 24, 24])
    moved, _ = moved_maps(
        WINGS, maps_of(heatmaps), Transform(STAY.matrix - [[0, 0, 2], [0, 0, 4]], False, 32), (2, 3), 8
    )
    # Two of eight pixels to the right, and four down: the second row goes on below the last centre.
    assert moved[:, :, 0].tolist() == [[4 + 2, 12 + 2, 20], [10, 18, 24]]


def test_outside_the_photo_nobody_is():
    heatmaps, pafs = np.full((2, 2, 4), 0.5, np.float32), np.full((2, 2, 6), 0.5, np.float32)
    away = Transform(np.array([[1.0, 0, 8], [0, 1, 0]]), False, 32)
    heatmaps, pafs = moved_maps(WINGS, maps_of(heatmaps, pafs, (16, 12)), away, (3, 4), 8)
    inside = [
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 0],
    ]  # the centres of the second row lie at 11.5, the photo ends there
    np.testing.assert_array_equal(heatmaps[:, :, 0], 0.5 * np.array(inside))
    np.testing.assert_array_equal(heatmaps[:, :, 3], 1 - 0.5 * np.array(inside))
    np.testing.assert_array_equal(pafs[:, :, 5], 0.5 * np.array(inside))


def test_both_networks_offsets_count():
    heatmaps = cells([0, 1, 2, 3, 4])
    maps = FieldMaps(heatmaps, np.zeros((1, 5, 6), np.float32), (8, 8), (0.5, 0.0), (40, 8))
    moved, _ = moved_maps(WINGS, maps, STAY, (1, 3), 8, (1.0, 0.0))
    assert moved[0, :, 0].tolist() == [
        0.5,
        1.5,
        2.5,
    ]  # cell k shows what lies at k + 1, which the teacher has at k + 0.5


def test_a_quarter_turn_turns_vectors():
    pafs = np.zeros((4, 4, 6), np.float32)
    pafs[1, 2, :2] = 1, 0.5
    turned = Transform(np.array([[0, -1.0, 31], [1, 0, 0]]), False, 32)  # right becomes down
    _, moved = moved_maps(WINGS, maps_of(np.zeros((4, 4, 4), np.float32), pafs), turned, (4, 4), 8)
    expected = np.zeros((4, 4, 6))
    expected[2, 2, :2] = -0.5, 1
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_a_mirrored_photo_exchanges_left_and_right():
    heatmaps, pafs = np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 6), np.float32)
    heatmaps[0, 0] = 0.1, 0.2, 0.3, 0.4
    pafs[0, 0] = (
        1,
        2,
        3,
        4,
        5,
        6,
    )  # from the left wing to the right one; from the head to the left one; to the right one
    mirrored = Transform(np.array([[-1.0, 0, 31], [0, 1, 0]]), True, 32)
    heatmaps, pafs = moved_maps(WINGS, maps_of(heatmaps, pafs), mirrored, (1, 4), 8)
    np.testing.assert_allclose(heatmaps[0, 3], [0.2, 0.1, 0.3, 0.4])
    # The left wing of the mirror image is the right one: the limb goes the other way, and right is left.
    np.testing.assert_allclose(pafs[0, 3], [1, -2, -5, 6, -3, 4])


def place_people(rng):
    """Keypoints of two people in pixels of a photo of 320x240."""
    return rng.uniform([40, 40], [280, 200], (2, len(COCO_18.body_parts), 2))


@pytest.mark.parametrize("seed", range(4))
def test_moved_maps_are_those_of_moved_people(seed):
    """A teacher that answers the labels' own maps gives the targets of the labels, whatever the augmentation."""
    rng = np.random.default_rng(seed)
    people = place_people(rng)
    scale = 184 / 200
    still = Augmentation(scale=(scale, scale), degrees=40, shift=0.05, mirror=seed % 2)
    transform = random_transform(rng, still, np.array([60, 20, 200, 200]), 200)
    assert transform.mirrored == bool(seed % 2)
    fine = 4.0  # pixels of the photo to a cell of the teacher's
    taught = synthesize(COCO_18, pixels_to_cells(people, fine), (60, 80), 12.0, 6.0, (fine, fine))
    taught = FieldMaps(taught.heatmaps, taught.pafs, taught.cell_size, photo_size=(320, 240))
    heatmaps, pafs = moved_maps(COCO_18, taught, transform, (25, 25), 8)
    moved = pixels_to_cells(transform.keypoints(COCO_18.layout, people), 8)
    cell = fine * transform.scale / 8
    expected = synthesize(COCO_18, moved, (25, 25), 12.0 * cell, 6.0 * cell)
    rows, columns = np.mgrid[:25, :25]
    inside = transform.points_back((np.stack([columns, rows], -1) + 0.5) * 8 - 0.5)
    inside = ((inside > 2) & (inside < [317, 237])).all(axis=-1)
    assert inside.sum() > 200
    # The maximum of two people has creases, which linear interpolation smooths.
    np.testing.assert_allclose(heatmaps[inside], expected.heatmaps[inside], atol=0.05)
    assert np.abs(heatmaps[inside] - expected.heatmaps[inside]).mean() < 0.003
    # Linear interpolation blurs the edges of limbs, of which some cell is always one.
    far = np.abs(pafs[inside] - expected.pafs[inside]) > 0.05
    assert far.mean() < 0.08
    assert np.corrcoef(pafs[inside].ravel(), expected.pafs[inside].ravel())[0, 1] > 0.97


def test_a_teacher_reads_maps_of_the_photo_s_file():
    asked = []

    def answer(path):
        asked.append(path)
        return maps_of(cells([0.5, 0.5], [0.5, 0.5]))

    labels = Targets(*(np.zeros((2, 2, count), np.float32) for count in (4, 6, 4, 6)))
    found = Teacher(WINGS, answer, 0.5).teach(labels, Path("a.jpg"), STAY, 8, (0.0, 0.0))
    assert asked == [Path("a.jpg")]
    assert found.heatmaps[:, :, 0].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert found.heatmap_mask.max() == 0.5


def test_a_teacher_of_another_layout():
    with pytest.raises(OpenPoseLabError) as caught:
        find_teacher("lightweight", None, Views(), WINGS.layout, 0.5)
    assert str(caught.value) == (
        "the teacher lightweight answers maps of the layout COCO_18, not of WINGS, which is trained; give a teacher of "
        "the same layout"
    )


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Maps of lightweight in place of which a stand-in answers, and the photos that it was asked for."""
    asked = []

    def average(photo, *_):
        asked.append(photo.shape)
        return maps_of(np.zeros((2, 2, 19), np.float32), np.zeros((2, 2, 38), np.float32))

    monkeypatch.setattr(map_cache, "average_maps", average)
    monkeypatch.setattr(map_cache, "load_network", lambda *_: "a network")
    _, found = find_teacher("lightweight", None, Views(), COCO_18.layout, 0.5, tmp_path / "maps")
    return found, asked


def photos_in(folder, count):
    import cv2

    paths = [folder / f"{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((40, 40 + number, 3), 7, np.uint8))
    return paths


def test_maps_are_computed_once(kept, tmp_path):
    maps, asked = kept
    seen = []
    for _ in range(2):
        keep_maps(maps, photos_in(tmp_path, 3), lambda: seen.append(len(asked)))
    assert seen == [1, 2, 3, 3, 3, 3]


def test_a_disk_that_is_too_small_for_the_maps(kept, tmp_path, monkeypatch):
    usage = module.shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    maps, asked = kept
    with pytest.raises(OpenPoseLabError, match=r"maps of 300 photos need about \d+ MB in .*, but 0 MB are free"):
        keep_maps(maps, photos_in(tmp_path, 1) * 300, lambda: None)
    assert len(asked) == 1


def test_maps_that_cannot_be_kept(kept, tmp_path):
    (tmp_path / "maps").write_text("a file in place of the folder")
    with (
        pytest.warns(match="maps are not kept for the next time"),
        pytest.raises(OpenPoseLabError, match="the teacher's maps cannot be kept in .*maps, and without that"),
    ):
        keep_maps(kept[0], photos_in(tmp_path, 2), lambda: None)


def test_a_whole_photo_s_maps_stay_where_they_are():
    heatmaps = np.random.default_rng(0).random((5, 5, 4), np.float32)
    moved, _ = moved_maps(WINGS, maps_of(heatmaps), whole_photo(40, 40, 40), (5, 5), 8)
    np.testing.assert_allclose(moved, heatmaps, atol=1e-6)
