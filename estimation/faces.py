"""Skeletons -> a photo with unrecognisable faces, for photos that are shared.

A disc covers each face. Its middle and its size come from the keypoints, so it works for every posture: upright, lying
or upside down. The unit of sizes is the face length, from the hairline to the chin. In a picture, the distance between
two parts is as long as on the body, or shorter if the person turns. So each distance gives a face length that is at
most the true length, and the longest one is used.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.photo_arrays import as_photo
from estimation.proportions import heights
from estimation.skeletons import Skeletons

_LENGTHS = {
    ("left_eye", "right_eye"): 0.45,
    ("left_ear", "right_ear"): 1.05,
    ("left_eye", "left_ear"): 0.6,
    ("right_eye", "right_ear"): 0.6,
    ("left_eye", "right_ear"): 0.92,
    ("right_eye", "left_ear"): 0.92,
    ("nose", "left_eye"): 0.35,
    ("nose", "right_eye"): 0.35,
    ("nose", "left_ear"): 0.85,
    ("nose", "right_ear"): 0.85,
    ("nose", "neck"): 1.4,
    ("left_eye", "neck"): 1.5,
    ("right_eye", "neck"): 1.5,
    ("left_ear", "neck"): 1.4,
    ("right_ear", "neck"): 1.4,
    ("head", "neck"): 1.4,
    ("left_shoulder", "right_shoulder"): 2.0,
    ("left_shoulder", "neck"): 1.0,
    ("right_shoulder", "neck"): 1.0,
}
"""The distance between two parts in face lengths: the upper end of the distances in annotated faces. ``head`` is the
crown."""
_NECK_TO_FACE = 1.15  # from the neck, between the shoulders, to the middle of the face
_FACE_OF_HEIGHT = 0.1  # a face length, as a share of a standing person's height

_RADIUS = 0.85  # face lengths; a disc around nose and eyes then covers the face of 157 of 158 annotated people
_WIDE_RADIUS = 1.3  # face lengths, if the middle of the face is less certain
_LEAST_RADIUS = 4.0  # pixels
_STRAY = 2.5  # a keypoint is on another person if the face is at least this many times shorter without it ...
_STRAY_PARTS = 5  # ... and the person has at least this many of these parts

_GRID = 4  # colours across a disc, two across the face: people recognise faces of 7 x 10 (Sinha et al., 2006)
_FURTHEST = 1e6  # pixels; keypoints of other systems may lie anywhere


def blur_faces(config: Config, photo: NDArray[np.uint8], skeletons: Skeletons) -> NDArray[np.uint8]:
    """Make the face of every person unrecognisable.

    ``face_discs`` places a disc over each face. The disc keeps only the mean colours of a grid of 4 x 4 cells, with
    smooth transitions. Larger discs cover smaller ones, so a face never shows the finer colours of a smaller disc.

    This does not make a photo anonymous. The face of a person whom the network does not find stays visible. Pass all
    people that were found, before any selection. A disc that is estimated from neck and shoulders may miss the face.
    Hair, clothes, places and the skeletons themselves remain visible. The frames of a video together show more than one
    frame.

    Args:
        config: the configuration of the skeletons. With a layout without heads, nothing is blurred.
        photo: (h, w, 3) BGR uint8; grey and BGRA are converted as in ``as_photo``. It is not changed.
        skeletons: the people.

    Returns:
        A copy of ``photo``, (h, w, 3) BGR uint8. Pixels outside the discs are equal.

    Raises:
        OpenPoseLabError: if the photo cannot be used.
    """
    photo = as_photo(photo)
    blurred = photo.copy()
    discs = face_discs(config, skeletons)
    discs = discs[~np.isnan(discs).any(axis=1)]
    for x, y, radius in discs[np.argsort(discs[:, 2], kind="stable")].tolist():
        _blur_disc(photo, blurred, x, y, radius)
    return blurred


def face_discs(config: Config, skeletons: Skeletons) -> NDArray[np.float64]:
    """Place a disc over each person's face, from the forehead to the chin.

    The middle of the disc lies between the nose and the eyes. If one of them is missing, the middle is the first known
    place of this list: the nose, the eyes, the ears, half way from crown to neck, the crown, a point beyond the neck.
    This point continues the line from the hips to the neck. Without hips, it lies above the shoulders, as for an
    upright person. Without nose or eyes, the disc is wider, and also covers heads seen from behind.

    Args:
        config: the configuration. Its layout names the parts.
        skeletons: the people, n.

    Returns:
        (n, 3) float64: x and y of the middle, and the radius (at least 4), in pixels. NaN for a person without a part
        of the head, without neck and shoulders, and without neck and hips.
    """
    keypoints = np.clip(skeletons.keypoints, -_FURTHEST, _FURTHEST)
    places = {part: keypoints[:, index] for index, part in enumerate(config.body_parts)}
    nowhere = np.full((len(keypoints), 2), np.nan)

    def mean_of(*parts: str) -> NDArray[np.float64]:
        return _mean([places.get(part, nowhere) for part in parts])

    between_shoulders = (mean_of("left_shoulder") + mean_of("right_shoulder")) / 2
    places["neck"] = _first(mean_of("neck"), between_shoulders)
    lengths, places = _face_lengths(places)
    lengths = np.where(lengths > 0, lengths, heights(config.layout, keypoints) * _FACE_OF_HEIGHT)

    nose, eyes, ears = mean_of("nose"), mean_of("left_eye", "right_eye"), mean_of("left_ear", "right_ear")
    crown, neck = mean_of("head"), places["neck"]
    spine = neck - mean_of("mid_hip", "left_hip", "right_hip")
    up = _unit(_first(spine, _above(mean_of("left_shoulder") - neck), _above(mean_of("right_shoulder") - neck)))
    certain = (nose + eyes) / 2
    beyond_neck = neck + up * lengths[:, None] * _NECK_TO_FACE
    middles = _first(certain, nose, eyes, ears, (crown + neck) / 2, crown, beyond_neck)

    radii = np.maximum(lengths * np.where(np.isnan(certain[:, 0]), _WIDE_RADIUS, _RADIUS), _LEAST_RADIUS)
    return np.column_stack([middles, np.where(np.isnan(middles[:, 0]), np.nan, radii)])


def _face_lengths(
    places: dict[str, NDArray[np.float64]],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Compute the face lengths of n people in pixels, and drop stray parts.

    A grouping may give a person the ear of another person. If the face is much shorter without one part, this part is a
    stray.

    Args:
        places: (n, 2) x and y of each part, NaN where it is missing.

    Returns:
        (n,) face lengths, 0 where no distance is known, and ``places`` with NaN for strays.
    """
    pairs = [pair for pair in _LENGTHS if places.keys() >= set(pair)]
    if not pairs:
        return np.zeros(len(places["neck"])), places
    lengths = np.stack([np.hypot(*(places[one] - places[other]).T) / _LENGTHS[one, other] for one, other in pairs])
    lengths = np.nan_to_num(lengths)
    longest = lengths.max(axis=0)

    parts = list(dict.fromkeys(part for pair in pairs for part in pair))
    without = np.stack([(lengths * [[part not in pair] for pair in pairs]).max(axis=0) for part in parts])
    found = np.sum([~np.isnan(places[part][:, 0]) for part in parts], axis=0)
    shortest, suspect = without.min(axis=0), without.argmin(axis=0)
    wrong = (found >= _STRAY_PARTS) & (longest > _STRAY * shortest)
    strays = {part: (wrong & (suspect == index))[:, None] for index, part in enumerate(parts)}
    kept = {part: np.where(strays[part], np.nan, place) if part in strays else place for part, place in places.items()}
    return np.where(wrong, shortest, longest), kept


