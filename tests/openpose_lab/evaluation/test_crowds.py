import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from openpose_lab.evaluation.crowds import Disturbance, made_up_poses, read_skeletons, simulate
from openpose_lab.evaluation.measures import NOBODY
from tests.support.scenes import BODY_25, FIGURE, MPI_15

IDEAL = Disturbance(noise=0, missing=0, doubled=0, crossing=0)
R_WRIST, L_WRIST = 4, 7


def overlap_of(one, other):
    """The area that the boxes of two people share, as a share of the smaller box, by plain formulas."""
    assert np.ptp(one, axis=0).min() > 1  # otherwise the box would be widened to one cell
    (left1, top1), (right1, bottom1) = one.min(axis=0), one.max(axis=0)
    (left2, top2), (right2, bottom2) = other.min(axis=0), other.max(axis=0)
    width, height = min(right1, right2) - max(left1, left2), min(bottom1, bottom2) - max(top1, top2)
    shared = max(width, 0) * max(height, 0)
    return shared / min((right1 - left1) * (bottom1 - top1), (right2 - left2) * (bottom2 - top2))


@pytest.mark.parametrize("overlap", [0.1, 0.3, 0.5])
def test_people_overlap_with_a_neighbour_as_asked_for(overlap):
    """A few people are exceptions: their shape does not allow the overlap, or no tried place is free enough."""
    largest = []
    for seed in range(20):
        keypoints = simulate(COCO_18, np.random.default_rng(seed), 10, overlap, IDEAL).keypoints
        largest += [max(overlap_of(keypoints[k], other) for other in keypoints[:k]) for k in range(1, 10)]
    off = np.abs(np.array(largest) - overlap) > 1e-6
    assert off.mean() < 0.05


def test_nobody_overlaps_where_boxes_only_touch(rng):
    keypoints = simulate(COCO_18, rng, 30, 0, IDEAL).keypoints
    shares = [overlap_of(one, other) for k, one in enumerate(keypoints) for other in keypoints[:k]]
    assert max(shares) < 1e-6


def test_a_seed_gives_the_same_crowd_again():
    one, other = (simulate(COCO_18, np.random.default_rng(7), 6, 0.3, Disturbance()) for _ in range(2))
    np.testing.assert_array_equal(one.keypoints, other.keypoints)
    np.testing.assert_array_equal(one.connections.candidates.score, other.connections.candidates.score)
    np.testing.assert_array_equal(one.owner, other.owner)
    another = simulate(COCO_18, np.random.default_rng(8), 6, 0.3, Disturbance())
    assert not np.array_equal(one.keypoints, another.keypoints)


@pytest.mark.parametrize("config", [COCO_18, BODY_25, MPI_15], ids=lambda config: config.name)
def test_one_person_undisturbed_is_seen_whole(config):
    seen = 0
    for seed in range(10):
        crowd = simulate(config, np.random.default_rng(seed), 1, 0, IDEAL)
        coordinates = crowd.connections.coordinates
        owned = crowd.owner != NOBODY
        seen += owned.sum()
        strays = np.linalg.norm(crowd.keypoints[0, coordinates.part[owned]] - coordinates.xy[owned], axis=1)
        assert strays.max() < 1.7  # more than three standard deviations of the jitter, along both axes
        assert len(set(coordinates.part[owned].tolist())) == owned.sum()
    assert seen >= 9.9 * len(config.body_parts)


def test_missing_and_doubled_peaks_come_as_often_as_asked_for():
    def counts(**disturbance):
        disturbance = Disturbance(**{"noise": 0, "missing": 0, "doubled": 0, "crossing": 0} | disturbance)
        crowds = [simulate(COCO_18, np.random.default_rng(seed), 1, 0, disturbance) for seed in range(60)]
        owners = np.concatenate([crowd.owner for crowd in crowds])
        return (owners != NOBODY).sum() / (60 * 18), (owners == NOBODY).sum() / (60 * 18)

    assert counts() == (pytest.approx(1, abs=0.01), pytest.approx(0, abs=0.01))
    assert counts(missing=0.3) == (pytest.approx(0.7, abs=0.05), pytest.approx(0, abs=0.01))
    owned, strange = counts(doubled=0.3)
    assert owned == pytest.approx(1, abs=0.01)
    assert strange == pytest.approx(0.3, abs=0.1)  # a double may merge with its peak, or lie outside the map
    assert counts(missing=1) == (0, 0)


def test_noise_changes_limbs_but_makes_no_peaks():
    def crowd(noise):
        return simulate(COCO_18, np.random.default_rng(1), 3, 0, Disturbance(noise, missing=0, doubled=0, crossing=0))

    quiet, loud = crowd(0), crowd(0.2)
    assert abs(len(quiet.owner) - len(loud.owner)) <= 3
    assert len(loud.connections.candidates) > len(quiet.connections.candidates)
    assert np.median(loud.connections.candidates.score) < np.median(quiet.connections.candidates.score)


def test_hands_that_cross_are_exchanged():
    plain = simulate(COCO_18, np.random.default_rng(2), 8, 0.3, IDEAL)
    crossed = simulate(COCO_18, np.random.default_rng(2), 8, 0.3, Disturbance(0, 0, 0, crossing=1))
    moved = (plain.keypoints != crossed.keypoints).any(axis=2)
    assert moved.any()
    assert set(np.nonzero(moved)[1].tolist()) <= {R_WRIST, L_WRIST}
    assert moved.sum() % 2 == 0
    for wrist in (R_WRIST, L_WRIST):
        assert sorted(plain.keypoints[:, wrist].tolist()) == sorted(crossed.keypoints[:, wrist].tolist())


def test_made_up_people_keep_their_bones(rng):
    """From the front, a bone has its length in the standing person. From the side, it is not longer."""
    bones = [limb for limb in COCO_18.limbs if not limb.redundant]
    starts, ends = [limb.from_part for limb in bones], [limb.to_part for limb in bones]
    poses = made_up_poses(COCO_18, rng, 2000)
    lengths = np.linalg.norm(poses[:, starts] - poses[:, ends], axis=2).max(axis=0)
    np.testing.assert_allclose(lengths, np.linalg.norm(FIGURE[starts] - FIGURE[ends], axis=1), rtol=0.01)


def write_skeletons(path, keypoints):
    np.savez(path, keypoints=keypoints)
    return path


def test_real_skeletons(tmp_path, rng):
    keypoints = rng.uniform(0, 1, (3, 17, 3))
    keypoints[:, :, 2] = 2
    keypoints[1, 5:, 2] = 0  # too few labelled keypoints
    keypoints[2, 0, 2] = 0
    skeletons = read_skeletons(write_skeletons(tmp_path / "people.npz", keypoints), COCO_18)
    assert skeletons.shape == (2, 18, 2)
    assert np.isnan(skeletons).any(axis=2).tolist() == [[False] * 18, [True] + [False] * 17]
    np.testing.assert_allclose(np.nanmin(skeletons, axis=1), 0)
    np.testing.assert_allclose(np.nanmax(skeletons, axis=(1, 2)), 1)
    crowd = simulate(COCO_18, rng, 5, 0.2, Disturbance(), skeletons)
    assert crowd.keypoints.shape == (5, 18, 2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no skeletons file .*; check the path"),
        (b"PK nonsense", "are no .npz archive with an array 'keypoints'"),
        ({"points": np.zeros((1, 17, 3))}, "are no .npz archive with an array 'keypoints'"),
        ({"keypoints": np.array([{}], dtype=object)}, "are no .npz archive with an array 'keypoints'"),
        ({"keypoints": np.zeros((1, 18, 3))}, r"must have keypoints \(n, 17, 3\) but have \(1, 18, 3\)"),
        ({"keypoints": np.full((1, 17, 3), np.nan)}, "must have keypoints"),
        ({"keypoints": np.full((1, 17, 3), 1e308)}, "must have x and y from 0 to 1 across the photo"),
        ({"keypoints": np.full((1, 17, 3), 640)}, "must have x and y from 0 to 1 across the photo"),
        ({"keypoints": np.full((1, 17, 3), 1j)}, "are no .npz archive with an array 'keypoints'"),
        ({"keypoints": np.zeros((1, 17, 3))}, "lack a person with 12 or more labelled keypoints"),
    ],
)
def test_skeletons_that_cannot_be_used(tmp_path, content, sentence):
    path = tmp_path / "people.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.savez(path, **content)
    with pytest.raises(OpenPoseLabError, match=sentence):
        read_skeletons(path, COCO_18)
