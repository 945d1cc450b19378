import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.connections import get_connections
from estimation.subset import MISSING, GroupingError, check_people, ids_of, limb_rows
from tests.estimation.test_connections import peaks_at, uniform_paf
from tests.scenes import HANDOUT_PERSON, HANDOUT_ROWS, make_row, make_rows


def test_one_row_per_connection_in_the_lab_s_layout():
    coordinates = peaks_at((1, 2, 3), (1, 2, 8), (2, 7, 3), (2, 7, 8))
    rows = limb_rows(COCO_18, get_connections(COCO_18, coordinates, uniform_paf((0.75, 0))))
    expected = make_rows(({1: 0, 2: 2}, 0.5 + 0.5 + 0.75), ({1: 1, 2: 3}, 0.5 + 0.5 + 0.75))
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    assert rows.dtype == np.float64


def test_no_connections_no_rows():
    rows = limb_rows(COCO_18, get_connections(COCO_18, peaks_at(), uniform_paf((1, 0))))
    assert rows.shape == (0, 20)


def test_a_right_answer_passes_as_it_is():
    answer = check_people(COCO_18, HANDOUT_PERSON, HANDOUT_ROWS)
    np.testing.assert_array_equal(answer, HANDOUT_PERSON)
    assert len(check_people(COCO_18, np.empty((0, 20)), HANDOUT_ROWS)) == 0


def changed(**columns):
    row = HANDOUT_PERSON.copy()
    for column, value in columns.items():
        row[0, int(column[1:])] = value
    return row


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "the answer must be an array of shape (people, 20) but is None"),
        ([[1, 2]], "the answer must be an array of shape (people, 20) but is a list"),
        (np.zeros((2, 19)), "the answer must have shape (people, 20) but has (2, 19)"),
        (np.zeros(20), "the answer must have shape (people, 20) but has (20,)"),
        (np.full((1, 20), "x"), "the answer must hold plain numbers but its dtype is <U1"),
        (np.full((1, 20), None), "the answer must hold plain numbers but its dtype is object"),
        (changed(c18=np.nan), "row 0 has nan in column 18, where a number must be"),
        (changed(c3=77), "row 0 has id 77 as right_elbow, but no limb that was given has that id there"),
        (changed(c3=0), "row 0 has id 0 as right_elbow, but no limb that was given has that id there"),
        (changed(c3=3.5), "row 0 has id 3.5 as right_elbow, but no limb that was given has that id there"),
        (changed(c3=-2), "row 0 has id -2 as right_elbow, but no limb that was given has that id there"),
        (changed(c3=1e300), "row 0 has id 1e+300 as right_elbow, but no limb that was given has that id there"),
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
        check_people(COCO_18, answer, HANDOUT_ROWS)
    assert str(error.value) == sentence


def test_any_id_is_a_stranger_when_nothing_was_given():
    with pytest.raises(GroupingError, match="row 0 has id 0 as nose"):
        check_people(COCO_18, HANDOUT_PERSON, np.empty((0, 20)))


def test_ids_are_the_first_columns():
    assert ids_of(HANDOUT_ROWS).shape == (9, 18)
    assert (ids_of(HANDOUT_ROWS)[0] != MISSING).sum() == 2
