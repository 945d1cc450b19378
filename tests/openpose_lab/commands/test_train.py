"""The program train: each mistake gives one sentence before training begins."""

import errno
import json
import os
import shutil
import tempfile
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.commands import train
from openpose_lab.commands.program import DEBUG
from openpose_lab.formats.coco import COCO_KEYPOINTS
from openpose_lab.networks.runtimes import tensorflow_loading
from tests.conftest import ROOT

PARTS = ["tip", "base"]
CHECKED = "everything was checked"


class Logs:
    """A substitute for Keras's callback, which needs TensorBoard."""

    def __new__(cls, folder):
        import keras

        cls.folder = folder
        return keras.callbacks.Callback()


def photo(number=1, width=64, height=64):
    return {"id": number, "file_name": f"{number}.png", "width": width, "height": height}


def person(number=1, keypoints=(10, 10, 2, 30, 30, 2), **more):
    entry = {"image_id": number, "category_id": 1, "bbox": [5, 5, 40, 40], "area": 1600, "keypoints": list(keypoints)}
    return {**entry, **more}


def crowd(segmentation):
    return [person(), person(iscrowd=1, segmentation=segmentation)]


def annotations(images, people, names=PARTS):
    content = {"images": images, "annotations": people}
    return json.dumps({**content, "categories": [{"id": 1, "name": "arrow", "keypoints": names}]})


@pytest.fixture
def place(tmp_path):
    """A folder with three photos, their annotations, and a layout."""
    for number in (1, 2, 3):
        noise = np.random.default_rng(number).integers(0, 256, (64, 64, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), noise)
    numbers = (1, 2, 3)
    (tmp_path / "people.json").write_text(annotations(list(map(photo, numbers)), list(map(person, numbers))))
    (tmp_path / "arrow.json").write_text(json.dumps({"parts": PARTS, "limbs": [PARTS], "pairs": []}))
    return tmp_path


@pytest.fixture
def call(place, call_program, monkeypatch):
    """Run the program. A {} in an option stands for the folder."""
    monkeypatch.delenv(DEBUG, raising=False)

    def call(*options):
        files = ["--images", place, "--annotations", place / "people.json", "--layout", place / "arrow.json"]
        small = ["--side", 64, "--batch", 1, "--epochs", 1, "--out", place / "out.weights.h5"]
        return call_program("train", train.main, *files, *small, *(str(one).format(place) for one in options))

    return call


@pytest.fixture
def only_checks(monkeypatch):
    """Stop before the first step, and do not load TensorFlow."""

    def stop(*_):
        raise OpenPoseLabError(CHECKED)

    for name in ("set_up_keras", "check_machine", "make_recipe"):
        monkeypatch.setattr(train, name, lambda *_: None)
    monkeypatch.setattr(train, "make_network", lambda *_: SimpleNamespace(model=None))
    monkeypatch.setattr(train, "scale_weights", stop)


def test_what_is_right_passes(call, only_checks):
    assert call() == (1, "", f"train: {CHECKED}\n")


