"""Test the properties that merge must have on any rows, with hundreds of random rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from estimation.config import COCO_18
from estimation.grouping.contract import check_answer
from estimation.merge import merge
from estimation.subset import MISSING, SCORE, ids_of, slots_of_rows
from tests.estimation.test_reference_merge import peaks_of
from tests.support.scenes import make_rows


@st.composite
def limb_rows(draw, clean=False):
    """Draw rows of limbs between a few peaks of each part. With ``clean``, no slot gets two peaks."""
    per_part = 3
    limbs = draw(
        st.lists(
            st.tuples(
                st.sampled_from([limb[:2] for limb in COCO_18.limbs]),
                st.integers(0, per_part - 1),
                st.integers(0, per_part - 1),
                st.integers(1, 300),
            ),
            max_size=40,
            unique_by=lambda limb: limb[:3],
        )
    )
    return make_rows(
        *[
            ({a: a * per_part + i, b: b * per_part + (i if clean else j)}, score / 100)
            for (a, b), i, j, score in limbs
            if not clean or i == j
        ]
    )


@given(limb_rows(), st.randoms())
def test_contract_on_any_rows(rows, random):
    before = rows.copy()
    people = merge(rows, min_num_body_parts=2, min_score=0)
    np.testing.assert_array_equal(rows, before)
    check_answer(COCO_18, people, slots_of_rows(rows))  # shape, ids, unique peaks and true counts
    np.testing.assert_array_equal(merge(people, min_num_body_parts=2, min_score=0), people)
    order = list(range(len(rows)))
    random.shuffle(order)
    np.testing.assert_array_equal(merge(rows[order], min_num_body_parts=2, min_score=0), people)


@given(limb_rows(clean=True))
def test_without_conflicts_people_are_connected_components(rows):
    """Compare with SciPy's connected components of the graph of peaks."""
    people = merge(rows, min_num_body_parts=2, min_score=0)
    ends = np.array([row[row != MISSING] for row in ids_of(rows)]).reshape(-1, 2).astype(int)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(54, 54))
    label = connected_components(graph, directed=False)[1]
    expected = {frozenset(np.flatnonzero(label == label[a]).tolist()) for a in ends[:, 0]}
    assert {frozenset(peaks_of(person).values()) for person in people} == expected
    assert people[:, SCORE].sum() == pytest.approx(rows[:, SCORE].sum())
