"""PoseEstimator: photos and streams in, people out; with a toy network, as what it adds is around the network."""

import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError
from estimation.faces import blur_faces
from estimation.grouping import load_grouping
from estimation.merge import merge
from estimation.pipeline import estimate_people
from estimation.quality import Views
from estimation.subset import GroupingError
from openpose_lab.estimator import PoseEstimator
from openpose_lab.networks import NETWORKS
from openpose_lab.sources import Frame, frames
from tests.conftest import ROOT
from tests.support.scenes import BODY_25
from tests.support.toy_network import HEIGHT, ToyNetwork, photo_of, png_of


@pytest.fixture
def estimator():
    with PoseEstimator(ToyNetwork(), height=HEIGHT) as one:
        yield one


@pytest.fixture
def folder(tmp_path):
    """Photos with 0 to 6 people."""
    for count in range(7):
        (tmp_path / f"{count}.png").write_bytes(png_of(count))
    return tmp_path


def count(skeletons):
    return len(skeletons.person_scores)


# One photo


def test_a_photo_is_an_array_or_a_path(estimator, folder):
    expected = estimate_people(photo_of(3), ToyNetwork(), HEIGHT).skeletons
    for photo in (photo_of(3), folder / "3.png", str(folder / "3.png")):
        found = estimator(photo)
        for name in ("keypoints", "scores", "person_scores", "peak_ids"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert count(expected) == 3


def test_grey_photos_and_those_with_transparency(estimator):
    assert count(estimator(photo_of(2)[:, :, 0])) == 2
    assert count(estimator(cv2.cvtColor(photo_of(2), cv2.COLOR_BGR2BGRA))) == 2


def test_the_photo_is_not_changed(estimator):
    photo = photo_of(2)
    found = estimator(photo)
    estimator.draw(photo, found, blank=True)
    estimator.draw(photo, found, blur_faces=True)
    np.testing.assert_array_equal(photo, photo_of(2))


def test_an_estimate_has_every_stage(estimator, folder):
    for photo in (photo_of(2), folder / "2.png"):
        estimate = estimator.estimate(photo)
        assert count(estimate.skeletons) == len(estimate.subset) == 2
        assert list(estimate.milliseconds) == ["network", "coordinates", "connections", "grouping"]


@pytest.mark.parametrize(
    ("photo", "sentence"),
    [
        ("none.png", "there is no photo none.png; check the path"),
        (".", "is a folder; give the path of one photo"),
        (None, "photo"),
        (np.zeros((HEIGHT, 160, 3)), "photo"),
        (np.zeros((1, 1, 3), np.uint8), "the photo is 1x1 pixels, too small"),
    ],
)
def test_what_is_no_photo_is_one_sentence(estimator, tmp_path, monkeypatch, photo, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OpenPoseLabError, match=sentence):
        estimator(photo)


# Many photos


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_a_stream_of_a_folder(estimator, folder, threads):
    for source in (folder, str(folder)):
        found = list(estimator.stream(source, threads))
        assert [(frame.index, Path(frame.name).name) for frame, _ in found] == [(n, f"{n}.png") for n in range(7)]
        assert [count(skeletons) for _, skeletons in found] == list(range(7))
        assert all(frame.pixels.shape == (HEIGHT, 160, 3) for frame, _ in found)


def test_a_stream_of_frames_and_of_a_generator(estimator, folder):
    made = (Frame(n, n / 25, "video", photo_of(n)) for n in range(7))
    assert [(frame.timestamp, count(people)) for frame, people in estimator.stream(made)] == [
        (n / 25, n) for n in range(7)
    ]
    turned = estimator.stream(frames(folder, rotate=180))
    assert [count(people) for _, people in turned] == list(range(7))
    assert list(estimator.stream([])) == []


def test_a_stream_of_paths(estimator, folder):
    several = estimator.stream(path for path in sorted(folder.iterdir()))
    assert [count(people) for _, people in several] == list(range(7))
    with pytest.raises(OpenPoseLabError, match="stream takes paths of photos or folders, or frames from frames.., but"):
        list(estimator.stream([photo_of(1)]))


def test_a_stream_goes_on_after_a_photo_that_fails(estimator, folder):
    (folder / "3.png").write_bytes(b"")
    failed = []
    found = list(estimator.stream(folder, on_error=lambda name, error: failed.append((Path(name).name, str(error)))))
    assert [count(people) for _, people in found] == [0, 1, 2, 4, 5, 6]
    ((name, sentence),) = failed
    assert name == "3.png"
    assert "is empty" in sentence


def test_a_stream_takes_few_frames_ahead(estimator):
    taken = []

    def endless():
        while True:
            taken.append(len(taken))
            yield Frame(len(taken) - 1, None, "", photo_of(1))

    before = threading.active_count()
    stream = estimator.stream(endless(), threads=2)
    assert next(stream)[0].index == 0
    assert len(taken) == 6
    stream.close()
    assert threading.active_count() == before


def test_a_stream_prepares_the_network_and_leaves_the_estimator_as_it_is(folder):
    network = ToyNetwork()
    one = PoseEstimator(network, height=HEIGHT)
    list(one.stream(folder, threads=2))
    assert network.prepared_for == [2]
    assert threading.get_ident() not in network.threads
    one(photo_of(1))
    assert threading.get_ident() in network.threads


def test_a_network_without_preparations_can_stream(folder):
    class Plain:
        config = COCO_18

        def __call__(self, photo):
            return ToyNetwork()(photo)

    found = PoseEstimator(Plain(), height=HEIGHT).stream(folder, threads=2)
    assert [count(people) for _, people in found] == list(range(7))


def test_a_bad_photo_comes_after_the_results_before_it(estimator, folder):
    (folder / "4.png").write_bytes(b"Dear Sir or Madam")
    stream = estimator.stream(folder)
    assert [count(next(stream)[1]) for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(OpenPoseLabError, match=r"4\.png is not a photo"):
        next(stream)


def test_a_folder_without_photos_is_one_sentence(estimator, tmp_path):
    with pytest.raises(OpenPoseLabError, match="is empty; give a folder with photos"):
        estimator.stream(tmp_path)


# Drawing


def test_drawings(estimator, rng):
    photo = rng.integers(0, 255, (HEIGHT, 160, 3), np.uint8)
    people = estimator(photo_of(1))
    drawn, blank = estimator.draw(photo, people), estimator.draw(photo, people, blank=True)
    covered = blank.any(axis=2)
    assert 0 < covered.sum() < covered.size
    np.testing.assert_array_equal(blank, estimator.draw(np.zeros_like(photo), people))
    np.testing.assert_array_equal(blank, estimator.draw(photo, people, blank=True, blur_faces=True))
    blurred = estimator.draw(photo, people, blur_faces=True)
    np.testing.assert_array_equal(blurred, estimator.draw(blur_faces(COCO_18, photo, people), people))
    assert (blurred != drawn).any()
    assert estimator.draw(photo[:, :, 0], people).shape == (HEIGHT, 160, 3)


# Settings


def test_views():
    assert PoseEstimator(ToyNetwork(), quality="fast").views.height < PoseEstimator(ToyNetwork()).views.height
    assert PoseEstimator(ToyNetwork(), scales=(1, 0.5), flip=True).views == Views(scales=(1, 0.5), flip=True)
    network = ToyNetwork()
    network.quality = "fast"
    assert PoseEstimator(network).views == PoseEstimator(ToyNetwork(), quality="fast").views


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"quality": "good"}, "good"),
        ({"quality": "best", "height": 368}, "quality"),
        ({"height": 0}, "the height must be from 32 to 2048 pixels but is 0"),
        ({"weights": "w.npz"}, "the network is already loaded; pass weights, runtime and precision to load_network"),
        ({"runtime": "keras"}, "the network is already loaded"),
        ({"precision": "f32"}, "the network is already loaded"),
        ({"grouping": "none.py"}, "there is no grouping none.py"),
    ],
)
def test_settings_that_do_not_go_together_are_one_sentence(settings, sentence):
    with pytest.raises(OpenPoseLabError, match=sentence):
        PoseEstimator(ToyNetwork(), **settings)