@pytest.mark.parametrize(
    ("images", "people", "sentence"),
    [
        (
            [photo()],
            2 * [person(keypoints=(0.1, 0.1, 2, 0.5, 0.5, 2))],
            "all keypoints of 1.png in the annotations lie from 0 to 1; give them in pixels of the photo",
        ),
        ([photo()], [person(keypoints=(1e300, 0, 2, 0, 0, 2))], "'keypoints' must be a list of 6 numbers"),
        (
            [photo()],
            2 * [person(keypoints=(900, 900, 2, 901, 901, 2))],
            "4 of 4 keypoints lie outside 1.png, which is 64x64; check that the annotations belong to the photos",
        ),
        (
            [photo(1, 640, 480)],
            [person()],
            "1.png is 64x64, but the annotations are for 640x480; give photos of that size, or scale the annotations",
        ),
        ([photo()], [person(9)], "annotations in * are left out: no photo has their 'image_id', such as 9"),
        ([photo(9)], [person(9)], "the annotations name 9.png, but there is no such file in *; check --images"),
        ([{"id": 1, "file_name": 200 * "é" + ".png"}], [person()], "but there is no such file in"),
        ([{"id": 1, "file_name": "people.json"}], [person()], "people.json is not a photo, or is cut short or damaged"),
        ([photo()], crowd([[1, 2, 3]]), "a 'segmentation' of 1.png in the annotations must be polygons or run lengths"),
        ([photo()], crowd([[1e9] * 6]), "a 'segmentation' of 1.png in the annotations must be polygons"),
        ([photo()], crowd({"counts": [4096], "size": [64, 63]}), "has the size [64, 63] but its photo has [64, 64]"),
        ([photo()], crowd({"counts": [9], "size": [64, 64]}), "the run lengths of a region do not add up to the size"),
        ([photo()], crowd({"counts": [4096, -1, 1], "size": [64, 64]}), "a 'segmentation' of 1.png"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_annotations_that_do_not_fit(place, call, only_checks, images, people, sentence):
    (place / "people.json").write_text(annotations(images, people))
    status, out, err = call()
    assert (status, out) == (1, "")
    for piece in sentence.split("*"):
        assert piece in err
    told = [line for line in err.splitlines() if ": note: " not in line]
    assert len(told) == 1
    assert len(told[0]) < 300 + len(str(place))


def test_a_photo_that_is_cut_short(place, call, only_checks):
    """Its header is complete. Without the check, the run would fail only when it reads this photo."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()
    (place / "1.png").write_bytes(data[: len(data) // 2])
    assert "1.png is not a photo, or is cut short or damaged; copy it again" in call()[2]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--out", "{}/none/a.weights.h5"), "there is no folder {}/none; make it first"),
        (("--out", "{}/a.h5"), "--out must end in .weights.h5 but is {}/a.h5"),
        (("--log", "{}/none/a.csv"), "there is no folder {}/none; make it first"),
        (("--log", "{}/a.txt"), "--log must end in .csv but is {}/a.txt"),
        (("--preview", "{}/a.txt"), "cannot write {}/a.txt: its name must end in one of"),
        (("--preview", "{}/1.png"), "{}/1.png is also the photo, and would be overwritten"),
        (("--tensorboard", "{}/1.png"), "cannot write {}/1.png: File exists; choose another place"),
        (("--resume",), "there is no checkpoint {}/out.checkpoint.npz; leave out --resume to start a new run"),
        (("--layout", "{}/none.json"), "there is no layout {}/none.json; check the path"),
        (("--weights", "{}/none.h5"), "there is no weights file {}/none.h5; check the path"),
        (("--validate-images", "{}"), "--validate-images and --validate-annotations need each other"),
        (("--freeze", "front"), "--freeze front needs weights of a file; also give --front or --weights"),
        (("--side", "65"), "--side must be a multiple of 8 from 64 to 2048 but is 65"),
        (("--batch", "0"), "--batch must be from 1 to 100000 but is 0"),
        (("--epochs", "0"), "--epochs 0 trains nothing; give --preview FILE to draw the targets"),
        (("--epochs", "0", "--preview", "{}/a.png", "--resume"), "--resume needs the --epochs of the run"),
        (("--epochs", str(10**30)), "--epochs must be from 0 to 1000000 but is 1"),
        (("--rate", "nan"), "--rate must be from 1e-09 to 10 but is nan"),
        (("--seed", "-1"), "--seed must be from 0 to 4294967295 but is -1"),
        (("--checkpoint-every", "nan"), "--checkpoint-every must be from 0 to 1000000 but is nan"),
        (("--scale", "0.5", "nan"), "--scale must be two numbers from 0.05 to 5"),
        (("--teacher-share", "0.5"), "--teacher-share needs a teacher; also give --teacher NETWORK"),
        (("--unlabelled", "{}"), "--unlabelled needs a teacher; also give --teacher NETWORK"),
        (("--teacher", "none"), "there is no network 'none'; these are: "),
        (
            ("--teacher", "lightweight", "--teacher-share", "0"),
            "--teacher-share must be above 0 and at most 1 but is 0",
        ),
        (
            ("--teacher", "lightweight"),
            "the teacher lightweight has the layout COCO_18, but the network in training has arrow",
        ),
        (("--teacher", "lightweight", "--unlabelled", "{}/none"), "cannot read the folder {}/none: No such file"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be_used(place, call, only_checks, options, sentence):
    status, out, err = call(*options)
    assert (status, out) == (1, "")
    assert err.startswith("train: ")
    assert sentence.format(place) in err
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written(place, call, only_checks, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert call()[2] == f"train: cannot write {place}: Read-only file system; choose another place\n"


def test_unlabelled_photos_must_be_whole(place, call, only_checks, monkeypatch):
    monkeypatch.setattr(train, "make_teacher", lambda *_: None)
    (place / "more").mkdir()
    teach = ("--teacher", "lightweight", "--unlabelled", "{}/more")
    assert f"no file in {place}/more has a name that ends in .png" in call(*teach)[2]
    shutil.copy(place / "2.png", place / "more")
    assert CHECKED in call(*teach)[2]
    (place / "more" / "3.png").write_bytes(b"no photo")
    assert "more/3.png is not a photo, or is cut short or damaged" in call(*teach)[2]


@pytest.mark.parametrize(
    ("names", "points"),
    [
        (["left_hip", "right_hip", "tip"], (10, 10, 2, 30, 30, 2, 0, 0, 0)),  # the tip has no label
        (["left_shoulder", "right_shoulder", "left_hip", "right_hip"], (10, 10, 2, 30, 10, 2, 10, 30, 2, 30, 30, 2)),
    ],
    ids=["no label of a part", "midpoints, which the annotations do not name"],
)
def test_photos_for_validation_must_label_a_part(place, call, only_checks, names, points):
    """The network learns the midpoints, but COCO's measure has no keypoints to compare."""
    pytest.importorskip("pycocotools")
    parts = ["tip" if "tip" in names else "neck", "mid_hip"]
    (place / "arrow.json").write_text(json.dumps({"parts": parts, "limbs": [parts], "pairs": []}))
    (place / "people.json").write_text(annotations([photo()], [person(keypoints=points)], names))
    status, _, err = call("--validate-images", "{}", "--validate-annotations", "{}/people.json")
    assert status == 1
    assert "AP cannot be measured: --validate-annotations label no keypoint with a name of the layout arrow" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--front", "{}/other.npz"), "other.npz has no weights for the front of lightweight, such as for its layer"),
        (
            ("--network", "lightweight", "--weights", "{}/other.npz"),
            "other.npz is not for lightweight: it has no weights for the layers of its",
        ),
        (("--batch", "10000"), "a batch of 10000 needs about * MB of memory, but * MB are free; give --batch "),
        (("--side", "2048", "--batch", "500"), "MB are free; give "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_networks_and_batches_that_do_not_fit(place, call, options, sentence):
    tensorflow_loading.use_tensorflow()
    from openpose_lab.training import memory

    assert memory.available_bytes() is None or memory.available_bytes() < 64 << 30
    np.savez(place / "other.npz", **{"one/kernel": np.zeros((3, 3, 3, 4)), "one/bias": np.zeros(4)})
    status, _, err = call(*options)
    assert status == 1
    for piece in sentence.split("*"):
        assert piece in err
    assert err.count("\n") == 1
    assert not (place / "out.checkpoint.npz").exists()


@pytest.mark.slow
def test_a_disk_that_is_too_small_for_checkpoints(place, call, monkeypatch):
    usage = shutil.disk_usage(place)._replace(free=50 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    err = call()[2]
    assert "out.checkpoint.npz needs 92 MB, but 50 MB are free; delete files, or write to another disk" in err


@pytest.mark.slow
def test_a_photo_that_goes_away_leaves_a_checkpoint(place, call, monkeypatch):
    tensorflow_loading.use_tensorflow()
    from openpose_lab.training import data
    from openpose_lab.training.checkpoints import read_checkpoint

    read = data.read_photo
    last = f"{np.random.default_rng((0, 0)).permutation(3)[2] + 1}.png"  # in the order of the first epoch

    read_before = []

    def read_others(path):
        read_before.append(path.name)
        if read_before.count(last) > 1:  # random weights are scaled on all photos first
            raise OpenPoseLabError(f"there is no photo {last}; check the path")
        return read(path)

    monkeypatch.setattr(data, "read_photo", read_others)
    status, _, err = call()
    assert status == 1
    assert err == f"train: there is no photo {last}; check the path\n"
    assert read_checkpoint(place / "out.checkpoint.npz").step == 2
    damaged = bytearray((place / "out.checkpoint.npz").read_bytes())
    monkeypatch.setattr(data, "read_photo", read)
    for options, sentence in (
        (
            ("--seed", "5"),
            "belongs to a run with --seed 0, not 5; give the same options and files",
        ),
        (("--limit", "2"), "belongs to a run with --limit None, not 2; give the same options"),
        (("--optimizer", "paper"), "belongs to a run with --optimizer adam, not paper"),
    ):
        assert sentence in call("--resume", *options)[2]
    (place / "people.json").write_text(annotations([photo(1), photo(2), photo(3)], [person(1)]))
    assert "belongs to a run on other photos or labels" in call("--resume")[2]
    for data_of_file in (damaged[: len(damaged) // 2], b"", b"no archive"):
        (place / "out.checkpoint.npz").write_bytes(data_of_file)
        assert "is damaged or not a checkpoint; delete it, and start again" in call("--resume")[2]


@pytest.mark.slow
def test_a_teacher_and_photos_without_labels(place, call_program, monkeypatch):
    tensorflow_loading.use_tensorflow()
    from openpose_lab.training.data import Batches

    batches = []
    make = Batches.batch

    def keep(self, step):
        batches.append((self._chosen(step).tolist(), make(self, step)))
        return batches[-1][1]

    monkeypatch.setattr(Batches, "batch", keep)
    (place / "more").mkdir()
    shutil.copy(ROOT / "images" / "skiers.jpg", place / "more")
    entry = {"image_id": 1, "category_id": 1, "keypoints": [10, 10, 2, *[0] * 48], "bbox": [5, 5, 50, 50]}
    (place / "people.json").write_text(annotations([photo()], [entry], list(COCO_KEYPOINTS)))
    files = ["--images", place, "--annotations", place / "people.json", "--out", place / "out.weights.h5"]
    teach = ["--teacher", "lightweight", "--teacher-quality", "fast", "--unlabelled", place / "more"]
    small = ["--side", 64, "--batch", 1, "--epochs", 1, "--scale", 1, 1]
    status, _, err = call_program("train", train.main, *files, *small, *teach, "--teacher-share", 0.25)
    assert (status, err) == (0, "")
    assert (place / "out.weights.h5").is_file()
    for numbers, (_, targets) in batches:
        if len(numbers) > 1:
            continue  # the photos that random weights are scaled on
        (number,) = numbers
        weights = targets["heatmap_mask"]
        if number == 0:
            assert set(np.unique(weights).tolist()) == {0.25, 1.0}
        else:
            assert weights.min() == weights.max() == targets["paf_mask"].max() == 0.25
            assert targets["heatmaps"][..., :-1].max() > 0.3  # the skiers


@pytest.mark.slow
def test_mixed_precision_and_logs_for_tensorboard(place, call, monkeypatch):
    tensorflow_loading.use_tensorflow()
    import h5py
    import keras

    monkeypatch.setattr(keras.callbacks, "TensorBoard", Logs)
    monkeypatch.setattr(train, "require", lambda *_: None)
    try:
        status, out, err = call("--limit", 1, "--mixed", "--tensorboard", place / "logs")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert (status, err) == (0, "train: note: --mixed makes training slower, because TensorFlow finds no GPU\n")
    assert Logs.folder == place / "logs"
    assert "epoch 1 of 1: loss" in out
    kinds = set()
    with h5py.File(place / "out.weights.h5") as file:
        file.visititems(lambda _, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert np.dtype(np.float32) in kinds
    assert np.dtype(np.float16) not in kinds


def test_without_tensorboard_one_sentence(call, monkeypatch):
    monkeypatch.setattr("openpose_lab.extras.is_installed", lambda _: False)
    assert call("--tensorboard", "{}/logs")[2] == (
        "train: --tensorboard needs tensorboard, which is not installed; run `pip install tensorboard`\n"
    )


@pytest.mark.slow
def test_the_memory_of_a_step():
    tensorflow_loading.use_tensorflow()
    import keras

    from openpose_lab.training.memory import largest_batch, step_bytes

    photo = keras.Input((None, None, 3), dtype="uint8")
    first = keras.layers.Conv2D(2, 3, padding="same", name="first")(keras.layers.Rescaling(1.0)(photo))
    second = keras.layers.SeparableConv2D(5, 3, padding="same", name="second")(first)
    model = keras.Model(photo, second)
    weights = 3 * 3 * 3 * 2 + 2 + 3 * 3 * 2 + 2 * 5 + 5
    values = 16 * 16 * (2 + 2 + 5)  # of the convolution, and of both halves of the separable one
    passing = 16 * 16 * 2 * 3
    assert step_bytes(model, 16, 2) == round(4 * (1.35 * 2 * (values + passing) + weights))
    model.get_layer("first").trainable = False
    weights -= 3 * 3 * 3 * 2 + 2
    assert step_bytes(model, 16, 1) == round(4 * (1.35 * (16 * 16 * (2 + 5) + passing) + weights))
    most = step_bytes(model, 16, 7)
    assert largest_batch(model, 16, most + 1000) == 7
    assert largest_batch(model, 16, 10) == 0
