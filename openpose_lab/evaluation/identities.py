"""How right the identities of a tracker are: IDF1, and with trackeval also HOTA and identity switches."""

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
"""IoU (intersection over union) from which on a box found may be that of a true person, as in MOTChallenge."""
_MARGIN = 0.1  # what a box reaches beyond the keypoints, as a share of its longer side: flesh around the joints


@dataclass(frozen=True, eq=False)
class Sequence:
    """What identities are measured on: T frames with true people and people found.

    Attributes:
        true_ids: T, (n,) the identities of the true people, from 0.
        found_ids: T, (m,) the identities of the people found, from 0. Those without identity are left out.
        likeness: T, (n, m) IoU of their boxes.
    """

    true_ids: Ids
    found_ids: Ids
    likeness: list[Floats]


@dataclass(frozen=True)
class Figures:
    """How right identities are.

    Attributes:
        idf1: 2 IDTP / (2 IDTP + IDFP + IDFN), from 0 to 1.
        hota: higher order tracking accuracy, the mean over IoU from 0.05 to 0.95.
        switches: how often the identity of a true person changes (IDSW of CLEAR MOT).
    """

    idf1: float
    hota: float
    switches: int


def true_identities(visible: NDArray[np.bool_], memory: float) -> NDArray[np.intp]:
    """Number the true identities. A person absent for longer than the tracker's memory counts as new.

    Args:
        visible: (T, people) as in ``TrackScene``.
        memory: seconds from the last frame in which a person is visible to the next one.

    Returns:
        (T, people) identities from 0; ``NO_IDENTITY`` where a person is not visible.
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
    """Compare the identities that a tracker gave with the true ones.

    Args:
        scene: the video.
        found: T, (n,) the identities of ``scene.frames``.
        memory: as in ``true_identities``.
        each_its_own: whether each person without an identity counts as an identity of its own. Otherwise they count as
            people who were not found.

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
    """The identities that a new tracker gives to ``scene.frames``: T, (n,)."""
    answers = (tracker.update(people, scene.timestamp(frame)) for frame, people in enumerate(scene.frames))
    return [np.asarray(answer, dtype=np.intp) for answer in answers]


def oracle(scene: TrackScene, memory: float) -> Ids:
    """The identities of a tracker that makes no mistake: T, (n,)."""
    truth = true_identities(scene.visible, memory)
    return [truth[frame, people] for frame, people in enumerate(scene.owners)]


def idf1(sequences: Sequence | list[Sequence]) -> float:
    """IDF1 of one sequence or of several together: each true identity is paired with at most one that was found.

    The pairs are those that agree in the most frames. A pair agrees in a frame if the IoU of its boxes is
    ``LEAST_IOU`` or more.
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
    """IDF1, HOTA and switches of one sequence, by trackeval.

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
    """(n, 4) left, top, right and bottom of the boxes around the keypoints (n, parts, 2), with a margin."""
    if not len(keypoints):
        return np.empty((0, 4))
    low, high = np.nanmin(keypoints, axis=1), np.nanmax(keypoints, axis=1)
    margin = _MARGIN * (high - low).max(axis=1, keepdims=True)
    return np.concatenate([low - margin, high + margin], axis=1)


def iou(first: Floats, second: Floats) -> Floats:
    """(n, m): intersection over union of boxes (n, 4) and (m, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares
