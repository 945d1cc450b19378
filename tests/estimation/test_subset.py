import numpy as np

from estimation.config import COCO_18
from estimation.connections import get_connections
from estimation.subset import MISSING, ids_of, limb_rows, peak_sets, peaks_of, slots_of_rows
from tests.estimation.test_connections import peaks_at, uniform_paf
from tests.support.scenes import HANDOUT_ROWS, make_rows


def test_one_row_per_connection_in_the_lab_s_layout():
    coordinates = peaks_at((1, 2, 3), (1, 2, 8), (2, 7, 3), (2, 7, 8))
    rows = limb_rows(COCO_18, get_connections(COCO_18, coordinates, uniform_paf((0.75, 0))))
    expected = make_rows(({1: 0, 2: 2}, 0.5 + 0.5 + 0.75), ({1: 1, 2: 3}, 0.5 + 0.5 + 0.75))
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    assert rows.dtype == np.float64


def test_no_connections_no_rows():
    rows = limb_rows(COCO_18, get_connections(COCO_18, peaks_at(), uniform_paf((1, 0))))
    assert rows.shape == (0, 20)


def test_ids_are_the_first_columns():
    assert ids_of(HANDOUT_ROWS).shape == (9, 18)
    assert (ids_of(HANDOUT_ROWS)[0] != MISSING).sum() == 2


def test_peaks_and_their_slots():
    rows = make_rows(({1: 4, 2: 2}, 1), ({1: 4, 5: 0}, 1))
    row, slot, ids = peaks_of(rows)
    assert (row.tolist(), slot.tolist(), ids.tolist()) == ([0, 0, 1, 1], [1, 2, 1, 5], [4, 2, 4, 0])
    assert slots_of_rows(rows).tolist() == [5, MISSING, 2, MISSING, 1]
    assert slots_of_rows(make_rows()).tolist() == []


def test_the_peaks_of_each_row():
    rows = make_rows(({1: 4, 2: 0}, 1), ({}, 1), ({1: 4, 5: 7}, 1))
    assert peak_sets(ids_of(rows)) == [{0, 4}, set(), {4, 7}]
    assert peak_sets(ids_of(rows).astype(int)) == [{0, 4}, set(), {4, 7}]
    assert peak_sets(np.array([[np.nan, 3, MISSING, np.inf]])) == [{3}]
    assert peak_sets(ids_of(rows[:0])) == []
