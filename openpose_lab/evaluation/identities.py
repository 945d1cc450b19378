"""Accuracy of a tracker's identities: IDF1, and with trackeval also HOTA and identity switches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimation.skeletons import NO_IDENTITY
from openpose_lab.evaluation.track_scenes import FRAME_RATE, TrackScene
from openpose_lab.extras import require
from openpose_lab.tracking import Tracker

Floats = NDArray[np.float64]
Ids = list[NDArray[np.intp]]

LEAST_IOU = 0.5
"""Least IoU (intersection over union) at which a detected box can match a ground-truth box, as in MOTChallenge."""
_MARGIN = 0.1  # margin of a box around its keypoints, as a share of its longer side: the body is larger


@dataclass(frozen=True, eq=False)
class Sequence:
    """T frames with the ground-truth identities and the identities that a tracker gave.

    Attributes:
        true_ids: A list of T arrays (n,): the identities of the ground-truth people, from 0.
        found_ids: A list of T arrays (m,): the identities of the people found, from 0. People without an identity are
            left out.
        likeness: A list of T arrays (n, m): the IoU of each ground-truth box with each detected box.
    """

    true_ids: Ids
    found_ids: Ids
    likeness: list[Floats]


@dataclass(frozen=True)
class Figures:
    """Accuracy of identities.

    Attributes:
        idf1: 2 IDTP / (2 IDTP + IDFP + IDFN), from 0 to 1.
        hota: Higher order tracking accuracy: the mean over IoU thresholds from 0.05 to 0.95.
        switches: The number of times that a ground-truth person's identity changes (IDSW of CLEAR MOT).
    """

    idf1: float
    hota: float
    switches: int


def true_identities(visible: NDArray[np.bool_], memory: float) -> NDArray[np.intp]:
    """Number the ground-truth identities. A person gets a new identity after an absence longer than ``memory``.

    Args:
        visible: (T, people) bool, as in ``TrackScene``.
        memory: The tracker's memory: the most seconds from one frame in which a person is visible to the next.

    Returns:
        (T, people) identities from 0, and ``NO_IDENTITY`` where a person is not visible.
    """
    identities = np.full(visible.shape, NO_IDENTITY, dtype=np.intp)
    count = 0
    for person in range(visible.shape[1]):
        frames = np.flatnonzero(visible[:, person])
        if not len(frames):
            continue
        new = np.diff(frames) / FRAME_RATE > memory + 1e-9
        numbers = np.concatenate([[0], np.cumsum(new)])
        identities[frames, person] = count + numbers
        count += int(numbers[-1]) + 1
    return identities


def to_sequence(scene: TrackScene, found: Ids, memory: float, each_its_own: bool = False) -> Sequence:
    """Pair the identities that a tracker gave with the ground-truth identities.

    Args:
        scene: The video.
        found: A list of T arrays (n,): the identities of the people in ``scene.frames``.
        memory: As in ``true_identities``.
        each_its_own: If true, each person without an identity gets a new identity in each frame. If false, a person
            without an identity counts as not found.

    Returns:
        The sequence.
    """
    truth = true_identities(scene.visible, memory)
    highest = max((int(one.max(initial=NO_IDENTITY)) for one in found), default=NO_IDENTITY)
    true_ids, found_ids, likeness = [], [], []
    for frame, identities in enumerate(found):
        people = np.flatnonzero(scene.visible[frame])
        identities = identities.copy()
        if each_its_own:
            lacking = np.flatnonzero(identities == NO_IDENTITY)
            identities[lacking] = highest + 1 + np.arange(len(lacking))
            highest += len(lacking)
        told = np.flatnonzero(identities != NO_IDENTITY)
        true_ids.append(truth[frame, people])
        found_ids.append(identities[told])
        boxes = _boxes(scene.keypoints[frame, people]), _boxes(scene.frames[frame].keypoints[told])
        likeness.append(iou(*boxes))
    _, numbers = np.unique(np.concatenate([*found_ids, np.empty(0, np.intp)]), return_inverse=True)
    ends = np.cumsum([len(one) for one in found_ids])
    return Sequence(true_ids, np.split(numbers, ends)[:-1], likeness)


def identify(scene: TrackScene, tracker: Tracker) -> Ids:
    """Return the identities that a new tracker gives to ``scene.frames``: a list of T arrays (n,)."""
    answers = (tracker.update(people, scene.timestamp(frame)) for frame, people in enumerate(scene.frames))
    return [np.asarray(answer, dtype=np.intp) for answer in answers]


def oracle(scene: TrackScene, memory: float) -> Ids:
    """Return the identities of a tracker without errors: a list of T arrays (n,)."""
    truth = true_identities(scene.visible, memory)
    return [truth[frame, people] for frame, people in enumerate(scene.owners)]


def idf1(sequences: Sequence | list[Sequence]) -> float:
    """Compute the IDF1 of one sequence, or of several sequences together.

    Each ground-truth identity is paired with at most one found identity, such that the pairs agree in as many frames
    as possible. A pair agrees in a frame if the IoU of its boxes is ``LEAST_IOU`` or more.
    """
    from scipy.optimize import linear_sum_assignment

    right = total = 0
    for sequence in [sequences] if isinstance(sequences, Sequence) else sequences:
        counts = [1 + max((int(one.max(initial=-1)) for one in ids), default=-1) for ids in _both(sequence)]
        agree = np.zeros(counts, dtype=int)
        for true, found, likeness in zip(sequence.true_ids, sequence.found_ids, sequence.likeness):
            row, column = np.nonzero(likeness >= LEAST_IOU)
            agree[true[row], found[column]] += 1
        right += int(agree[linear_sum_assignment(agree, maximize=True)].sum())
        total += sum(len(one) for ids in _both(sequence) for one in ids)
    return 2 * right / total if total else 1.0


def _both(sequence: Sequence) -> tuple[Ids, Ids]:
    return sequence.true_ids, sequence.found_ids


def figures(sequence: Sequence) -> Figures:
    """Compute IDF1, HOTA and identity switches of one sequence with trackeval.

    Raises:
        OpenPoseLabError: trackeval is not installed.
    """
    require("trackeval", "HOTA and identity switches")
    from trackeval.metrics import CLEAR, HOTA, Identity

    quiet = {"PRINT_CONFIG": False}
    data = {
        "num_timesteps": len(sequence.true_ids),
        "num_gt_ids": 1 + max((int(one.max(initial=-1)) for one in sequence.true_ids), default=-1),
        "num_tracker_ids": 1 + max((int(one.max(initial=-1)) for one in sequence.found_ids), default=-1),
        "num_gt_dets": sum(map(len, sequence.true_ids)),
        "num_tracker_dets": sum(map(len, sequence.found_ids)),
        "gt_ids": sequence.true_ids,
        "tracker_ids": sequence.found_ids,
        "similarity_scores": sequence.likeness,
    }
    identity = Identity({**quiet, "THRESHOLD": LEAST_IOU}).eval_sequence(data)
    clear = CLEAR({**quiet, "THRESHOLD": LEAST_IOU}).eval_sequence(data)
    hota = HOTA().eval_sequence(data)
    return Figures(float(identity["IDF1"]), float(np.mean(hota["HOTA"])), int(clear["IDSW"]))


def _boxes(keypoints: Floats) -> Floats:
    """Return (n, 4), left, top, right and bottom of the boxes around keypoints (n, parts, 2), with a margin."""
    if not len(keypoints):
        return np.empty((0, 4))
    low, high = np.nanmin(keypoints, axis=1), np.nanmax(keypoints, axis=1)
    margin = _MARGIN * (high - low).max(axis=1, keepdims=True)
    return np.concatenate([low - margin, high + margin], axis=1)


def iou(first: Floats, second: Floats) -> Floats:
    """Return (n, m), the intersection over union of boxes (n, 4) and (m, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares
