"""PyTorch files. Those in tests/data were saved by PyTorch 1.8; the hostile ones are pickles written by hand."""

import os
import pickle
import shutil
import struct
import zipfile

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers import pytorch
from openpose_lab.networks.reading import read_weights
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
KERNEL = np.arange(108, dtype=np.float32).reshape(4, 3, 3, 3)


class Runs:
    """Pickled, it asks for a program to be run when it is read."""

    def __init__(self, function, *arguments):
        self.asked = function, arguments

    def __reduce__(self):
        return self.asked


def zipped(path, data, **storages):
    """A file as PyTorch writes them today."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        for key, storage in storages.items():
            archive.writestr(f"archive/data/{key}", storage)
    return path


def tensor_pickle(key="0", count=4, offset=0, shape=(4,), strides=(1,), kind="FloatStorage"):
    """{"a.bias": tensor} in pickle's own opcodes, protocol 2."""

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def number(value):
        return b"J" + struct.pack("<i", value)

    def row(*items):
        return b"(" + b"".join(items) + b"t"

    storage = row(text("storage"), b"ctorch\n" + kind.encode() + b"\n", text(key), text("cpu"), number(count)) + b"Q"
    sizes = [row(*map(number, values)) for values in (shape, strides)]
    tensor = row(storage, number(offset), *sizes, b"\x89", b"}")
    return b"\x80\x02}" + text("a.bias") + b"ctorch._utils\n_rebuild_tensor_v2\n" + tensor + b"Rs."


@pytest.mark.parametrize("name", ["torch_state.pth", "torch_state_before_1_6.pth"])
def test_a_state_dict(tmp_path, name):
    shutil.copy(DATA / name, tmp_path / "model.caffemodel")  # what is in it decides
    form, trained = read_weights(tmp_path / "model.caffemodel")
    assert form == "PyTorch state dict"
    assert sorted(trained.arrays) == ["Mconv1_stage2_L1/kernel", "conv1_1/bias", "conv1_1/kernel", "prelu4_2/alpha"]
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"][:, :, ::-1], KERNEL.transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(trained.arrays["conv1_1/bias"], [0, 1, 2, 3])
    assert trained.arrays["Mconv1_stage2_L1/kernel"].shape == (1, 1, 4, 2)
    np.testing.assert_array_equal(trained.arrays["prelu4_2/alpha"], [[[0, 1, 2]]])


def test_a_training_file():
    trained = read_weights(DATA / "torch_training.pth")[1]
    assert sorted(trained.arrays) == ["conv1_1/bias", "conv1_1/kernel", "turned/kernel"]
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"][:, :, ::-1], KERNEL.transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(trained.arrays["conv1_1/bias"], [0, 2, 4, 6])  # every other number of a storage
    turned = np.arange(24).reshape(2, 3, 2, 2).transpose(1, 0, 2, 3)
    np.testing.assert_array_equal(trained.arrays["turned/kernel"], turned.transpose(2, 3, 1, 0))


def test_the_hand_written_pickle_is_right(tmp_path):
    path = zipped(tmp_path / "a.pth", tensor_pickle(), **{"0": np.arange(4, dtype="<f4").tobytes()})
    np.testing.assert_array_equal(read_weights(path)[1].arrays["a/bias"], [0, 1, 2, 3])


@pytest.mark.parametrize("old", [False, True], ids=["zipped", "before 1.6"])
@pytest.mark.parametrize("way", ["call", "eval", "class"])
def test_a_hostile_pickle_runs_nothing(tmp_path, way, old):
    made = tmp_path / "made"
    hostile = {
        "call": Runs(os.mkdir, str(made)),
        "eval": Runs(eval, f"__import__('os').mkdir({str(made)!r})"),
        "class": Runs(type, "X", (), {}),
    }[way]
    path = tmp_path / "hostile.pth"
    pickled = pickle.dumps({"a.weight": hostile}, protocol=2)
    if old:
        head = (DATA / "torch_state_before_1_6.pth").read_bytes()[:15]  # the magic number
        path.write_bytes(head + pickled)
    else:
        zipped(path, pickled)
    with pytest.raises(OpenPoseLabError, match=r"hostile.pth needs \w+\.\w+, which is not supported"):
        read_weights(path)
    assert not made.exists()
    if way != "class":
        pickle.loads(pickled)  # what would have happened
        assert made.exists()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"shape": (5,)}, "a tensor needs more numbers than the file stores"),
        (
            {"shape": (1 << 30,), "strides": (0,)},
            "has 4294967296 bytes in a.bias, more than any layer of this project's networks",
        ),
        ({"shape": (1 << 20,), "strides": (0,)}, "a tensor needs more numbers than the file stores"),
        ({"offset": 1}, "a tensor needs more numbers than the file stores"),
        ({"strides": (1 << 30,)}, "a tensor needs more numbers than the file stores"),
        ({"offset": -1}, "a tensor has a negative or impossible size"),
        ({"strides": (-1,)}, "a tensor has a negative or impossible size"),
        ({"shape": (2, 2)}, "a tensor has no storage, or fewer strides than sizes"),
        ({"key": "1"}, "is damaged, or is not in the form PyTorch state dict: .*archive/data/1"),
        ({"key": "../../secret"}, "is damaged, or is not in the form PyTorch state dict: .*secret"),
        ({"kind": "OddStorage"}, "needs torch.OddStorage"),
    ],
)
def test_a_tensor_never_reaches_beyond_its_numbers(tmp_path, asked, sentence):
    path = zipped(tmp_path / "a.pth", tensor_pickle(**asked), **{"0": bytes(16)})
    with pytest.raises(OpenPoseLabError, match=sentence):
        read_weights(path)


def test_two_networks_in_one_file_are_refused():
    with pytest.raises(
        OpenPoseLabError, match=r"has a/bias twice, the second time in ema.a.bias; save only one network"
    ):
        pytorch._named({"state_dict.a.bias": np.zeros(2), "ema.a.bias": np.ones(2)})


@pytest.mark.parametrize("prefix", ["", "state_dict.", "state_dict.module."])
def test_another_project_s_network_is_named(prefix):
    """lightweight-human-pose-estimation.pytorch numbers its layers, and normalises in batches."""
    names = ("model.0.0.weight", "model.0.1.weight", "cpm.align.0.weight", "initial_stage.trunk.0.0.weight")
    with pytest.raises(
        OpenPoseLabError,
        match=r"^is from lightweight-human-pose-estimation.pytorch, which is not this project's network lightweight",
    ):
        pytorch._named({prefix + name: np.zeros(2) for name in names})


@pytest.mark.parametrize("name", ["torch_state.pth", "torch_state_before_1_6.pth"])
def test_files_cut_anywhere_are_refused(tmp_path, name):
    data = (DATA / name).read_bytes()
    path = tmp_path / "cut.pth"
    for size in range(1, len(data), 37):
        path.write_bytes(data[:size])
        with pytest.raises(OpenPoseLabError, match="cut.pth (is|has|needs) "):
            read_weights(path)
