"""Test the steps that groupings record, the replay of a merge that records none, and the films made from both."""

import re
import time
from pathlib import Path

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.grouping import GROUPINGS, Grouping, load_grouping, run_grouping
from estimation.grouping.decisions import decide
from estimation.grouping.film import make_film
from estimation.grouping.trace import MAX_STEPS, Step, recording, step
from estimation.merge import merge
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.scenes import crowd_scenes
from tests.conftest import ROOT
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import BODY_25, HANDOUT_ROWS, join, make_row

NOSE, NECK, R_SHOULDER, R_ELBOW, R_EYE, R_EAR = 0, 1, 2, 3, 14, 16
LIMBS = {limb[:2]: index for index, limb in enumerate(COCO_18.limbs)}


def lab(function=merge):
    return Grouping("merge", function, Path("mine.py"))


@pytest.fixture(scope="module")
def handout():
    """Return the handout's nine rows as connections. The id of a peak is its row, in the order of the parts."""
    parts = (0, 1, 2, 3, 5, 14, 15, 16, 17)
    new_id = {old: new for new, old in enumerate((0, 1, 2, 3, 5, 6, 7, 8, 9))}
    coordinates = peaks_at(*((part, 0, 0) for part in parts))
    limbs = []
    for row in HANDOUT_ROWS:
        slots = np.flatnonzero(row[:18] >= 0).tolist()
        ends = [slots, slots[::-1]]
        ((one, other),) = [pair for pair in ends if tuple(pair) in LIMBS]
        limbs.append((LIMBS[one, other], new_id[int(row[one])], new_id[int(row[other])], row[18] - 1))
    return join(coordinates, *limbs)


@pytest.fixture(scope="module")
def two():
    """Return two necks (0, 1), each with a right shoulder (2, 3); the first person also has a right elbow (4)."""
    coordinates = peaks_at((NECK, 0, 0), (NECK, 9, 0), (R_SHOULDER, 0, 1), (R_SHOULDER, 9, 1), (R_ELBOW, 0, 2))
    return join(
        coordinates,
        (LIMBS[NECK, R_SHOULDER], 0, 2, 0.9),
        (LIMBS[NECK, R_SHOULDER], 1, 3, 0.8),
        (LIMBS[R_SHOULDER, R_ELBOW], 2, 4, 0.7),
    )


def test_a_conflict_in_a_film():
    """A limb joins the ear (5) of the person with nose 0 to the shoulder (4) of the person with nose 1."""
    coordinates = peaks_at(*((part, 0, 0) for part in (NOSE, NOSE, NECK, NECK, R_SHOULDER, R_EYE, R_EAR)))
    limbs = {(NECK, NOSE): [(2, 0, 0.9), (3, 1, 0.8)], (NECK, R_SHOULDER): [(3, 4, 0.7)]}
    limbs |= {(NOSE, R_EYE): [(0, 5, 0.6)], (R_EYE, R_EAR): [(5, 6, 0.5)], (R_SHOULDER, R_EAR): [(4, 6, 0.4)]}
    found = join(coordinates, *((LIMBS[pair], *ends) for pair, of_kind in limbs.items() for ends in of_kind))
    film = make_film(lab(), COCO_18, found)
    assert [frame.kind for frame in film.frames] == ["new", "new", "adds", "adds", "adds", "conflict", "answer"]
    assert film.frames[5].note == (
        "Conflict: people 1 and 2 together would have the nose twice (0 and 1) and the neck twice (2 and 3). "
        "Right shoulder 4 stays with person 2 and right ear 6 stays with person 1."
    )


def recorded(function):
    """Return a merge that records each row, and the people that ``function`` has found so far."""

    def merge_and_tell(subset):
        for k, row in enumerate(subset):
            step(row, function(subset[: k + 1], 0, 0), f"row {k}")
        return function(subset)

    return merge_and_tell


def test_the_nine_rows_of_the_handout(handout):
    film = make_film(lab(), COCO_18, handout)
    assert film.source == "replayed"
    assert [(frame.kind, frame.note) for frame in film.frames] == [
        ("new", "Neck 1 and right shoulder 2 start person 1."),
        ("adds", "Nose 0 joins person 1."),
        ("new", "Left eye 6 and left ear 8 start person 2."),
        ("joins", "Nose 0 and left eye 6 join people 1 and 2 into person 1."),
        ("adds", "Right eye 5 joins person 1."),
        ("adds", "Left shoulder 4 joins person 1."),
        ("adds", "Right ear 7 joins person 1."),
        ("adds", "Right elbow 3 joins person 1."),
        ("inside", "Left shoulder 4 and left ear 8 are in person 1 already."),
        ("answer", "The answer: 1 person."),
    ]
    assert film.frames[2].numbered == {1: {0, 1, 2}, 2: {6, 8}}
    assert film.frames[-1].numbered == {1: set(range(9))}
    assert len(film.rows) == 1
    assert film.problems == ()


