"""Batches of augmented photos and their targets, for Keras.

Each batch depends only on the seed and the number of the step. So a resumed run gets the same batches as an
uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
from estimation.synthesis import LIMB_WIDTH, SIGMA
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.training.augmentation import Augmentation, Transform, random_transform, whole_photo
from openpose_lab.training.labels import LabelledPhoto
from openpose_lab.training.regions import region_mask
from openpose_lab.training.targets import People, Targets, make_targets
from openpose_lab.training.teacher import Teacher

Batch = tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]
_FEWEST_PARTS = 5
_SMALLEST_AREA = 32**2
"""A photo is never scaled to a person with fewer labelled parts or a smaller area in square pixels, as in OpenPose's
training code."""


@dataclass(frozen=True)
class Recipe:
    """The settings that turn photos into inputs and targets.

    Attributes:
        side: Width and height of the network's input in pixels.
        augmentation: The limits of random changes. None scales each photo to the height of the input, as the demo does.
        sigma: sigma of equation 7 in cells.
        limb_width: sigma_l of equation 9 in cells.
        stride: Pixels of the input per cell.
        offset: x and y in cells, as in ``NetworkSpec``.
        rgb: True if the network's input is RGB, False if it is BGR.
        seed: The seed of the random numbers.
    """

    side: int = 368
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    sigma: float = SIGMA
    limb_width: float = LIMB_WIDTH
    stride: int = 8
    offset: tuple[float, float] = (0.0, 0.0)
    rgb: bool = False
    seed: int = 0

    @classmethod
    def of_network(cls, spec: NetworkSpec, **settings: Any) -> Recipe:
        """Return the recipe with the stride, offset and order of colours of a network, and with other settings."""
        return cls(stride=spec.stride, offset=spec.offset, rgb=spec.channels == "rgb", **settings)


@dataclass(frozen=True, eq=False)
class Example:
    """One input of the network with its targets.

    Attributes:
        photo: (side, side, 3) uint8 in the network's order of colours.
        targets: The targets.
        transform: The transform from the photo to the input.
    """

    photo: NDArray[np.uint8]
    targets: Targets
    transform: Transform


def make_example(
    config: Config, recipe: Recipe, photo: LabelledPhoto, rng: np.random.Generator, teacher: Teacher | None = None
) -> Example:
    """Read a photo, transform it at random, and compute its targets.

    Args:
        config: The network's configuration.
        recipe: The settings.
        photo: The photo and its labels.
        rng: The random number generator.
        teacher: A network that also provides targets, or None.

    Returns:
        The example.

    Raises:
        OpenPoseLabError: If the photo cannot be read.
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
    """The batches of one epoch. An epoch contains each photo once, in a new random order.

    Args:
        config: The network's configuration.
        recipe: The settings that turn photos into inputs and targets.
        photos: The photos and their labels.
        size: The number of photos in a batch. The first photos of an epoch also fill its last batch.
        workers: The number of threads that prepare batches.
        teacher: A network that also provides targets, or None.

    Attributes:
        failure: The error of a batch that failed, or None.
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
        """Return the number of batches left in this epoch."""
        return self.steps - self._first % self.steps

    def __getitem__(self, index: int) -> Batch:
        """Make a batch of this epoch. Index 0 is the first batch left."""
        try:
            return self.batch(self._first + index)
        except OpenPoseLabError as error:
            self.failure = error
            raise

    def begin_epoch(self, step: int) -> None:
        """Continue at a step. Call this before Keras starts the threads, as in ``on_epoch_begin`` of a callback."""
        self._first = step

    def batch(self, step: int) -> Batch:
        """Make the batch of a step.

        Args:
            step: The number of the step, from 0, counted over all epochs.

        Returns:
            The photos (n, side, side, 3) uint8, and the targets by name: ``heatmaps``, ``pafs``, ``heatmap_mask`` and
            ``paf_mask``, (n, ...) float32.
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
        """Return the indices of the photos of a step."""
        epoch, place = divmod(step, self.steps)
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._photos))
        chosen: NDArray[np.intp] = np.take(order, range(place * self.size, (place + 1) * self.size), mode="wrap")
        return chosen
