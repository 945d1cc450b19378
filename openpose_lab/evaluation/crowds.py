"""Simulated crowds: people with a chosen overlap, and the limbs that a network might find.

The maps are ideal maps (estimation/synthesis.py) with disturbances like those of real maps. The owner of every peak is
known, so a grouping can be scored peak by peak. The number of people and their overlap can be chosen freely.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections, get_connections
from estimation.coordinates import get_coordinates
from estimation.errors import OpenPoseLabError
from estimation.field_maps import FieldMaps
from estimation.files import open_input
from estimation.layouts.human import STANDING
from estimation.synthesis import synthesize_heatmaps, synthesize_pafs
from openpose_lab.evaluation.defaults import Disturbance
from openpose_lab.evaluation.measures import owners
from openpose_lab.formats.coco import COCO_KEYPOINTS, from_coco
from openpose_lab.npz_files import read_npz

Floats = NDArray[np.float64]

_HEAD = ("nose", "right_eye", "left_eye", "right_ear", "left_ear", "head")
_FOOT = ("ankle", "big_toe", "small_toe", "heel")
_JOINTS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    # the joint, the parts that turn about it, and the standard deviation of the turn in degrees
    ("right_elbow", ("right_wrist",), 50),
    ("left_elbow", ("left_wrist",), 50),
    ("right_shoulder", ("right_elbow", "right_wrist"), 35),
    ("left_shoulder", ("left_elbow", "left_wrist"), 35),
    ("right_knee", tuple(f"right_{part}" for part in _FOOT), 20),
    ("left_knee", tuple(f"left_{part}" for part in _FOOT), 20),
    ("right_hip", ("right_knee", *(f"right_{part}" for part in _FOOT)), 20),
    ("left_hip", ("left_knee", *(f"left_{part}" for part in _FOOT)), 20),
    ("neck", _HEAD, 10),
    ("mid_hip", tuple(STANDING), 10),
)
_DEPTH = 0.25  # width of a person seen from the side, as a share of the width from the front
_PERSON_CELLS = (14, 28)  # range of people's heights in cells
_CELL_PIXELS = 8.0  # the stride of every network of the project
_MARGIN = 4.0  # cells between people and the map's edge
_TRIES = 30  # places that are tried for each person
_FARTHEST = 10  # largest x and y of a keypoint, in widths and heights of the photo
_LARGEST_ARRAY = 128 << 20  # bytes: 300,000 people
_MIN_LABELLED = 12  # fewest labelled keypoints of a real skeleton
_PHOTO_SHAPE = 4 / 3  # width / height of most photos in COCO
_JITTER = 0.3  # standard deviation of a peak's distance from the end of its limbs along each axis, in cells
_DOUBLE_DISTANCE = (2.5, 4.0)  # range of the distance between a peak and its double, in cells
_DOUBLE_SCORE = 0.7
_SMOOTHNESS = 1.5  # standard deviation of the Gaussian that smooths the noise, in cells
_REACH = 1.5  # largest distance of a peak from its keypoint, in cells


@dataclass(frozen=True, eq=False)
class Crowd:
    """A simulated scene.

    Attributes:
        keypoints: The ground truth, (n, parts, 2) float64, x and y in map cells, NaN where a part is missing.
        maps: The maps of the people.
        connections: The limbs found in the maps.
        owner: (P,) intp, the owner of each peak, -1 without an owner.
    """

    keypoints: Floats
    maps: FieldMaps
    connections: Connections
    owner: NDArray[np.intp]


def simulate(
    config: Config,
    rng: np.random.Generator,
    people: int,
    overlap: float,
    disturbance: Disturbance,
    skeletons: Floats | None = None,
) -> Crowd:
    """Simulate a crowd. People are placed one by one, each with the given overlap with an earlier person.

    Args:
        config: The configuration.
        rng: The source of random numbers.
        people: The number of people.
        overlap: The area that two boxes share, as a share of the smaller box: from 0, where boxes touch, to below 1.
            A person's largest overlap with an earlier person has this value, if such a place is found. Boxes of very
            different shapes cannot reach 1.
        disturbance: The difference between the maps and ideal maps.
        skeletons: (k, parts, 2) skeletons to choose from, as ``read_skeletons`` returns them. By default the poses are
            random.

    Returns:
        The crowd.
    """
    if skeletons is None:
        poses = made_up_poses(config, rng, people)
    else:
        poses = skeletons[rng.integers(len(skeletons), size=people)]
    poses = poses * rng.uniform(*_PERSON_CELLS, (people, 1, 1))
    keypoints, shape = _place(poses, rng, overlap)
    _cross_hands(config, keypoints, rng, disturbance.crossing)
    return _show(config, keypoints, shape, rng, disturbance)


def made_up_poses(config: Config, rng: np.random.Generator, count: int) -> Floats:
    """Make random poses: people who stand, walk and wave, seen from all sides.

    Returns:
        (count, parts, 2) float64, in units of the person's height.
    """
    angles = np.stack([rng.normal(0, spread, count) for _, _, spread in _JOINTS], axis=1)
    return bent_poses(config, angles, rng.uniform(0, np.pi, count))


TURNS = tuple(spread for _, _, spread in _JOINTS)
"""The standard deviation of each joint's turn in degrees."""