def test_recorded_steps_are_shown_with_their_own_notes(handout):
    film = make_film(lab(recorded(merge)), COCO_18, handout)
    assert film.source == "recorded"
    assert [frame.note for frame in film.frames[:-1]] == [f"row {k}" for k in range(9)]
    assert film.frames[0].kind == "new"
    assert film.frames[-1].note == "The answer: 1 person."


def test_recorded_and_replayed_tell_the_same(handout):
    def tells(subset, min_num_body_parts=4, min_score=0.4):
        ordered = subset[np.argsort(-subset[:, 18])]
        for k in range(len(ordered)):
            step(ordered[k], merge(ordered[: k + 1], 0, 0))
        return merge(subset, min_num_body_parts, min_score)

    told, replayed = (make_film(lab(function), COCO_18, handout) for function in (tells, merge))
    assert (told.source, replayed.source) == ("recorded", "replayed")
    assert told.frames == replayed.frames


CONFLICTS = {
    "two of a part": (
        (1, 4),
        {1: {0, 2, 4}, 2: {1, 3, 5}},
        {1: {0, 2, 4}, 2: {1, 3, 5}},
        "Conflict: people 1 and 2 together would have the neck twice (0 and 1), the right shoulder twice (2 and 3) and "
        "the right elbow twice (4 and 5). Neck 1 stays with person 2 and right elbow 4 stays with person 1.",
    ),
    "a peak too many": (
        (2, 5),
        {1: {0, 2, 4}},
        {1: {0, 2, 4}},
        "Conflict: person 1 would have the right elbow twice (4 and 5). "
        "Right shoulder 2 stays with person 1 and right elbow 5 stays alone.",
    ),
    "the newer wins": (
        (2, 5),
        {1: {0, 2, 4}},
        {1: {0, 2, 5}},
        "Conflict: person 1 would have the right elbow twice (4 and 5). Right shoulder 2 stays with person 1, "
        "right elbow 5 goes to person 1 and right elbow 4 is taken from person 1.",
    ),
}


