"""Test each of the project's groupings: the contract on random limbs, and scenes with exact answers."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from estimation.config import COCO_18
from estimation.connections import get_connections
from estimation.coordinates import Coordinates, get_coordinates
from estimation.grouping import GROUPINGS, divide, load_grouping, run_grouping
from estimation.grouping.hungarian import match_limbs
from estimation.grouping.optimal import solve
from estimation.pipeline import group_maps
from estimation.subset import SCORE, ids_of, peak_sets
from estimation.synthesis import synthesize
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import BODY_25, MPI_15, crowd, figure, join

LOADED = {name: load_grouping(name) for name in GROUPINGS}
BY_CANDIDATES = [name for name in GROUPINGS if name != "lab"]
EVERY = pytest.mark.parametrize("name", GROUPINGS)
NOSE, NECK, R_SHOULDER, R_ELBOW, R_WRIST, R_EYE, R_EAR = 0, 1, 2, 3, 4, 14, 16
LIMBS = {limb[:2]: index for index, limb in enumerate(COCO_18.limbs)}


def found_by(name, connections, config=COCO_18):
    """Return the set of peaks of each person."""
    return peak_sets(ids_of(run_grouping(LOADED[name], config, connections)))


@st.composite
def random_limbs(draw):
    """Draw a few peaks of every part, and random limbs between them."""
    per_part = draw(st.integers(1, 3))
    count = 18 * per_part
    scores = np.array(draw(st.lists(st.integers(6, 100), min_size=count, max_size=count)), np.float32) / 100
    coordinates = Coordinates(
        np.zeros((count, 2), np.float32), scores, np.repeat(np.arange(18), per_part), COCO_18.body_parts
    )
    limbs = draw(
        st.lists(
            st.tuples(
                st.integers(0, 18), st.integers(0, per_part - 1), st.integers(0, per_part - 1), st.integers(1, 100)
            ),
            max_size=60,
            unique_by=lambda limb: limb[:3],
        )
    )
    ends = [
        (limb, COCO_18.limbs[limb][0] * per_part + i, COCO_18.limbs[limb][1] * per_part + j, score / 100)
        for limb, i, j, score in limbs
    ]
    return join(coordinates, *ends)


@EVERY
@settings(max_examples=40)
@given(connections=random_limbs())
def test_the_contract_holds_on_any_limbs(name, connections):
    subset = run_grouping(LOADED[name], COCO_18, connections)  # run_grouping checks the contract
    again = run_grouping(LOADED[name], COCO_18, connections)
    np.testing.assert_array_equal(subset, again)
    assert (np.diff(subset[:, SCORE]) <= 0).all()  # best first
    joined = {frozenset(pair) for pair in connections.candidates.peaks.tolist()}
    for person in found_by(name, connections):
        reached, left = set(), [next(iter(person))]
        while left:  # limbs connect all peaks of a person
            reached.add(peak := left.pop())
            left += [other for other in person - reached if frozenset((peak, other)) in joined]
        assert reached == person


@EVERY
def test_nothing_gives_nobody(name):
    assert run_grouping(LOADED[name], COCO_18, join(peaks_at())).shape == (0, 20)


@EVERY
@pytest.mark.parametrize("config", [COCO_18, BODY_25, MPI_15], ids=lambda config: config.name)
def test_people_who_stand_apart_come_back_whole(name, config):
    keypoints = figure(config) * 30 + np.array([[[10, 4]], [[30, 4]], [[50, 4]]])
    found = group_maps(synthesize(config, keypoints, (42, 62)), config, LOADED[name]).skeletons
    assert found.present.sum(axis=1).tolist() == [len(config.body_parts)] * 3


@pytest.fixture(scope="module")
def hundred():
    keypoints, shape = crowd(100, 14, 20)
    maps = synthesize(COCO_18, keypoints, shape)
    return get_connections(COCO_18, get_coordinates(COCO_18, maps.heatmaps), maps.pafs)


@EVERY
def test_a_hundred_people(name, hundred):
    assert [len(person) for person in found_by(name, hundred)] == [18] * 100


@pytest.mark.parametrize("name", BY_CANDIDATES)
def test_a_person_s_score_is_all_that_is_known_of_them(name):
    """The score is the sum of three peaks of 0.5 and the PAF scores of both limbs."""
    coordinates = peaks_at((NECK, 2, 3), (R_SHOULDER, 7, 3), (R_ELBOW, 7, 8))
    limbs = [(LIMBS[NECK, R_SHOULDER], 0, 1, 0.75), (LIMBS[R_SHOULDER, R_ELBOW], 1, 2, 0.25)]
    subset = run_grouping(LOADED[name], COCO_18, join(coordinates, *limbs))
    assert subset[:, 18:].tolist() == [[2.5, 3]]


@pytest.mark.parametrize("name", BY_CANDIDATES)
def test_a_missed_neck_does_not_lose_an_arm(name):
    coordinates = peaks_at((R_SHOULDER, 2, 3), (R_ELBOW, 7, 3), (R_WRIST, 7, 8))
    limbs = [(LIMBS[R_SHOULDER, R_ELBOW], 0, 1, 0.5), (LIMBS[R_ELBOW, R_WRIST], 1, 2, 0.5)]
    assert found_by(name, join(coordinates, *limbs)) == [{0, 1, 2}]


@pytest.mark.parametrize("name", BY_CANDIDATES)
def test_ear_and_shoulder_start_nobody(name):
    coordinates = peaks_at((R_SHOULDER, 2, 3), (R_EAR, 7, 3))
    assert found_by(name, join(coordinates, (LIMBS[R_SHOULDER, R_EAR], 0, 1, 0.9))) == []


@pytest.mark.parametrize("strength", [0.1, 0.4, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(6))
def test_who_joins_halves(strength, seed):
    """The neck of a person is missing, so only the limb of ear and shoulder joins head and arm.

    This holds for any strength of the limb, and for any peak with the highest score.
    """
    coordinates = peaks_at(
        (NOSE, 5, 1), (R_SHOULDER, 2, 3), (R_ELBOW, 2, 6), (R_WRIST, 2, 9), (R_EYE, 4, 1), (R_EAR, 3, 1)
    )
    ids = {part: coordinates.part.tolist().index(part) for part in (NOSE, R_SHOULDER, R_ELBOW, R_WRIST, R_EYE, R_EAR)}
    coordinates.score[seed] = 0.95
    joints = [(NOSE, R_EYE), (R_EYE, R_EAR), (R_SHOULDER, R_ELBOW), (R_ELBOW, R_WRIST)]
    limbs = [(LIMBS[a, b], ids[a], ids[b], 0.5) for a, b in joints]
    limbs.append((LIMBS[R_SHOULDER, R_EAR], ids[R_SHOULDER], ids[R_EAR], strength))
    for name in GROUPINGS:
        whole = found_by(name, join(coordinates, *limbs)) == [{0, 1, 2, 3, 4, 5}]
        assert whole == (name != "openpose_cpu")  # the published algorithm never joins two people


def test_where_greedy_and_hungarian_part():
    """Peaks 0 and 1 are necks, 2 and 3 shoulders. The best limb leaves neck 1 alone, the best sum does not."""
    coordinates = peaks_at((NECK, 2, 3), (NECK, 2, 8), (R_SHOULDER, 7, 3), (R_SHOULDER, 7, 8))
    limb = LIMBS[NECK, R_SHOULDER]
    found = join(coordinates, (limb, 0, 2, 0.9), (limb, 0, 3, 0.8), (limb, 1, 2, 0.7)).candidates
    assert found.peaks[match_limbs(found, 19)].tolist() == [[0, 3], [1, 2]]


@settings(max_examples=40)
@given(connections=random_limbs())
def test_match_limbs_gives_the_largest_sum(connections):
    """Compare with the assignment in a square matrix of all peaks, where pairs that are not candidates score 0."""
    found = connections.candidates
    chosen = match_limbs(found, 19)
    total = 0.0
    for limb in range(19):
        scores = np.zeros((54, 54))
        of_limb = found.limb == limb
        scores[tuple(found.peaks[of_limb].T)] = found.score[of_limb]
        total += scores[linear_sum_assignment(scores, maximize=True)].sum()
    assert found.score[chosen].sum() == pytest.approx(total)
    for column in (0, 1):
        ends = np.stack([found.limb[chosen], found.peaks[chosen, column]], axis=1)
        assert len(np.unique(ends, axis=0)) == len(chosen)


@pytest.mark.parametrize("name", BY_CANDIDATES)
def test_ear_and_shoulder_steal_no_peak(name):
    """Each of two people has an ear. A limb from one person's shoulder to the other's ear must change nothing."""
    parts = (NOSE, NECK, R_SHOULDER, R_ELBOW, R_EYE, R_EAR)
    coordinates = peaks_at(*[(part, 1 + x, 1) for part in parts for x in (0, 9)])
    peak = {(part, x): 2 * place + x for place, part in enumerate(parts) for x in (0, 1)}
    joints = [(NOSE, R_EYE), (R_EYE, R_EAR), (NECK, NOSE), (NECK, R_SHOULDER), (R_SHOULDER, R_ELBOW)]
    limbs = [(LIMBS[a, b], peak[a, x], peak[b, x], 0.5) for x in (0, 1) for a, b in joints]
    limbs.append((LIMBS[R_SHOULDER, R_EAR], peak[R_SHOULDER, 0], peak[R_EAR, 1], 0.4))
    found = found_by(name, join(coordinates, *limbs))
    assert sorted(map(sorted, found)) == [list(range(x, 12, 2)) for x in (0, 1)]


def total_between(sets, candidates):
    """Return the sum of the PAF scores between peaks of the same person."""
    owner = {peak: number for number, peaks in enumerate(sets) for peak in peaks}
    ends = [(owner.get(a, -1), owner.get(b, -2)) for a, b in candidates.peaks.tolist()]
    return sum(score for (a, b), score in zip(ends, candidates.score.tolist()) if a == b)


def divisions(peaks, part):
    """Yield every division of the peaks among people in which no person has two peaks of a part."""
    if not peaks:
        yield []
        return
    first, *rest = peaks
    for sets in divisions(rest, part):
        yield [*sets, {first}]
        for number, peaks_of_one in enumerate(sets):
            if part[first] not in {part[peak] for peak in peaks_of_one}:
                yield [*sets[:number], peaks_of_one | {first}, *sets[number + 1 :]]


ON_A_TREE = (NECK, NECK, R_SHOULDER, R_SHOULDER, R_ELBOW, 5, R_EAR)
ON_A_CYCLE = (NOSE, NECK, NECK, R_SHOULDER, R_SHOULDER, R_EYE, R_EAR)


@cache
def limbs_and_divisions(parts):
    """Return every limb between peaks of these parts, and which limbs lie within a person in each division."""
    limbs = [
        (limb, a, b)
        for limb, (start, end, *_) in enumerate(COCO_18.limbs)
        for a in range(len(parts))
        for b in range(len(parts))
        if (parts[a], parts[b]) == (start, end)
    ]
    within = [
        [any({a, b} <= person for person in sets) for _, a, b in limbs]
        for sets in divisions(list(range(len(parts))), parts)
    ]
    return limbs, np.array(within)


@pytest.mark.parametrize("parts", [ON_A_TREE, ON_A_CYCLE], ids=["tree", "cycle"])
@settings(max_examples=50)
@given(data=st.data())
def test_optimal_equals_brute_force(data, parts):
    """The seven peaks are connected, and have at most 877 divisions."""
    coordinates = peaks_at(*[(part, 1 + k, 1) for k, part in enumerate(sorted(parts))])
    limbs, within = limbs_and_divisions(tuple(coordinates.part.tolist()))
    scores = data.draw(st.lists(st.integers(0, 100), min_size=len(limbs), max_size=len(limbs)))
    connections = join(coordinates, *[(*limb, score / 100) for limb, score in zip(limbs, scores) if score])
    best = (within @ np.array(scores)).max() / 100
    found = solve(connections.candidates, coordinates)
    sets = [set(person.values()) for person in found.people]
    assert total_between(sets, connections.candidates) == pytest.approx(found.objective)
    assert found.objective == pytest.approx(best)
    assert found.bound == pytest.approx(best)


@EVERY
@settings(max_examples=30)
@given(connections=random_limbs())
def test_no_other_beats_optimal_in_its_own_objective(name, connections):
    unpruned = replace(COCO_18, min_parts=0, min_mean_score=0, min_num_body_parts=2, min_score=0)
    found = found_by(name, connections, unpruned)  # pruning would lower the other grouping's sum
    best = solve(connections.candidates, connections.coordinates)
    assert total_between(found, connections.candidates) <= best.objective + 1e-6
    assert best.objective <= best.bound + 1e-6


def test_optimal_tells_its_objective_and_bound():
    coordinates = peaks_at((NECK, 2, 3), (NECK, 2, 8), (R_SHOULDER, 7, 3))
    limb = LIMBS[NECK, R_SHOULDER]
    connections = join(coordinates, (limb, 0, 2, 0.75), (limb, 1, 2, 0.5))
    solved, out_of_time = (
        divide(LOADED["optimal"], replace(COCO_18, time_limit=limit), connections) for limit in (4.5, 0)
    )
    assert (solved.objective, solved.bound) == (0.75, 0.75)
    assert (out_of_time.objective, out_of_time.bound) == (0.75, 1.25)
    assert divide(LOADED["hungarian"], COCO_18, connections).bound is None


def test_ear_and_shoulder_wait_no_longer_than_need_be():
    """The shoulder joins the ear with 0.9 as soon as it has its elbow. So it does not join the other ear with 0.4."""
    coordinates = peaks_at(
        (R_SHOULDER, 2, 3), (R_ELBOW, 2, 6), (R_EYE, 4, 1), (R_EYE, 8, 1), (R_EAR, 3, 1), (R_EAR, 9, 1)
    )
    shoulder, elbow, left_eye, right_eye, left_ear, right_ear = range(6)
    beside = LIMBS[R_SHOULDER, R_EAR]
    limbs = [
        (beside, shoulder, left_ear, 0.9),
        (LIMBS[R_SHOULDER, R_ELBOW], shoulder, elbow, 0.5),
        (beside, shoulder, right_ear, 0.4),
        (LIMBS[R_EYE, R_EAR], left_eye, left_ear, 0.3),
        (LIMBS[R_EYE, R_EAR], right_eye, right_ear, 0.3),
    ]
    assert found_by("openpose_cuda", join(coordinates, *limbs)) == [{shoulder, elbow, left_eye, left_ear}]


def test_out_of_time_there_is_an_answer_and_a_bound():
    """Two necks compete for one shoulder. Without time, the better limb wins, and the bound ignores all constraints."""
    coordinates = peaks_at((NECK, 2, 3), (NECK, 2, 8), (R_SHOULDER, 7, 3))
    limb = LIMBS[NECK, R_SHOULDER]
    found = join(coordinates, (limb, 0, 2, 0.75), (limb, 1, 2, 0.5)).candidates
    assert solve(found, coordinates, time_limit=0) == ([{NECK: 0, R_SHOULDER: 2}], 0.75, 1.25)
    assert solve(found, coordinates) == ([{NECK: 0, R_SHOULDER: 2}], 0.75, 0.75)