def bent_poses(config: Config, angles: Floats, view: Floats) -> Floats:
    """Bend the joints of a standing person, and turn the person to a view.

    Args:
        config: The configuration.
        angles: (count, joints) the turn of each joint of ``TURNS``, in degrees.
        view: (count,) the view of each person, in radians: 0 from the front, pi from the back.

    Returns:
        (count, parts, 2), in units of the person's height.
    """
    names = list(STANDING)
    count = len(angles)
    poses = np.repeat(np.array(list(STANDING.values()))[None], count, axis=0)
    for (joint, parts, _), degrees in zip(_JOINTS, angles.T):
        angle = np.radians(degrees)
        turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
        centre = poses[:, [names.index(joint)]]
        moved = [names.index(part) for part in parts]
        poses[:, moved] = (poses[:, moved] - centre) @ turn.transpose(0, 2, 1) + centre
    width = np.cos(view)[:, None]  # from the front 1, from the side 0, from the back -1
    poses[:, :, 0] *= np.copysign(np.maximum(np.abs(width), _DEPTH), width)
    return poses[:, [names.index(part) for part in config.body_parts]]


def read_skeletons(path: Path, config: Config) -> Floats:
    """Read skeletons of real people from an archive with COCO keypoints.

    Args:
        path: An .npz file with an array ``keypoints`` (n, 17, 3): x and y from 0 to 1 across the photo, and the
            visibility.
        config: The configuration of the skeletons.

    Returns:
        (k, parts, 2) float64, x and y. The longer side of each skeleton is 1. Skeletons with fewer than 12 labelled
        keypoints are left out.

    Raises:
        OpenPoseLabError: The file cannot be read, or is no such archive.
    """
    with open_input(path, "skeletons file") as file:
        try:
            keypoints = read_npz(file, _LARGEST_ARRAY)["keypoints"]
            if keypoints.dtype.kind not in "fiu" or keypoints.dtype.itemsize > 8:
                raise ValueError("the keypoints are not numbers")
        except (ValueError, KeyError) as error:
            raise OpenPoseLabError(f"the skeletons {path} are no .npz archive with an array 'keypoints'") from error
    with np.errstate(invalid="ignore"):  # NaN is refused below
        keypoints = keypoints.astype(np.float64)
    if keypoints.ndim != 3 or keypoints.shape[1:] != (len(COCO_KEYPOINTS), 3) or not np.isfinite(keypoints).all():
        raise OpenPoseLabError(f"the skeletons {path} must have keypoints (n, 17, 3) but have {keypoints.shape}")
    if np.abs(keypoints[:, :, :2]).max(initial=0) > _FARTHEST:
        raise OpenPoseLabError(f"the skeletons {path} must have x and y from 0 to 1 across the photo")
    whole = keypoints[(keypoints[:, :, 2] > 0).sum(axis=1) >= _MIN_LABELLED] * (_PHOTO_SHAPE, 1, 1)
    if not len(whole):
        raise OpenPoseLabError(f"the skeletons {path} lack a person with {_MIN_LABELLED} or more labelled keypoints")
    poses = from_coco(config, whole)
    low, high = _boxes(poses)
    size = np.maximum((high - low).max(axis=1), 1e-6)[:, None, None]
    skeletons: Floats = (poses - low[:, None]) / size
    return skeletons


def _boxes(keypoints: Floats) -> tuple[Floats, Floats]:
    """Return two corners (n, 2) of the box around each person: the smallest and the largest x and y."""
    return np.nanmin(keypoints, axis=-2), np.nanmax(keypoints, axis=-2)


def _place(poses: Floats, rng: np.random.Generator, overlap: float) -> tuple[Floats, tuple[int, int]]:
    """Place people one by one beside an earlier person. Return their keypoints, and height and width of the map."""
    low, high = _boxes(poses)
    centre = np.zeros((len(poses), 2))
    half = np.maximum((high - low) / 2, 0.5)  # a box is at least one cell wide
    for k in range(1, len(poses)):
        beside = rng.integers(k, size=_TRIES)
        places = _at_overlap(centre[beside], half[beside], half[k], _directions(rng, (_TRIES,)), overlap)
        most = _overlaps(places[:, None], half[k], centre[:k], half[:k]).max(axis=1)
        centre[k] = places[np.argmin(np.maximum(most, overlap))]
    corner = (centre - half).min(axis=0) - _MARGIN
    keypoints = poses - ((low + high) / 2)[:, None] + (centre - corner)[:, None]
    width, height = np.ceil((centre + half).max(axis=0) - corner + _MARGIN).astype(int).tolist()
    return keypoints, (height, width)


def _directions(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return random unit vectors (*shape, 2)."""
    angle = rng.uniform(0, 2 * np.pi, shape)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _at_overlap(centre: Floats, half: Floats, own_half: Floats, direction: Floats, overlap: float) -> Floats:
    """Find the distance, along each direction, at which a box has the given overlap with another box.

    Args:
        centre: (k, 2) the centres of the other boxes.
        half: (k, 2) half the width and height of the other boxes.
        own_half: (2,) half the width and height of the box.
        direction: (k, 2) unit vectors from the other centres.
        overlap: The shared area as a share of the smaller box.

    Returns:
        (k, 2) the centres of the box.
    """
    near, far = np.zeros((len(centre), 1)), np.full((len(centre), 1), 2 * float((half + own_half).sum(axis=1).max()))
    for _ in range(40):
        middle = (near + far) / 2
        more = _overlaps(centre + middle * direction, own_half, centre, half)[:, None] > overlap
        near, far = np.where(more, middle, near), np.where(more, far, middle)
    return centre + far * direction


def _overlaps(centre: Floats, half: Floats, others: Floats, others_half: Floats) -> Floats:
    """Compute the area that two boxes share, as a share of the smaller box."""
    common = np.minimum(centre + half, others + others_half) - np.maximum(centre - half, others - others_half)
    smaller = 4 * np.minimum(np.prod(half, axis=-1), np.prod(others_half, axis=-1))
    share: Floats = np.prod(np.maximum(common, 0), axis=-1) / smaller
    return share


def _cross_hands(config: Config, keypoints: Floats, rng: np.random.Generator, share: float) -> None:
    """Exchange the places of a wrist between some people and their nearest neighbours, in place."""
    low, high = _boxes(keypoints)
    size = (high - low).max(axis=1)
    free = np.ones(len(keypoints), dtype=bool)
    crosses = rng.random(len(keypoints)) < share
    for person, side in enumerate(rng.integers(2, size=len(keypoints))):
        elbow, wrist = (config.body_parts.index(f"{('left', 'right')[side]}_{part}") for part in ("elbow", "wrist"))
        distance = np.linalg.norm(keypoints[:, elbow] - keypoints[person, elbow], axis=1)
        usable = free & ~np.isnan(keypoints[:, wrist, 0]) & (distance < size[person] / 2)
        if not crosses[person] or not usable[person] or usable.sum() < 2:
            continue
        usable[person] = False
        neighbour = np.flatnonzero(usable)[np.argmin(distance[usable])]
        keypoints[[person, neighbour], wrist] = keypoints[[neighbour, person], wrist]
        free[[person, neighbour]] = False


def _show(
    config: Config, keypoints: Floats, shape: tuple[int, int], rng: np.random.Generator, disturbance: Disturbance
) -> Crowd:
    """Make the disturbed maps of the people, and find the limbs in them."""
    seen = keypoints + rng.normal(0, _JITTER, keypoints.shape)
    seen[rng.random(seen.shape[:2]) < disturbance.missing] = np.nan
    doubles = seen + _directions(rng, seen.shape[:2]) * rng.uniform(*_DOUBLE_DISTANCE, (*seen.shape[:2], 1))
    doubles[rng.random(seen.shape[:2]) >= disturbance.doubled] = np.nan

    heatmaps = synthesize_heatmaps(config, seen, shape)
    heatmaps = np.maximum(heatmaps, np.float32(_DOUBLE_SCORE) * synthesize_heatmaps(config, doubles, shape))
    heatmaps *= np.maximum(1 + _noise(rng, heatmaps.shape, disturbance.noise), 0)
    pafs = synthesize_pafs(config, keypoints, shape)
    pafs += _noise(rng, pafs.shape, disturbance.noise)
    photo_size = _CELL_PIXELS * shape[1], _CELL_PIXELS * shape[0]
    maps = FieldMaps(heatmaps, pafs, (_CELL_PIXELS, _CELL_PIXELS), photo_size=photo_size)
    coordinates = get_coordinates(config, heatmaps)
    connections = get_connections(config, coordinates, pafs)
    return Crowd(keypoints, maps, connections, owners(coordinates, seen, np.full(seen.shape[:2], _REACH)))


def _noise(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
    """Make smooth Gaussian noise (h, w, channels) with the given standard deviation."""
    white = rng.standard_normal(shape, dtype=np.float32)
    smooth = np.stack([cv2.GaussianBlur(channel, (0, 0), _SMOOTHNESS) for channel in np.moveaxis(white, 2, 0)], axis=2)
    return smooth * np.float32(deviation * 2 * np.sqrt(np.pi) * _SMOOTHNESS)  # the blur reduces the deviation by this