@pytest.mark.parametrize(("peaks", "before", "after", "note"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_and_what_it_decided(peaks, before, after, note):
    part = [NECK, NECK, R_SHOULDER, R_SHOULDER, R_ELBOW, R_ELBOW]
    decision = decide(COCO_18, part, peaks, before, after)
    assert (decision.kind, decision.note) == ("conflict", note)


def test_other_decisions():
    part = [NECK, R_SHOULDER, R_ELBOW]
    assert decide(COCO_18, part, (0, 1), {}, {}).note == "Neck 0 and right shoulder 1: nothing changes."
    decision = decide(COCO_18, part, (0, 1), {1: {1, 2}}, {1: {1}, 2: {0, 2}})
    assert (decision.kind, decision.note) == (
        "changes",
        "Neck 0 goes to person 2 and right elbow 2 goes to person 2.",
    )


def test_the_answer_says_who_is_left_out(two):
    film = make_film(lab(), COCO_18, two)
    assert film.frames[-1].note == "The answer: 0 people. Left out: person 1 (3 parts) and person 2 (2 parts)."
    assert [frame.numbered for frame in film.frames] == [
        {1: {0, 2}},
        {1: {0, 2}, 2: {1, 3}},
        {1: {0, 2, 4}, 2: {1, 3}},
        {},
    ]


def test_a_merge_that_fails_on_fewer_rows_has_before_and_after(handout):
    def merge_all(subset):
        if len(subset) < 9:
            raise ValueError("too few")
        return merge(subset)

    film = make_film(lab(merge_all), COCO_18, handout)
    assert film.source == "before and after"
    assert [frame.note for frame in film.frames] == ["The answer: 1 person."]
    assert len(film.problems) == 1
    assert re.fullmatch(r"it cannot be replayed on fewer rows: merge in .* failed: .*: too few", film.problems[0])


def test_pruning_is_off_where_it_can_be(two):
    def stubborn(subset):
        return merge(subset)

    kept, pruned = (make_film(lab(function), COCO_18, two) for function in (merge, stubborn))
    assert len(kept.frames[0].numbered) == 1
    assert len(pruned.frames[0].numbered) == 0


@pytest.fixture(scope="module")
def crowd():
    (scene,) = crowd_scenes(COCO_18, 6, 0.5, 1, 0, Disturbance()).scenes
    return scene.connections


@pytest.mark.parametrize("name", GROUPINGS)
def test_telling_changes_no_answer(name, crowd):
    grouping = load_grouping(name)
    film = make_film(grouping, COCO_18, crowd)
    np.testing.assert_array_equal(film.rows, run_grouping(grouping, COCO_18, crowd))
    sources = {"lab": "replayed", "optimal": "before and after"}
    assert film.source == sources.get(name, "recorded")
    assert list(film.frames[-1].numbered.values()) == [set(row[row >= 0].tolist()) for row in film.rows[:, :18]]
    if film.source != "before and after":
        assert len(film.frames) > len(film.rows)
    for frame in film.frames:
        owned = [peak for peaks in frame.numbered.values() for peak in peaks]
        assert len(owned) == len(set(owned))


def test_numbers_are_those_of_the_answer_and_of_the_other_film(crowd):
    first = make_film(load_grouping("lab"), COCO_18, crowd)
    assert list(first.frames[-1].numbered) == list(range(1, len(first.rows) + 1))
    second = make_film(load_grouping("openpose_cpu"), COCO_18, crowd, like=first)
    one, other = first.frames[-1].numbered, second.frames[-1].numbered
    alike = one.keys() & other.keys()
    assert alike
    assert all(one[number] & other[number] for number in alike)
    assert make_film(load_grouping("lab"), COCO_18, crowd, like=first).frames == first.frames


def test_done_is_called_for_each_row_that_is_replayed(handout):
    calls = []
    make_film(lab(), COCO_18, handout, calls.append)
    assert calls == [1] * 9


def test_rows_ids_and_dicts_are_understood():
    people = np.array([make_row({0: 3, 1: 7}, 2.0)])
    with recording() as trace:
        step(make_row({0: 3, 1: 7}, 2.0), people)
        step([3, 7], [{3, 7}], "mine")
        step(np.array([3.0, 7.0]), iter([{0: 3, 1: 7}, {}]))
    assert trace.steps == [Step((3, 7), ({3, 7},)), Step((3, 7), ({3, 7},), "mine"), Step((3, 7), ({3, 7},))]
    assert trace.problems == []


def test_rows_of_another_network():
    row = np.full(27, -1.0)
    row[[1, 8]], row[26] = (0, 5), 2
    with recording(BODY_25) as trace:
        step(row, [row])
    assert trace.steps == [Step((0, 5), ({0, 5},))]


def test_what_is_told_is_copied():
    person = {1, 2}
    with recording() as trace:
        step([1, 2], [person])
        person.add(3)
    assert trace.steps[0].peak_sets == ({1, 2},)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ((None, []), "the limb must be a list or another iterable but is None"),
        (([0, 1], 7), "the people must be a list or another iterable but is 7"),
        (([0, 1], [3]), "person 0 must be a list or another iterable but is 3"),
        (([0, 1], [[0], ["a"]]), "person 1 must be a row or ids of peaks but holds 'a'"),
        (([0.5, 1], []), "the limb holds 0.5, but the input has no peak with that id"),
        (([0, float("nan")], []), "the limb holds nan, but the input has no peak with that id"),
        (([0, 12], []), "the limb holds 12, but the input has no peak with that id"),
        (([0, -1], []), "the limb holds -1, but the input has no peak with that id"),
        (([0, 1], [], 5), "its note must be text but is 5"),
        (
            ([0, 1], (1 / 0 for _ in range(2))),
            "the people must be a list or another iterable but is a generator (Zero",
        ),
    ],
)
def test_a_broken_call_is_left_out_and_said(call, problem):
    with recording(peak_count=12) as trace:
        step([0, 1], [])
        step(*call)
        step([2, 3], [])
    assert [told.peaks for told in trace.steps] == [(0, 1), (2, 3)]
    assert len(trace.problems) == 1
    assert trace.problems[0].startswith(f"call 2 of step is left out: {problem}")


def test_problems_reach_the_film(handout):
    def tells_nonsense(subset):
        step(None, None)
        return merge(subset)

    film = make_film(lab(tells_nonsense), COCO_18, handout)
    assert film.source == "replayed"
    assert film.problems[0].startswith("call 1 of step is left out: the limb must be")


