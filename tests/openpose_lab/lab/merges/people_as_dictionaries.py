"""A right answer: the best row first, people as dictionaries."""

import numpy as np


def merge(subset, min_num_body_parts=4, min_score=0.4):
    subset = subset.copy()
    people = []
    for row in sorted(subset.tolist(), key=lambda row: (-row[18], row)):
        peaks = {slot: row[slot] for slot in range(18) if row[slot] != -1}
        owners = [person for person in people if person["peaks"].items() & peaks.items()]
        whole = {"peaks": dict(peaks), "score": row[18]}
        clash = False
        for owner in owners:
            clash = clash or any(whole["peaks"].get(slot, peak) != peak for slot, peak in owner["peaks"].items())
            whole["peaks"].update(owner["peaks"])
            whole["score"] += owner["score"]
        if clash:
            continue
        people = [person for person in people if not any(person is owner for owner in owners)] + [whole]
    answer = np.full((len(people), 20), -1.0)
    for row, person in zip(answer, people):
        for slot, peak in person["peaks"].items():
            row[slot] = peak
        row[18] = person["score"]
        row[19] = len(person["peaks"])
    keep = (answer[:, 19] >= min_num_body_parts) & (answer[:, 18] / np.maximum(answer[:, 19], 1) >= min_score)
    return answer[keep]
