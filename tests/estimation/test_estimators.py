import os

import numpy as np

from estimation import estimators
from estimation.config import COCO_18
from estimation.connections import get_connections
from estimation.estimators import estimate
from estimation.grouping import load_grouping
from tests.estimation.test_connections import peaks_at, uniform_paf


def test_merge_gets_the_rows_and_gives_the_people():
    connections = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf((0.75, 0)))
    seen = []

    def merge(subset):
        seen.append(subset)
        return subset

    people = estimate(COCO_18, connections, merge)
    assert people[0, [1, 2, 18, 19]].tolist() == [0, 1, 1.75, 2]
    np.testing.assert_array_equal(people, seen[0])


def test_an_edit_of_the_lab_s_merge_is_seen(tmp_path, monkeypatch):
    connections = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf((0.75, 0)))
    mine = tmp_path / "merge.py"
    monkeypatch.setattr(estimators, "LAB_MERGE", mine)
    monkeypatch.setattr(estimators, "load_grouping", lambda _: load_grouping(mine))
    for modified, (code, count) in enumerate([("subset", 1), ("subset[:0]", 0)]):
        mine.write_text(f"def merge(subset):\n    return {code}\n")
        os.utime(mine, ns=(modified, modified))
        assert len(estimate(COCO_18, connections)) == count


def test_a_replacement_of_the_lab_s_merge_is_used(monkeypatch):
    """A notebook assigns its own merge. The name "lab" still stands for the file."""
    import estimation.merge

    connections = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf((0.75, 0)))
    assert len(estimate(COCO_18, connections)) == 0
    monkeypatch.setattr(estimation.merge, "merge", lambda subset: subset)
    assert len(estimate(COCO_18, connections)) == 1
    assert len(estimate(COCO_18, connections, load_grouping("lab"))) == 0
    monkeypatch.undo()
    assert len(estimate(COCO_18, connections)) == 0


def test_the_lab_s_merge_is_the_default():
    connections = get_connections(COCO_18, peaks_at((1, 2, 3), (2, 7, 3)), uniform_paf((0.75, 0)))
    assert estimate(COCO_18, connections).shape == (0, 20)  # two parts are too few
