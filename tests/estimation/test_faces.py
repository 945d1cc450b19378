import json

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18, Config
from estimation.faces import blur_faces, face_discs
from estimation.photos import read_photo
from estimation.skeletons import Skeletons
from openpose_lab.formats.coco import from_coco
from tests.conftest import ROOT
from tests.estimation.test_renderers import HAND, only, skeletons_at, standing
from tests.support.scenes import BODY_25, MPI_15

FRONT = {
    "nose": (0.0, 0.0),
    "right_eye": (-0.22, -0.25),
    "left_eye": (0.22, -0.25),
    "right_ear": (-0.5, -0.15),
    "left_ear": (0.5, -0.15),
    "neck": (0.0, 1.15),
    "right_shoulder": (-1.0, 1.15),
    "left_shoulder": (1.0, 1.15),
    "right_hip": (-0.6, 4.3),
    "left_hip": (0.6, 4.3),
}
"""A person seen from the front, in face lengths; x to the right and y down, from the nose."""
PROFILE = {
    "nose": (0.0, 0.0),
    "left_eye": (-0.2, -0.23),
    "left_ear": (-0.75, -0.1),
    "neck": (-0.7, 1.2),
    "left_shoulder": (-0.7, 1.2),
}
"""The same from the side."""
FACE = np.array([(0.0, -0.6), (-0.4, -0.3), (0.4, -0.3), (-0.35, 0.2), (0.35, 0.2), (0.0, 0.45)])
"""Forehead, temples, cheeks and chin, from the front."""
FACE_FROM_THE_SIDE = np.array([(-0.25, -0.6), (0.03, 0.03), (-0.05, 0.25), (-0.15, 0.45), (-0.5, 0.2), (-0.5, -0.2)])
"""Forehead, tip of the nose, lips, chin, cheek and temple."""
TURNS = [0, 37, 90, 180, -120]


def person(config=COCO_18, **places):
    """Return the keypoints of a person with these parts."""
    keypoints = np.full((len(config.body_parts), 2), np.nan)
    for part, place in places.items():
        keypoints[config.body_parts.index(part)] = place
    return keypoints


