"""THE STUDENT'S FILE: rows of limbs in, rows of people out.

You write ``merge``; the project does the rest. Each row of ``subset`` is one limb. Columns 0 to 17 are
the slots of the body parts: two of them hold the ids of the limb's two peaks, and the others hold -1.
Column 18 is the limb's score. Column 19 is the number of its parts. Limbs that share a peak belong to
the same person.

    0 nose           1 neck           2 right_shoulder  3 right_elbow    4 right_wrist
    5 left_shoulder  6 left_elbow     7 left_wrist      8 right_hip      9 right_knee
    10 right_ankle   11 left_hip      12 left_knee      13 left_ankle    14 right_eye
    15 left_eye      16 right_ear     17 left_ear       18 score         19 parts_num

To test this file, run ``python -m openpose_lab check-merge`` in the lab's folder. ``estimate``, in
estimation/estimators.py, calls ``merge``. After each edit, it loads this file again. In a notebook, you
can also assign your function to ``estimation.merge.merge``; then ``estimate`` calls your function.
"""

import numpy as np

from estimation.subset import MISSING, PARTS_NUM, SCORE


def merge(subset, min_num_body_parts=4, min_score=0.4):
    """Merge limbs into people, resolve conflicts, and prune people with few parts or a low score.

    Args:
        subset: (n, 20) float64, one row per limb. Do not change it.
        min_num_body_parts: people with fewer parts are dropped.
        min_score: people with a smaller score / parts_num are dropped.

    Returns:
        (m, 20) float64, one row per person. The score is the sum of the scores of the person's limbs.
        parts_num is the number of filled slots.
    """
    # Take the rows best first, so that their order in ``subset`` does not matter. A row and all people
    # that own one of its peaks become one person. If a slot would then hold two peaks, this is a conflict, and the row
    # loses: it gives up the peaks that have owners. If two or more peaks remain, they become a new person. This can
    # happen only if the row has more than two peaks, for example when merge is called with its own answer.
    owner = {}  # (slot, id) of a peak -> the person that owns it
    for row in sorted(subset.tolist(), key=_rank):
        peaks = [(slot, i) for slot, i in enumerate(row[:SCORE]) if i != MISSING]
        others = {id(owner[peak]): owner[peak] for peak in peaks if peak in owner}.values()

        person = {"peaks": set(peaks), "score": row[SCORE]}
        for other in others:
            person["peaks"] |= other["peaks"]
            person["score"] += other["score"]
        if others and len(dict(person["peaks"])) < len(person["peaks"]):  # a conflict: two peaks in one slot
            kept = {peak for peak in peaks if peak not in owner}
            person = {"peaks": kept, "score": row[SCORE] * len(kept) / len(peaks)}
        if len(person["peaks"]) > 1:
            owner.update(dict.fromkeys(person["peaks"], person))

    people = list({id(person): person for person in owner.values()}.values())
    merged = np.full((len(people), subset.shape[1]), float(MISSING))
    for row, person in zip(merged, people):
        for slot, i in person["peaks"]:
            row[slot] = i
        row[SCORE] = person["score"]
        row[PARTS_NUM] = len(person["peaks"])

    # Prune people with parts_num < min_num_body_parts or score / parts_num < min_score.
    keep = merged[:, PARTS_NUM] >= min_num_body_parts
    keep &= merged[:, SCORE] >= min_score * merged[:, PARTS_NUM]
    return np.array(sorted(merged[keep].tolist(), key=_rank)).reshape(-1, subset.shape[1])


def _rank(row):
    """Return the sort key of a row: highest score first. Ids decide between equal scores."""
    return -row[SCORE], row
