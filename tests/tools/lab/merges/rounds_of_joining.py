"""Another right answer: join any two rows that can be joined until none can, then settle who gets what is contested."""

import numpy as np


def shares(one, other):
    return any(a == b != -1 for a, b in zip(one[:18], other[:18]))


def clashes(one, other):
    return any(a != b and a != -1 and b != -1 for a, b in zip(one[:18], other[:18]))


def joined(one, other):
    return [b if a == -1 else a for a, b in zip(one[:18], other[:18])] + [one[18] + other[18], 0]


def join_two(rows):
    for i, one in enumerate(rows):
        for j in range(i + 1, len(rows)):
            if shares(one, rows[j]) and not clashes(one, rows[j]):
                return [*rows[:i], joined(one, rows[j]), *rows[i + 1 : j], *rows[j + 1 :]]
    return None


def merge(subset, min_num_body_parts=4, min_score=0.4):
    rows = [list(row) for row in subset.tolist()]
    while True:
        rows.sort(key=lambda row: (-row[18], row[:18]))
        fewer = join_two(rows)
        if fewer is None:
            break
        rows = fewer
    taken = set()
    people = []
    for row in rows:
        before = sum(i != -1 for i in row[:18])
        parts = [-1 if i in taken else i for i in row[:18]]
        count = sum(i != -1 for i in parts)
        score = row[18] * count / before
        if count > 1 and count >= min_num_body_parts and score >= min_score * count:
            people.append([*parts, score, count])
            taken.update(i for i in parts if i != -1)
    return np.array(people, dtype=float).reshape(-1, 20)