def turned(places, degrees, size=40.0, middle=(150.0, 150.0)):
    """Turn points (..., 2), and move them to pixels."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.asarray(places) @ np.array([[cosine, sine], [-sine, cosine]]) * size + middle


def discs_of(*people, config=COCO_18):
    return face_discs(config, skeletons_at(*people))


def noise(rng, *shape):
    return rng.integers(0, 256, shape).astype(np.uint8)


def inside(disc, shape):
    """Return the pixels of a disc, (h, w) bool."""
    rows, columns = np.indices(shape[:2])
    return (columns - disc[0]) ** 2 + (rows - disc[1]) ** 2 <= disc[2] ** 2


def without(places, *parts):
    return {part: place for part, place in places.items() if part not in parts}


def covers(disc, points):
    return bool((np.hypot(*(points - disc[:2]).T) <= disc[2]).all())


def test_the_disc_of_a_face_from_the_front():
    """Eyes 9 pixels apart give a face of 20 pixels. The centre is halfway to the nose, and the radius 0.85 times 20."""
    face = person(right_eye=(35.5, 30), left_eye=(44.5, 30), nose=(40, 32))
    np.testing.assert_allclose(discs_of(face), [[40, 31, 17]])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"nose": (40, 25)}, (40, 25, 26)),
        ({"left_eye": (40, 25)}, (40, 25, 26)),
        ({"right_eye": (38, 25), "left_eye": (42, 25)}, (40, 25, 26)),
        ({"right_ear": (33, 25), "left_ear": (47, 25)}, (40, 25, 26)),
        ({"left_ear": (47, 25)}, (47, 25, 26)),
        ({}, (40, 27, 26)),
        ({"right_hip": (80, 40), "left_hip": (80, 60)}, (17, 50, 26)),
        ({"left_hip": (40, 10)}, (40, 73, 26)),
    ],
    ids=["nose", "an eye", "eyes", "ears", "an ear", "no part of a head", "no head, lying", "no head, upside down"],
)
def test_the_disc_of_a_face_of_which_less_is_found(parts, expected):
    """Shoulders 40 pixels apart give a face of 20 pixels."""
    body = {"neck": (40, 50), "right_shoulder": (20, 50), "left_shoulder": (60, 50)}
    np.testing.assert_allclose(discs_of(person(**body, **parts)), [expected])


def test_a_neck_that_was_not_found_lies_between_the_shoulders():
    both = person(right_shoulder=(20, 50), left_shoulder=(60, 50))
    np.testing.assert_allclose(discs_of(both), [[40, 27, 26]])


def test_the_middle_of_the_hips_tells_where_the_head_is():
    lying = person(BODY_25, neck=(40, 50), mid_hip=(80, 50), right_shoulder=(40, 30), left_shoulder=(40, 70))
    np.testing.assert_allclose(discs_of(lying, config=BODY_25), [[17, 50, 26]])


def test_one_shoulder_tells_where_the_head_is():
    np.testing.assert_allclose(discs_of(person(neck=(40, 50), left_shoulder=(60, 50))), [[40, 27, 26]])


@pytest.mark.parametrize(
    "parts",
    [(), ("neck",), ("left_shoulder",), ("left_hip", "right_hip", "left_knee"), ("left_wrist", "right_ankle")],
    ids=", ".join,
)
def test_people_without_head_and_shoulders_have_no_disc(rng, parts):
    body = person(**{part: (10.0 * index, 20.0) for index, part in enumerate(parts)})
    assert np.isnan(discs_of(body)).all()
    photo = noise(rng, 40, 50, 3)
    np.testing.assert_array_equal(blur_faces(COCO_18, photo, skeletons_at(body)), photo)


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("config", [COCO_18, BODY_25], ids=lambda config: config.name)
def test_the_disc_covers_a_face_from_forehead_to_chin(config, degrees):
    face = turned(FACE, degrees)
    for hidden in [(), ("left_ear",), ("right_eye",), ("nose",), ("right_shoulder", "right_hip", "left_hip")]:
        found = {part: turned(place, degrees) for part, place in without(FRONT, *hidden).items()}
        assert covers(discs_of(person(config, **found), config=config)[0], face), hidden


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_disc_covers_a_face_from_the_side(degrees, mirrored):
    flip = np.array([-1, 1] if mirrored else [1, 1])
    for hidden in [(), ("left_eye",), ("nose",), ("neck", "left_shoulder")]:
        found = {
            part.replace("left", "right" if mirrored else "left"): turned(place * flip, degrees)
            for part, place in without(PROFILE, *hidden).items()
        }
        assert covers(discs_of(person(**found))[0], turned(FACE_FROM_THE_SIDE * flip, degrees)), hidden


@pytest.mark.parametrize("degrees", TURNS)
def test_the_disc_covers_a_face_of_which_nothing_is_found(degrees):
    body = {part: turned(FRONT[part], degrees) for part in FRONT if part.endswith(("neck", "shoulder", "hip"))}
    assert covers(discs_of(person(**body))[0], turned(FACE, degrees))


@pytest.mark.parametrize("hidden", [(), ("neck",)], ids=["neck", "no neck"])
def test_the_disc_lies_between_crown_and_neck_in_a_layout_without_faces(hidden):
    places = without({"head": (0.0, -0.85), "neck": (0.0, 0.5), **without(FRONT, "neck")}, *hidden)
    found = {part: turned(place, 0) for part, place in places.items() if part in MPI_15.body_parts}
    assert covers(discs_of(person(MPI_15, **found), config=MPI_15)[0], turned(FACE, 0))


def test_a_crown_without_a_neck_has_a_disc():
    """With shoulders, the disc is between crown and shoulders. Without, it is at the crown, sized by body height."""
    crown = person(MPI_15, head=(40, 0), right_shoulder=(20, 50), left_shoulder=(60, 50))
    np.testing.assert_allclose(discs_of(crown, config=MPI_15), [[40, 25, 1.3 * np.hypot(0, 50) / 1.4]])
    figure = standing(200, 100, 20, MPI_15)
    crown_and_legs = only(figure, 0, *range(8, 14))
    np.testing.assert_allclose(discs_of(crown_and_legs, config=MPI_15)[0, :2], figure[0])
    assert 20 < discs_of(crown_and_legs, config=MPI_15)[0, 2] < 40


def test_a_layout_without_people_has_no_faces(rng):
    photo = noise(rng, 60, 60, 3)
    for config in (HAND, Config(HAND.layout)):
        hands = skeletons_at(standing(20, 30, 20, config))
        np.testing.assert_array_equal(blur_faces(config, photo, hands), photo)


@pytest.mark.parametrize("part", ["left_ear", "right_eye", "nose", "neck", "left_shoulder"])
def test_a_part_of_another_person_moves_no_disc(part):
    """All other parts agree on a face of 40 pixels."""
    found = {name: turned(place, 0) for name, place in FRONT.items()}
    stray = {**found, part: found[part] + (600, 100)}
    np.testing.assert_allclose(discs_of(person(**stray)), discs_of(person(**without(found, part))))


def test_no_part_of_three_is_a_stray():
    """In a side view, nose and eye are close together, and the ear is far from both."""
    face = person(nose=(50, 50), left_eye=(50, 48), left_ear=(80, 48))
    np.testing.assert_allclose(discs_of(face), [[50, 49, 0.85 * 30 / 0.6]])


def test_pixels_outside_the_discs_stay_and_those_inside_lose_their_detail(rng):
    photo = noise(rng, 300, 300, 3)
    face = person(**{part: turned(place, 0) for part, place in FRONT.items()})
    (disc,) = discs_of(face)
    blurred = blur_faces(COCO_18, photo, skeletons_at(face))
    covered = inside(disc, photo.shape)
    np.testing.assert_array_equal(blurred[~covered], photo[~covered])
    assert (blurred[covered] != photo[covered]).any(axis=1).mean() > 0.99
    assert photo[covered].std() > 70
    assert blurred[covered].std() < 8


@pytest.mark.parametrize("size", [2, 10, 100])
def test_a_face_keeps_the_colours_of_sixteen_cells(rng, size):
    """Stripes that keep the mean of every cell do not change the blurred face."""
    radius = (4 * size - 1) / 2
    middle = np.array([radius, radius])
    shoulder = np.array([radius / 0.85, 0])
    face = person(nose=middle, left_eye=middle, right_shoulder=middle - shoulder, left_shoulder=middle + shoulder)
    cells = rng.integers(60, 190, (4, 4, 3)).repeat(size, axis=0).repeat(size, axis=1)
    stripes = np.where(np.arange(4 * size) % 2, 50, -50)[:, None]
    plain, striped = (
        blur_faces(COCO_18, photo.astype(np.uint8), skeletons_at(face)) for photo in (cells, cells + stripes)
    )
    covered = inside(discs_of(face)[0], plain.shape)
    assert covered.mean() > 0.6
    np.testing.assert_array_equal(striped[covered], plain[covered])


def test_colours_change_smoothly_within_a_disc():
    photo = np.zeros((300, 300, 3), np.uint8)
    photo[:, 150:] = 255
    face = person(**{part: turned(place, 0, size=100) for part, place in FRONT.items()})
    row = blur_faces(COCO_18, photo, skeletons_at(face))[145, 80:220, 0].astype(int)
    assert 0 < np.abs(np.diff(row)).max() < 10


def test_the_larger_disc_covers_the_smaller(rng):
    """A small false face inside a large one must not show more detail."""
    photo = noise(rng, 300, 300, 3)
    large = person(**{part: turned(place, 0) for part, place in FRONT.items()})
    small = person(**{part: turned(place, 0, size=8) for part, place in FRONT.items()})
    alone = blur_faces(COCO_18, photo, skeletons_at(large))
    for people in ((large, small), (small, large)):
        np.testing.assert_array_equal(blur_faces(COCO_18, photo, skeletons_at(*people)), alone)


def test_nothing_that_is_given_changes(rng):
    photo = noise(rng, 300, 300, 3)
    people = skeletons_at(person(**{part: turned(place, 0) for part, place in FRONT.items()}))
    before, keypoints = photo.copy(), people.keypoints.copy()
    assert (blur_faces(COCO_18, photo, people) != before).any()
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(people.keypoints, keypoints)


def test_nobody_leaves_the_photo_as_it_is(rng):
    photo = noise(rng, 20, 30, 3)
    nobody = Skeletons(np.zeros((0, 18, 2)), np.zeros((0, 18)), np.zeros(0), np.zeros((0, 18), int))
    blurred = blur_faces(COCO_18, photo, nobody)
    np.testing.assert_array_equal(blurred, photo)
    assert blurred is not photo


@pytest.mark.parametrize("corner", [(0, 0), (99, 0), (0, 79), (99, 79), (50, 0)])
def test_a_face_at_the_edge_of_the_photo(rng, corner):
    photo = noise(rng, 80, 100, 3)
    face = person(**{part: turned(place, 0, size=20, middle=corner) for part, place in FRONT.items()})
    blurred = blur_faces(COCO_18, photo, skeletons_at(face))
    covered = inside(discs_of(face)[0], photo.shape)
    np.testing.assert_array_equal(blurred[~covered], photo[~covered])
    assert blurred[covered].std() < 25


@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (20, 1), (5, 5), (3, 2000)])
def test_photos_of_any_size(rng, shape):
    photo = noise(rng, *shape, 3)
    face = person(**{part: turned(place, 0, size=30, middle=(0, 0)) for part, place in FRONT.items()})
    blurred = blur_faces(COCO_18, photo, skeletons_at(face))
    covered = inside(discs_of(face)[0], photo.shape)
    np.testing.assert_array_equal(blurred[~covered], photo[~covered])
    assert blurred.shape == photo.shape


def test_tiny_faces_are_covered(rng):
    photo = noise(rng, 40, 40, 3)
    face = person(**{part: turned(place, 0, size=1.5, middle=(20, 20)) for part, place in FRONT.items()})
    assert discs_of(face)[0, 2] == 4
    covered = inside(discs_of(face)[0], photo.shape)
    blurred = blur_faces(COCO_18, photo, skeletons_at(face))
    np.testing.assert_array_equal(blurred[~covered], photo[~covered])
    assert blurred[covered].std() < 0.7 * photo[covered].std()


@pytest.mark.filterwarnings("error")
def test_keypoints_far_outside_the_photo(rng):
    """Predictions of other systems may contain such keypoints."""
    photo = noise(rng, 40, 60, 3)
    beside = person(nose=(1000, 1000), left_eye=(1005, 1000))
    np.testing.assert_array_equal(blur_faces(COCO_18, photo, skeletons_at(beside)), photo)
    across = person(nose=(-1e300, 20), left_eye=(1e300, 20), neck=(np.inf, -np.inf))
    assert blur_faces(COCO_18, photo, skeletons_at(across, beside)).shape == photo.shape


def test_faces_of_a_real_photo():
    """The faces of five skiers are about 20 pixels long. Each nose and eye loses its detail; the bodies stay sharp."""
    photo = read_photo(ROOT / "images" / "skiers.jpg")
    annotations = json.loads((ROOT / "tests" / "data" / "skiers_keypoints.json").read_text())["annotations"]
    keypoints = np.array([annotation["keypoints"] for annotation in annotations]).reshape(-1, 17, 3)
    people = skeletons_at(*from_coco(COCO_18, keypoints))
    assert len(people) == 5
    blurred = blur_faces(COCO_18, photo, people)
    changed = (blurred != photo).any(axis=2)
    detail = [np.abs(cv2.Laplacian(picture, cv2.CV_64F)).mean(axis=2) for picture in (photo, blurred)]
    for places, disc in zip(people.keypoints, face_discs(COCO_18, people)):
        assert 8 < disc[2] < 25
        for part in ("nose", "left_eye", "right_eye"):
            x, y = places[COCO_18.body_parts.index(part)].astype(int)
            around = slice(y - 2, y + 3), slice(x - 2, x + 3)
            assert changed[around].mean() > 0.9
            assert detail[1][around].mean() < 0.3 * detail[0][around].mean()
        hip = places[COCO_18.body_parts.index("left_hip")].astype(int)
        assert not changed[hip[1] :].any()
    assert 0.01 < changed.mean() < 0.03
