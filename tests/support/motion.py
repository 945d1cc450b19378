"""Records of people who move as a test says."""

import numpy as np

from estimation.skeletons import FILLED, Skeletons
from openpose_lab.formats.record import Record

SIZE = 640, 480


def record_of(place, time, people, size=SIZE):
    """A frame with people: {identity: (parts, 2) keypoints, NaN where missing}."""
    keypoints = np.stack([np.asarray(one, dtype=float) for one in people.values()])
    found = ~np.isnan(keypoints[:, :, 0])
    scores = np.where(found, 0.25 + np.arange(found.shape[1]) / 100, 0)
    ids = np.where(found, np.arange(found.size).reshape(found.shape), -1)
    identities = np.array(list(people), dtype=np.intp)
    skeletons = Skeletons(keypoints, scores, 1.0 + np.arange(len(people)), ids, identities)
    return Record(f"frame {place}", 10 * place, time, *size, skeletons)


def nobody(place, time, parts=1):
    none = Skeletons(
        np.zeros((0, parts, 2)), np.zeros((0, parts)), np.zeros(0), np.zeros((0, parts), np.intp), np.zeros(0, np.intp)
    )
    return Record(f"frame {place}", 10 * place, time, *SIZE, none)


def moving(x, rate=25.0, identity=7, times=None):
    """Records of one person with one part that moves along x, at y = 100. NaN: the person is not there."""
    times = np.arange(len(x)) / rate if times is None else times
    return [
        nobody(place, time) if np.isnan(one) else record_of(place, time, {identity: [(one, 100)]})
        for place, (one, time) in enumerate(zip(x, np.asarray(times).tolist()))
    ]


def xs(records, identity=7, part=0):
    """x of a person's part in each frame; NaN where there is none."""
    found = []
    for record in records:
        row = np.flatnonzero(record.skeletons.person_ids == identity)
        found.append(record.skeletons.keypoints[row[0], part, 0] if len(row) else np.nan)
    return np.array(found)


def marks(records, identity=7, part=0):
    """Whether the part is marked as filled in each frame."""
    found = []
    for record in records:
        row = np.flatnonzero(record.skeletons.person_ids == identity)
        found.append(bool(len(row)) and record.skeletons.peak_ids[row[0], part] == FILLED)
    return found