def test_an_unknown_network_is_one_sentence():
    with pytest.raises(OpenPoseLabError, match=f"there is no network 'resnet'.*{min(NETWORKS)}"):
        PoseEstimator("resnet")


def test_thresholds():
    config = replace(COCO_18, peak_threshold=0.9999)
    one = PoseEstimator(ToyNetwork(), height=HEIGHT, config=config)
    assert one.config is config
    assert one(photo_of(3)).present.sum() < 3 * 18


def test_a_config_of_another_layout():
    with pytest.raises(ValueError, match="config has the layout BODY_25, but the network has the layout COCO_18"):
        PoseEstimator(ToyNetwork(), config=BODY_25)


def test_a_grouping_by_name_by_file_and_as_a_function(tmp_path):
    (tmp_path / "mine.py").write_text("def merge(subset):\n    return subset[:0]\n")

    def nobody(subset):
        return subset[:0]

    for grouping in ("lab", merge, load_grouping("lab"), None):
        assert count(PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=grouping)(photo_of(3))) == 3
    for grouping in (tmp_path / "mine.py", str(tmp_path / "mine.py"), nobody):
        assert count(PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=grouping)(photo_of(3))) == 0


def test_a_grouping_is_called_by_one_thread_at_a_time(folder):
    """Students' functions need not be ready for threads."""
    inside, most = [], []

    def careless(subset):
        inside.append(1)
        most.append(len(inside))
        people = merge(subset)
        inside.pop()
        return people

    found = PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=careless).stream(folder, threads=4)
    assert [count(people) for _, people in found] == list(range(7))
    assert set(most) == {1}


def test_a_grouping_may_run_another_estimator(folder):
    inner = PoseEstimator(ToyNetwork(), height=HEIGHT)

    def nested(subset):
        inner(photo_of(1))
        return merge(subset)

    found = PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=nested).stream(folder, threads=2)
    assert [count(people) for _, people in found] == list(range(7))


def test_a_grouping_that_fails_is_one_sentence(folder):
    one = PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=lambda subset: 1 / 0)
    with pytest.raises(GroupingError, match="ZeroDivisionError"):
        one(photo_of(1))
    with pytest.raises(GroupingError, match="ZeroDivisionError"):
        list(one.stream(folder))


# Closing


def test_a_closed_estimator_is_one_sentence(folder):
    with PoseEstimator(ToyNetwork(), height=HEIGHT) as one:
        people = one(photo_of(1))
    one.close()
    for use in (one, one.estimate, one.stream):
        with pytest.raises(OpenPoseLabError, match="^this PoseEstimator is closed; make a new one$"):
            use(folder)
    assert one.draw(photo_of(1), people).any()


def test_a_stream_that_has_begun_outlives_its_estimator(folder):
    with PoseEstimator(ToyNetwork(), height=HEIGHT) as one:
        stream = one.stream(folder)
    assert [count(people) for _, people in stream] == list(range(7))


# Real networks


@pytest.mark.slow
def test_a_network_by_name():
    with PoseEstimator("mobilenet_thin", quality="fast") as one:
        assert count(one(ROOT / "images" / "skiers.jpg")) == 5
