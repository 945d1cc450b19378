"""Another right answer: join all that is connected, then cut the weakest row between peaks that clash until none do."""

from collections import deque

import numpy as np


def merge(subset, min_num_body_parts=4, min_score=0.4):
    rows = sorted(subset.tolist(), key=lambda row: (-row[18], row))
    alive = list(range(len(rows)))
    while True:
        groups = connected(rows, alive)
        cuts = {weakest_between(rows, group, clash) for group in groups if (clash := first_clash(rows, group))}
        if not cuts:
            break
        alive = [i for i in alive if i not in cuts]
    people = []
    for group in groups:
        person = np.full(20, -1.0)
        for i in group:
            person[:18] = np.maximum(person[:18], rows[i][:18])
        person[18] = sum(rows[i][18] for i in group)
        person[19] = np.count_nonzero(person[:18] != -1)
        if person[19] >= min_num_body_parts and person[18] >= min_score * person[19]:
            people.append(person)
    return np.array(people).reshape(-1, 20)


def peaks_of(row):
    return [(slot, peak) for slot, peak in enumerate(row[:18]) if peak != -1]


def connected(rows, alive):
    """The groups of rows that share peaks, each in the order of the rows."""
    group_of = {}
    for i in alive:
        whole = [i]
        for peak in peaks_of(rows[i]):
            other = group_of.get(peak, [])
            if other is not whole:
                whole += [k for k in other if k not in whole]
        for k in whole:
            for peak in peaks_of(rows[k]):
                group_of[peak] = whole
    groups = {id(group): sorted(group) for group in group_of.values()}
    return sorted(groups.values())


def first_clash(rows, group):
    """Two peaks of one slot."""
    holder = {}
    for i in group:
        for slot, peak in peaks_of(rows[i]):
            if holder.setdefault(slot, peak) != peak:
                return (slot, holder[slot]), (slot, peak)
    return None


def weakest_between(rows, group, clash):
    """The row with the lowest score on the shortest way from one peak to the other."""
    start, end = clash
    came_by = {start: None}
    waiting = deque([start])
    while end not in came_by:
        here = waiting.popleft()
        for i in group:
            peaks = peaks_of(rows[i])
            if here in peaks:
                for peak in peaks:
                    if peak not in came_by:
                        came_by[peak] = (i, here)
                        waiting.append(peak)
    way = []
    while came_by[end]:
        i, end = came_by[end]
        way.append(i)
    return max(way)
