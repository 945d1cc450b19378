"""A picture of a network's inputs, targets and answers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from openpose_lab.networks.runtimes.base import last_stage
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.training.data import Example, Recipe, make_example
from openpose_lab.training.labels import LabelledPhoto
from openpose_lab.training.teacher import Teacher

_MOST = 4
_TILE = 280
_BAR = 22
_TITLES = ("input; masked red", "heatmaps: target", "heatmaps: answer", "PAFs: target", "PAFs: answer")


def draw_preview(
    spec: NetworkSpec,
    config: Config,
    recipe: Recipe,
    photos: Sequence[LabelledPhoto],
    network: keras.Model,
    teacher: Teacher | None = None,
) -> NDArray[np.uint8]:
    """Draw the inputs of the first photos with people, their targets, and the network's answers.

    Args:
        spec: The network.
        config: Its configuration.
        recipe: The settings that turn photos into inputs.
        photos: The photos.
        network: The Keras model.
        teacher: As in ``make_example``.

    Returns:
        (h, w, 3) BGR uint8: a row for each of up to four photos. The columns are the input, the strongest heatmap as
        target and as answer, and the strongest PAF as target and as answer. The hue of a PAF is its direction.
    """
    chosen = [photo for photo in photos if len(photo.keypoints)][:_MOST]
    last = last_stage(network.output)
    rows = [_titles()]
    for number, photo in enumerate(chosen):
        example = make_example(config, recipe, photo, np.random.default_rng((recipe.seed, number)), teacher)
        answers = network(example.photo[None], training=False)
        heatmaps, pafs = (np.asarray(answers[last[kind]])[0].astype(np.float32) for kind in ("heatmaps", "pafs"))
        rows.append(np.hstack(_tiles(spec, config, example, heatmaps, pafs)))
    return np.vstack(rows)


def _tiles(
    spec: NetworkSpec, config: Config, example: Example, heatmaps: NDArray[np.float32], pafs: NDArray[np.float32]
) -> list[NDArray[np.uint8]]:
    photo = example.photo[:, :, ::-1] if spec.channels == "rgb" else example.photo
    photo = np.asarray(cv2.resize(photo, (_TILE, _TILE), interpolation=cv2.INTER_AREA), np.uint8)
    masked = 1 - example.targets.heatmap_mask[:, :, :-1].mean(axis=2)  # the share of masked parts
    red = _overlay(photo, masked, np.full((*masked.shape, 3), (40, 40, 220), np.uint8), 0.6, 1)
    tiles = [red]
    tiles += [_heat(photo, maps) for maps in (example.targets.heatmaps, heatmaps)]
    tiles += [_fields(config, photo, maps) for maps in (example.targets.pafs, pafs)]
    return tiles


def _heat(photo: NDArray[np.uint8], heatmaps: NDArray[np.float32]) -> NDArray[np.uint8]:
    strength = np.clip(heatmaps[:, :, :-1].max(axis=2), 0, 1)
    colours = cv2.applyColorMap((255 * strength).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return _overlay(photo, strength, np.asarray(colours, np.uint8))


def _fields(config: Config, photo: NDArray[np.uint8], pafs: NDArray[np.float32]) -> NDArray[np.uint8]:
    vectors = pafs[:, :, config.paf_channels]  # (h, w, limbs, 2)
    length = np.linalg.norm(vectors, axis=3)
    strongest = length.argmax(axis=2)[:, :, None, None]
    x, y = np.moveaxis(np.take_along_axis(vectors, strongest, axis=2)[:, :, 0], 2, 0)
    hue = (np.degrees(np.arctan2(y, x)) % 360) / 2  # OpenCV's hue ends at 180
    full = np.full_like(hue, 255)
    colours = cv2.cvtColor(np.stack([hue, full, full], axis=2).astype(np.uint8), cv2.COLOR_HSV2BGR)
    return _overlay(photo, np.clip(length.max(axis=2), 0, 1), np.asarray(colours, np.uint8))


def _overlay(
    photo: NDArray[np.uint8],
    strength: NDArray[np.floating],
    colours: NDArray[np.uint8],
    opacity: float = 1,
    brightness: float = 0.6,
) -> NDArray[np.uint8]:
    """Draw colours (h, w, 3) of map cells over a tile, with ``strength`` (h, w) as their opacity."""
    size = photo.shape[1::-1]
    alpha = opacity * cv2.resize(strength.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)[:, :, None]
    large = cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(np.round(alpha * large + (1 - alpha) * brightness * photo), np.uint8)


def _titles() -> NDArray[np.uint8]:
    bar = np.full((_BAR, _TILE * len(_TITLES), 3), 255, np.uint8)
    for column, title in enumerate(_TITLES):
        cv2.putText(bar, title, (column * _TILE + 6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return bar
