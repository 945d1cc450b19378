"""THE STUDENT'S FILE: rows of limbs in, rows of people out.

Everything else in the project is there so that you can write this function. Each row of ``subset``
is one limb: the ids of its two peaks in the slots of their body parts, -1 in the other slots, the
limb's score, and the number of its parts. Limbs that share a peak belong to the same person.

    0 nose           1 neck           2 right_shoulder  3 right_elbow    4 right_wrist
    5 left_shoulder  6 left_elbow     7 left_wrist      8 right_hip      9 right_knee
    10 right_ankle   11 left_hip      12 left_knee      13 left_ankle    14 right_eye
    15 left_eye      16 right_ear     17 left_ear       18 score         19 parts_num
"""

import numpy as np

from estimation.subset import MISSING, PARTS_NUM, SCORE


def merge(subset, min_num_body_parts=4, min_score=0.4):
    """Merge limbs into people, settle conflicts, and drop what is too small or too unsure.

    subset: (n, 20) float, one row per limb; it is not changed.
    min_num_body_parts, min_score: people with fewer parts, or a smaller score / parts_num, are dropped.
    Returns (people, 20) float64. A person's score is the sum of the scores of the limbs in it;
    parts_num counts the slots that are filled.
    """
    # The rows are taken best first, whatever order they come in. A row joins all the people who own one
    # of its peaks. If that would put two peaks into one slot, the row is the weaker claim: it
    # gives up the peaks that have owners, and keeps the rest if they are still more than one.
    owner = {}  # (slot, id) of a peak -> the person who has it
    for row in sorted(subset.tolist(), key=best_first):
        peaks = {(slot, i) for slot, i in enumerate(row[:SCORE]) if i != MISSING}
        person = {"peaks": peaks, "score": row[SCORE]}
        others = list({id(owner[peak]): owner[peak] for peak in sorted(peaks) if peak in owner}.values())

        union = peaks.union(*(other["peaks"] for other in others))
        if len({slot for slot, _ in union}) == len(union):
            person["peaks"] = union
            person["score"] += sum(other["score"] for other in others)
        else:
            person["peaks"] = {peak for peak in peaks if peak not in owner}
            person["score"] *= len(person["peaks"]) / len(peaks)
        if len(person["peaks"]) > 1:
            owner.update(dict.fromkeys(person["peaks"], person))

    people = list({id(person): person for person in owner.values()}.values())
    merged = np.full((len(people), subset.shape[1]), float(MISSING))
    for row, person in zip(merged, people):
        for slot, i in person["peaks"]:
            row[slot] = i
        row[SCORE] = person["score"]
        row[PARTS_NUM] = len(person["peaks"])

    # Prune: parts_num < 4 or score / parts_num < 0.4
    keep = merged[:, PARTS_NUM] >= min_num_body_parts
    keep &= merged[:, SCORE] >= min_score * merged[:, PARTS_NUM]
    return np.array(sorted(merged[keep].tolist(), key=best_first)).reshape(-1, subset.shape[1])


def best_first(row):
    """Sort key: the highest score first; the ids settle ties, so that the order of rows never matters."""
    return -row[SCORE], row
