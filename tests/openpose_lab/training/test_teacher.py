"""A teacher: its maps of the input are mixed with the labels' targets."""

import cv2
import numpy as np
import pytest

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import pixels_to_cells
from estimation.layouts import Layout, Limb
from estimation.quality import Views
from estimation.synthesis import LIMB_WIDTH, SIGMA, synthesize
from openpose_lab.training.augmentation import Augmentation
from openpose_lab.training.labels import LabelledPhoto
from openpose_lab.training.targets import Targets
from openpose_lab.training.teacher import Teacher, find_teacher, mix_targets

LIMBS = (Limb(0, 1, 0, 1), Limb(2, 0, 2, 3), Limb(2, 1, 4, 5))
WINGS = Config(Layout("WINGS", ("left_wing", "right_wing", "head"), LIMBS, (0.1,) * 3))


def targets_of(value, mask):
    return Targets(*(np.array(one, np.float32).reshape(1, 1, -1) for one in (value, value, mask, mask)))


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_mixed_loss_is_that_of_labels_and_teacher_up_to_a_constant(share):
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


class Ideal:
    """A network that answers the ideal maps of one person. Each part of the person is a disk in its own channel."""

    config = WINGS

    def __init__(self):
        self.seen = []

    def __call__(self, photo):
        self.seen.append(photo.shape[:2])
        parts = [np.argwhere(photo[:, :, part] > 128) for part in range(3)]
        keypoints = [part.mean(axis=0)[::-1] if len(part) else (np.nan, np.nan) for part in parts]
        shape = photo.shape[0] // 8, photo.shape[1] // 8
        return synthesize(WINGS, pixels_to_cells(np.array(keypoints)[None], 8), shape, SIGMA, LIMB_WIDTH, (8, 8))


def draw(keypoints, side):
    photo = np.zeros((side, side, 3), np.uint8)
    for part, (x, y) in enumerate(keypoints):
        cv2.circle(photo, (round(x), round(y)), side // 25, (np.arange(3) == part) * 255.0, -1)
    return photo


@pytest.fixture
def labelled(tmp_path):
    keypoints = np.array([[60.0, 80], [180, 70], [100, 190]])
    cv2.imwrite(str(tmp_path / "photo.png"), draw(keypoints, 240))
    box = np.array([[20.0, 20, 200, 200]])
    return LabelledPhoto(1, tmp_path / "photo.png", keypoints[None], box, np.array([4e4]), (), ())


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.4, 0.8])
def test_a_teacher_that_sees_the_labels_teaches_them_at_every_scale(labelled, scale):
    """At each scale of the photo, the teacher's peaks and limbs are as wide in cells as those of the labels."""
    from openpose_lab.training.data import Recipe, make_example

    recipe = Recipe(side=160, augmentation=Augmentation((scale, scale), degrees=40, shift=0, mirror=0))
    labels, taught = (
        make_example(WINGS, recipe, labelled, np.random.default_rng(3), teacher).targets
        for teacher in (None, Teacher(Ideal(), Views(160), 1.0))
    )
    assert labels.heatmaps[:, :, :-1].max() > 0.5
    np.testing.assert_allclose(taught.heatmaps, labels.heatmaps, atol=0.06)
    assert np.abs(taught.pafs - labels.pafs).mean() < 0.01


@pytest.mark.slow
def test_a_teacher_sees_several_views_of_the_input(labelled):
    from openpose_lab.training.data import Recipe, make_example

    network = Ideal()
    teacher = Teacher(network, Views(160, (0.5, 1.0), flip=True), 1.0)
    example = make_example(WINGS, Recipe(side=80), labelled, np.random.default_rng(0), teacher)
    assert sorted(network.seen) == [(80, 80), (80, 80), (160, 160), (160, 160)]
    assert example.targets.heatmaps.shape == (10, 10, 4)


@pytest.mark.slow
def test_a_teacher_sees_bgr_though_the_network_that_learns_reads_rgb(labelled):
    from openpose_lab.training.data import Recipe, make_example

    bgr, rgb = (
        make_example(
            WINGS,
            Recipe(side=160, augmentation=None, rgb=rgb),
            labelled,
            np.random.default_rng(0),
            Teacher(Ideal(), Views(160), 1.0),
        )
        for rgb in (False, True)
    )
    np.testing.assert_array_equal(rgb.photo, bgr.photo[:, :, ::-1])
    np.testing.assert_array_equal(rgb.targets.heatmaps, bgr.targets.heatmaps)


def test_a_teacher_of_another_layout():
    with pytest.raises(OpenPoseLabError) as caught:
        find_teacher("lightweight", None, Views(), WINGS.layout, 0.5)
    assert str(caught.value) == (
        "the teacher lightweight has the layout COCO_18, but the network in training has WINGS; choose a teacher with "
        "the same layout"
    )
