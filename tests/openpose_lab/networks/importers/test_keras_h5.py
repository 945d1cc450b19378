"""Weights of Keras 1 and 2 in HDF5."""

import numpy as np
import pytest

pytest.importorskip("h5py")

import h5py

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.reading import read_weights
from tests.support.hdf5_files import BIAS, KERNEL, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.any"


@pytest.mark.parametrize(
    "names",
    [
        ("conv1_1/conv1_1/kernel:0", "conv1_1/conv1_1/bias:0", "prelu4_2/prelu4_2/alpha:0"),  # Keras 2
        ("conv1_1/conv1_1_W", "conv1_1/conv1_1_b", "prelu4_2/prelu4_2_alpha"),  # Keras 1
        ("conv1_1/conv1_1_W_1:0", "conv1_1/conv1_1_b_1:0", "prelu4_2/prelu4_2_alpha_1:0"),
        (
            "model_weights/conv1_1/conv1_1/kernel:0",
            "model_weights/conv1_1/conv1_1/bias:0",
            "model_weights/prelu4_2/alpha",
        ),
        ("conv1_1/conv1_1_1/kernel:0", "conv1_1/conv1_1_1/bias:0", "prelu4_2/prelu4_2/alpha"),
    ],
)
def test_old_files_by_layer_name(path, names):
    arrays = dict(zip(names, (KERNEL, BIAS, BIAS.reshape(1, 1, 2))))
    write(path, {**arrays, "optimizer_weights/conv1_1/kernel:0": KERNEL, "top/steps": 3})
    form, trained = read_weights(path)
    assert form == "Keras 1 or 2 weights"
    assert sorted(trained.arrays) == ["conv1_1/bias", "conv1_1/kernel", "prelu4_2/alpha"]
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"], KERNEL[:, :, ::-1])  # they see BGR


def test_what_keras_3_saves_as_h5_sees_rgb(path):
    """Its save_weights("x.h5") and save("x.h5") still write the old form."""
    names = ("conv1_1/kernel", "sep/sep/depthwise_kernel", "sep/sep/pointwise_kernel")
    for folder in ("", "model_weights/"):
        write(path, {folder + name: KERNEL for name in names})
        with h5py.File(path, "a") as file:
            file[folder or "/"].attrs["keras_version"] = "3.12.1"
        trained = read_weights(path)[1]
        assert sorted(trained.arrays) == ["conv1_1/kernel", "sep/depthwise_kernel", "sep/pointwise_kernel"]
        np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"], KERNEL)


def test_two_networks_in_one_file_are_refused(path):
    write(path, {"conv1_1/kernel": KERNEL, "model_weights/conv1_1/kernel": KERNEL})
    with pytest.raises(
        OpenPoseLabError, match="has conv1_1/kernel twice, the second time in model_weights/conv1_1/kernel"
    ):
        read_weights(path)


def test_other_files_are_not_read_through_this_one(path, tmp_path):
    write(tmp_path / "secret", {"kernel": KERNEL})
    KERNEL.tofile(tmp_path / "raw")
    write(path, {"conv1_1/bias": BIAS})
    with h5py.File(path, "a") as file:
        file["conv1_1/kernel"] = h5py.ExternalLink(str(tmp_path / "secret"), "kernel")
        file["conv1_2"] = h5py.SoftLink("/conv1_1")
    assert list(read_weights(path)[1].arrays) == ["conv1_1/bias"]
    with h5py.File(tmp_path / "secret", "a") as file:
        file.attrs["keras_version"] = "3"
    write(tmp_path / "linked", {"conv1_1/kernel": KERNEL})
    with h5py.File(tmp_path / "linked", "a") as file:
        file["model_weights"] = h5py.ExternalLink(str(tmp_path / "secret"), "/")
    np.testing.assert_array_equal(read_weights(tmp_path / "linked")[1].arrays["conv1_1/kernel"], KERNEL[:, :, ::-1])
    with h5py.File(path, "a") as file:
        outside = [(str(tmp_path / "raw"), 0, KERNEL.nbytes)]
        file.create_dataset("conv2_1/kernel", KERNEL.shape, KERNEL.dtype, external=outside)
    with pytest.raises(OpenPoseLabError, match="stores conv2_1/kernel in another file, which is not read"):
        read_weights(path)


def test_a_layer_that_is_too_large_is_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("conv1_1/kernel", (1 << 30, 1 << 10), np.float32, chunks=(1 << 10, 1))
    with pytest.raises(
        OpenPoseLabError,
        match="has 4398046511104 bytes in conv1_1/kernel, more than any layer of this project's networks",
    ):
        read_weights(path)