def _blur_disc(photo: NDArray[np.uint8], blurred: NDArray[np.uint8], x: float, y: float, radius: float) -> None:
    """Write a disc of ``photo``, blurred, to ``blurred``. x, y and radius are in pixels."""
    height, width = photo.shape[:2]
    left, right = np.clip([np.floor(x - radius), np.ceil(x + radius) + 1], 0, width).astype(int).tolist()
    top, bottom = np.clip([np.floor(y - radius), np.ceil(y + radius) + 1], 0, height).astype(int).tolist()
    if left >= right or top >= bottom:
        return
    size = right - left, bottom - top
    columns, rows = (max(1, round(side / (2 * radius + 1) * _GRID)) for side in size)  # fewer at the photo's edge
    colours = cv2.resize(photo[top:bottom, left:right], (columns, rows), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(colours, size, interpolation=cv2.INTER_LINEAR)
    disc = (np.arange(left, right) - x) ** 2 <= radius**2 - (np.arange(top, bottom)[:, None] - y) ** 2
    cv2.copyTo(smooth, disc.view(np.uint8), blurred[top:bottom, left:right])


def _mean(points: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of the known (n, 2) points of each person; NaN without a known point: (n, 2)."""
    stacked = np.stack(points)
    known = ~np.isnan(stacked).any(axis=2, keepdims=True)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def _first(*choices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first known point of the (n, 2) choices, for each person: (n, 2)."""
    result = choices[0]
    for choice in choices[1:]:
        result = np.where(np.isnan(result).any(axis=1, keepdims=True), choice, result)
    return result


def _above(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors at right angles to the (n, 2) lines, towards the photo's top: (n, 2)."""
    across = np.stack([line[:, 1], -line[:, 0]], axis=1)
    return np.asarray(np.where(across[:, 1:] > 0, -across, across))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale the (n, 2) vectors to length 1; 0 stays 0."""
    return np.asarray(vectors / np.maximum(np.hypot(*vectors.T), 1e-6)[:, None])
