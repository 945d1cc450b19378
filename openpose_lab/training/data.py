"""Batches of augmented photos and their targets, for Keras.

Every batch is a function of the seed and of the number of the step, whatever ran before it. So a run that was stopped
goes on with the batches that it would have had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
from estimation.synthesis import LIMB_WIDTH, SIGMA
from openpose_lab.training.augmentation import Augmentation, Transform, random_transform, whole_photo
from openpose_lab.training.labels import LabelledPhoto
from openpose_lab.training.regions import region_mask
from openpose_lab.training.targets import People, Targets, make_targets
from openpose_lab.training.teacher import Teacher

Batch = tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]
_FEWEST_PARTS = 5
_SMALLEST_AREA = 32**2
"""People with fewer labelled parts, or smaller ones in square pixels, are not what a photo is scaled to, as in
OpenPose's training code."""


@dataclass(frozen=True)
class Recipe:
    """How photos become inputs and targets.

    Attributes:
        side: width and height of the network's input in pixels.
        augmentation: how photos are changed; None scales each photo to the height of the input, as the demo does.
        sigma: sigma of equation 7 in cells.
        limb_width: sigma_l of equation 9 in cells.
        stride: pixels of the input to a cell.
        offset: x and y in cells, as in ``NetworkSpec``.
        rgb: whether the network's input is RGB; else it is BGR.
        seed: of all that is random.
    """

    side: int = 368
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    sigma: float = SIGMA
    limb_width: float = LIMB_WIDTH
    stride: int = 8
    offset: tuple[float, float] = (0.0, 0.0)
    rgb: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Example:
    """One photo as the network sees it.

    Attributes:
        photo: (side, side, 3) uint8 in the network's order of colours.
        targets: its targets.
        transform: how it was made of the photo.
    """

    photo: NDArray[np.uint8]
    targets: Targets
    transform: Transform


def make_example(
    config: Config, recipe: Recipe, photo: LabelledPhoto, rng: np.random.Generator, teacher: Teacher | None = None
) -> Example:
    """Read a photo and change it at random.

    Args:
        config: the network's configuration.
        recipe: how the photo is changed.
        photo: the photo and its labels.
        rng: makes the choices.
        teacher: a network whose maps are targets, too; None for none.

    Returns:
        The example.

    Raises:
        OpenPoseLabError: The photo cannot be read.
    """
    pixels = read_photo(photo.path)
    transform = _transform(recipe, photo, pixels.shape[:2], rng)
    corners = photo.boxes[:, None, :2] - 0.5 + photo.boxes[:, None, 2:] * [(0, 0), (1, 0), (1, 1), (0, 1)]
    unknown = (
        transform.mask(region_mask(photo.unknown, *pixels.shape[:2]))
        if photo.labelled
        else np.ones((recipe.side, recipe.side), bool)
    )
    people = People(transform.keypoints(config.layout, photo.keypoints), transform.points(corners), unknown)
    targets = make_targets(config, people, recipe.stride, recipe.sigma, recipe.limb_width, recipe.offset)
    moved = transform.photo(pixels)
    if teacher:
        targets = teacher.teach(targets, moved, recipe.stride, recipe.offset)
    if recipe.rgb:
        moved = np.asarray(cv2.cvtColor(moved, cv2.COLOR_BGR2RGB), np.uint8)
    return Example(moved, targets, transform)


def _transform(recipe: Recipe, photo: LabelledPhoto, shape: tuple[int, ...], rng: np.random.Generator) -> Transform:
    if recipe.augmentation is None:
        return whole_photo(shape[1], shape[0], recipe.side, rng.random(), recipe.stride)
    labelled = (~np.isnan(photo.keypoints[:, :, 0])).sum(axis=1)
    fewest = min(_FEWEST_PARTS, photo.keypoints.shape[1])
    chosen = np.flatnonzero((labelled >= fewest) & (photo.areas >= _SMALLEST_AREA))
    box = photo.boxes[rng.choice(chosen)] if len(chosen) else np.array([0, 0, shape[1], shape[0]], dtype=float)
    return random_transform(rng, recipe.augmentation, box, recipe.side)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """The batches of a run, an epoch at a time. In an epoch each photo is seen once, in a new order.

    Args:
        config: the network's configuration.
        recipe: how photos are changed.
        photos: the photos and their labels.
        size: photos to a batch. The last batch of an epoch is filled up with photos of its beginning.
        workers: threads that make batches.
        teacher: a network whose maps are targets, too; None for none.

    Attributes:
        failure: why a batch could not be made; None if all could.
    """

    def __init__(
        self,
        config: Config,
        recipe: Recipe,
        photos: Sequence[LabelledPhoto],
        size: int,
        workers: int = 1,
        teacher: Teacher | None = None,
    ) -> None:
        super().__init__(workers=workers, max_queue_size=2 * workers)
        self._config, self._recipe, self._photos, self._teacher = config, recipe, photos, teacher
        self.size = size
        self.failure: OpenPoseLabError | None = None
        self.steps = math.ceil(len(photos) / size)
        self._first = 0

    def __len__(self) -> int:
        """The batches that are left of this epoch."""
        return self.steps - self._first % self.steps

    def __getitem__(self, index: int) -> Batch:
        """Make a batch of this epoch, by its number among those that are left."""
        try:
            return self.batch(self._first + index)
        except OpenPoseLabError as error:
            self.failure = error
            raise

    def begin_epoch(self, step: int) -> None:
        """Go on at a step. No thread makes batches then: Keras begins to after its callbacks' ``on_epoch_begin``."""
        self._first = step

    def batch(self, step: int) -> Batch:
        """Make the batch of a step.

        Args:
            step: the number of the step, from 0, over all epochs.

        Returns:
            The photos (n, side, side, 3) uint8, and the targets by name: ``heatmaps``, ``pafs``, ``heatmap_mask`` and
            ``paf_mask``, float32, with n in front.
        """
        examples = []
        for place, number in enumerate(self._chosen(step)):
            rng = np.random.default_rng((self._recipe.seed, step, place))
            examples.append(make_example(self._config, self._recipe, self._photos[number], rng, self._teacher))
        targets = [vars(example.targets) for example in examples]
        return (
            np.stack([example.photo for example in examples]),
            {name: np.stack([one[name] for one in targets]) for name in targets[0]},
        )

    def _chosen(self, step: int) -> NDArray[np.intp]:
        """The numbers of the photos of a step."""
        epoch, place = divmod(step, self.steps)
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._photos))
        chosen: NDArray[np.intp] = np.take(order, range(place * self.size, (place + 1) * self.size), mode="wrap")
        return chosen