def test_steps_and_notes_and_problems_are_limited():
    with recording() as trace:
        step([0, 1], [], "word " * 1000)
        for _ in range(MAX_STEPS + 2):
            step([0, 1], [])
        assert trace.problems == [f"only the first {MAX_STEPS} steps are kept"]
    assert len(trace.steps) == MAX_STEPS
    assert len(trace.steps[0].note) <= 400
    with recording() as trace:
        for k in range(100):
            step([0.5 + k], [])
    assert len(trace.problems) == 5


def test_without_a_recorder_nothing_happens():
    def people():
        raise AssertionError("nobody listens")
        yield

    step([0, 1], people())
    with recording() as trace:
        pass
    step([0, 1], [])
    assert trace.steps == []
    began = time.perf_counter()
    for _ in range(10_000):
        step([0, 1], [])
    assert time.perf_counter() - began < 0.1  # 1 ms here


def test_the_example_of_the_document(handout, tmp_path):
    text = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "my_merge.py").write_text(example)
    film = make_film(load_grouping(tmp_path / "my_merge.py"), COCO_18, handout)
    assert film.source == "recorded"
    assert len(film.frames) == 10
    assert film.frames[-1].numbered == {1: set(range(9))}


def test_a_grouping_that_fails_has_a_film_up_to_there(handout):
    def fails(subset, **limits):
        return np.zeros((0, 99))[len(subset) - 4] if len(subset) > 3 else merge(subset, **limits)

    film, whole = (make_film(lab(function), COCO_18, handout) for function in (fails, merge))
    assert [frame.kind for frame in film.frames[:3]] == [frame.kind for frame in whole.frames[:3]]
    assert [frame.kind for frame in film.frames[3:]] == ["breaks", *["not tried"] * 5, "breaks"]
    assert film.frames[3].numbered == film.frames[2].numbered != {}
    assert "failed: line" in film.breach.sentence
    assert film.frames[3].note.startswith("With the best 4 rows: merge failed: IndexError: index 0 ")
    assert film.frames[4].note == "Not tried, because the best 4 rows failed already."
    assert (film.breach.frame, len(film.breach.answer), len(film.rows)) == (3, 0, 0)


def test_a_grouping_that_tells_its_steps_and_fails(handout):
    def tells(subset):
        step(subset[0], subset[:1])
        raise ValueError("no idea")

    film = make_film(lab(tells), COCO_18, handout)
    assert (film.source, film.breach.frame) == ("recorded", 1)
    assert [frame.kind for frame in film.frames] == ["new", "breaks"]
    assert film.frames[1].numbered == {}


@pytest.mark.parametrize(
    ("change", "sentence", "broken"),
    [
        (lambda rows: rows[[0, 0]], "peak 0 (nose) is in rows 0 and 1", {1, 2}),
        (lambda rows: np.vstack([rows, np.r_[[-1.0] * 18, 0, 0]]), "row 1 holds no peak", {2}),
        (lambda rows: np.where(np.arange(20) == 19, 3, rows), "row 0 says parts_num 3 but holds 9", {1}),
        (lambda rows: np.where(np.arange(20) == 0, 77, rows), "row 0 has 77 as nose, but the input has no peak", {1}),
        (lambda rows: np.where(np.arange(20) == 18, np.nan, rows), "row 0 has nan in column 18", {1}),
        (lambda rows: None, "the answer must be an array of shape (people, 20) but is None", set()),
        (lambda rows: rows[:, :19], "the answer must have shape (people, 20) but has (1, 19)", set()),
    ],
)
def test_the_rows_that_break_the_contract(handout, change, sentence, broken):
    def breaks(subset):
        return change(merge(subset)) if len(subset) == 9 else merge(subset, 0, 0)

    film = make_film(lab(breaks), COCO_18, handout)
    assert f"broke the contract: {sentence}" in film.breach.sentence
    assert film.breach.frame == 8
    assert film.frames[8].broken == film.frames[9].broken == broken
    assert len(film.breach.answer) == (len(film.frames[8].numbered) if broken else 0)


def test_only_the_first_rows_of_a_broken_answer_are_shown(handout):
    film = make_film(lab(lambda subset: np.repeat(merge(subset, 0, 0)[:1], 1000, axis=0)), COCO_18, handout)
    assert (len(film.breach.answer), film.breach.left_out, len(film.frames[0].numbered)) == (200, 800, 200)
    assert film.breach.broken == tuple(range(200))
