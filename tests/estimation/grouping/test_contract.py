"""Test every check of an answer with answers that are broken on purpose."""

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.grouping.contract import (
    ANSWER_CHECKS,
    Reply,
    check_answer,
    find_fault,
    find_no_people,
    peak_sets_of_answer,
)
from estimation.subset import GroupingError, slots_of_rows
from tests.support.scenes import HANDOUT_PERSON, HANDOUT_ROWS, make_row

SLOTS = slots_of_rows(HANDOUT_ROWS)


def test_a_right_answer_passes_as_it_is():
    answer = check_answer(COCO_18, HANDOUT_PERSON, SLOTS)
    np.testing.assert_array_equal(answer, HANDOUT_PERSON)
    assert len(check_answer(COCO_18, np.empty((0, 20)), SLOTS)) == 0


def changed(**columns):
    row = HANDOUT_PERSON.copy()
    for column, value in columns.items():
        row[0, int(column[1:])] = value
    return row


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "the answer must be an array of shape (people, 20) but is None; is a return missing?"),
        ([[1, 2]], "the answer must be an array of shape (people, 20) but is a list"),
        (np.zeros((2, 19)), "the answer must have shape (people, 20) but has (2, 19)"),
        (np.zeros(20), "the answer must have shape (people, 20) but has (20,)"),
        (np.full((1, 20), "x"), "the answer must hold plain numbers but its dtype is <U1"),
        (np.full((1, 20), None), "the answer must hold plain numbers but its dtype is object"),
        (changed(c18=np.nan), "row 0 has nan in column 18 instead of a finite number"),
        (changed(c3=77), "row 0 has 77 as right_elbow, but the input has no peak with that id"),
        (changed(c3=0), "row 0 has 0 as right_elbow, but the peak with that id is a nose"),
        (
            changed(c3=3.5),
            "row 0 has 3.5 as right_elbow, but the id of a peak is a whole number, or -1 where a part is missing",
        ),
        (changed(c3=-2), "row 0 has -2 as right_elbow, but the input has no peak with that id"),
        (changed(c3=1e300), "row 0 has 1e+300 as right_elbow, but the input has no peak with that id"),
        (changed(c19=8), "row 0 says parts_num 8 but holds 9 ids that are not -1"),
        (np.append(np.full((1, 18), -1.0), [[0, 0]], axis=1), "row 0 holds no peak, but a person has at least one"),
        (
            np.concatenate([HANDOUT_PERSON, [make_row({1: 1, 2: 2}, 1)]]),
            "peak 1 (neck) is in rows 0 and 1, but a peak belongs to one person",
        ),
    ],
)
def test_a_wrong_answer_is_said_in_one_sentence(answer, sentence):
    with pytest.raises(GroupingError) as error:
        check_answer(COCO_18, answer, SLOTS)
    assert str(error.value) == sentence


def test_any_id_is_a_stranger_when_nothing_was_given():
    with pytest.raises(GroupingError, match="row 0 has 0 as nose"):
        check_answer(COCO_18, HANDOUT_PERSON, np.empty(0, int))


def test_a_matrix_is_an_array_of_rows():
    with pytest.warns(PendingDeprecationWarning):
        answer = check_answer(COCO_18, np.matrix(HANDOUT_PERSON), SLOTS)
    assert type(answer) is np.ndarray


def test_a_masked_number_is_none():
    masked = np.ma.masked_array(HANDOUT_PERSON, mask=False)
    np.testing.assert_array_equal(check_answer(COCO_18, masked, SLOTS), HANDOUT_PERSON)
    masked.mask[0, 18] = True
    for dtype in (float, int):
        with pytest.raises(GroupingError, match="row 0 has nan in column 18 instead of a finite number"):
            check_answer(COCO_18, masked.astype(dtype), SLOTS)


def test_subclasses_of_arrays_are_arrays(tmp_path):
    class Odd(np.ndarray):
        dtype = property(lambda self: 1 / 0)

    stored = np.memmap(tmp_path / "rows", np.float64, mode="w+", shape=HANDOUT_PERSON.shape)
    stored[:] = HANDOUT_PERSON
    for answer in (HANDOUT_PERSON.view(Odd), stored):
        assert type(check_answer(COCO_18, answer, SLOTS)) is np.ndarray


def test_a_number_too_large_for_a_float_is_infinite():
    row = HANDOUT_PERSON.astype(np.longdouble)
    row[0, 18] = np.longdouble("1e4000")
    with pytest.raises(GroupingError, match="row 0 has inf in column 18"):
        check_answer(COCO_18, row, SLOTS)


@pytest.mark.parametrize("value", [0.0, None])
def test_an_answer_that_is_too_large_is_not_looked_at(value):
    answer = np.broadcast_to(np.array(value), (10**12, 20))
    with pytest.raises(GroupingError, match=r"must have shape \(people, 20\) but has \(1000000000000, 20\)"):
        check_answer(COCO_18, answer, SLOTS)
    assert peak_sets_of_answer(COCO_18, answer) is None


@pytest.mark.parametrize("column", [3, 18, 19])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_answer_with_a_number_that_is_none_holds_no_people(column, value):
    answer = changed(**{f"c{column}": value})
    assert peak_sets_of_answer(COCO_18, answer) is None
    failure = find_no_people(COCO_18, HANDOUT_ROWS, Reply(answer))
    assert failure.sentence == "the answer does not hold rows of people"


def test_an_id_that_is_no_whole_number_is_no_peak():
    (peaks,) = peak_sets_of_answer(COCO_18, changed(c3=3.5))
    assert peaks == {int(peak) for peak in HANDOUT_PERSON[0, :18] if peak not in (-1, 3)}


BROKEN = {
    "rows of the right length": HANDOUT_PERSON[:, :4],
    "plain, finite numbers": changed(c18=np.inf),
    "ids that exist, in their own slots": changed(c1=0, c0=1),
    "no peak in two people": np.repeat(HANDOUT_PERSON, 2, axis=0),
    "counts that are true": changed(c19=3),
    "no empty person": np.append(np.full((1, 18), -1.0), [[0, 0]], axis=1),
}


def test_each_check_finds_what_it_is_named_for():
    assert list(BROKEN) == list(ANSWER_CHECKS)
    assert {name: find_fault(COCO_18, answer, SLOTS)[0] for name, answer in BROKEN.items()} == {
        name: name for name in BROKEN
    }
