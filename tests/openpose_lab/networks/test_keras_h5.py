"""Keras weights in HDF5: this project's own, and those of Keras 1 and 2."""

import h5py
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.keras_h5 import _NETWORK, encode
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow
from openpose_lab.networks.weights_file import read_weights, set_weights

KERNEL = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
BIAS = np.array([1, 2], np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.any"


def write(path, arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


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
    assert form == "Keras weights"
    assert sorted(trained.arrays) == ["conv1_1/bias", "conv1_1/kernel", "prelu4_2/alpha"]
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"], KERNEL[:, :, ::-1])  # they see BGR


def test_keras_3_files_by_layer_name(path):
    write(path, {"layers/conv2d/vars/0": KERNEL, "layers/conv2d/vars/1": BIAS, "layers/p_re_lu/vars/0": BIAS})
    write_names = {"layers/conv2d/vars": "conv1_1", "layers/p_re_lu/vars": "prelu4_2"}
    with h5py.File(path, "a") as file:
        for group, name in write_names.items():
            file[group].attrs["name"] = name
        file.attrs[_NETWORK] = "vgg19"
    trained = read_weights(path)[1]
    assert trained.network == "vgg19"
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"], KERNEL)  # this project's models see RGB
    np.testing.assert_array_equal(trained.arrays["prelu4_2/alpha"], BIAS)


@pytest.mark.parametrize("scale", [1 / 255, 1 / 256, np.nan, "none"])
def test_the_scale_that_files_once_stated_is_ignored(path, scale):
    write(path, {"layers/conv2d/vars/0": KERNEL, "layers/conv2d/vars/1": BIAS})
    with h5py.File(path, "a") as file:
        file["layers/conv2d/vars"].attrs["name"] = "conv1_1"
        file.attrs.update({_NETWORK: "vgg19", "openpose_lab_scale": scale})
    trained = read_weights(path)[1]
    assert trained.network == "vgg19"
    np.testing.assert_array_equal(trained.arrays["conv1_1/kernel"], KERNEL)


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
    with h5py.File(path, "a") as file:
        outside = [(str(tmp_path / "raw"), 0, KERNEL.nbytes)]
        file.create_dataset("conv2_1/kernel", KERNEL.shape, KERNEL.dtype, external=outside)
    with pytest.raises(OpenPoseLabError, match="keeps conv2_1/kernel in another file, which is not opened"):
        read_weights(path)


def test_damaged_files(path):
    write(path, {"conv1_1/kernel": KERNEL})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(OpenPoseLabError, match="weights.any is damaged, or no Keras weights after all: .*truncated"):
        read_weights(path)
    for layer, most in (("conv2d", 2), ("batch_normalization_3", 4)):
        write(path, {f"layers/{layer}/vars/{k}": BIAS for k in range(5)})
        with pytest.raises(
            OpenPoseLabError, match=f"has 5 variables in layer {layer}, where {most} at most were expected"
        ):
            read_weights(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("conv1_1/kernel", (1 << 30, 1 << 10), np.float32, chunks=(1 << 10, 1))
    with pytest.raises(OpenPoseLabError, match="has 4398046511104 bytes in conv1_1/kernel, more than any layer here"):
        read_weights(path)
    write(path, {"notes": np.array([1, 2])})
    with pytest.raises(OpenPoseLabError, match=r"weights.any \(Keras weights\) has no weights in it"):
        read_weights(path)


def plain_model(seed=None):
    """Standard layers, several of a class, some that keep nothing and some with a random state of their own."""
    load_tensorflow()
    import keras
    from keras import layers

    class RGBConv2D(layers.Conv2D):
        """The capitals of its name are split in Keras's own way."""

    image = x = keras.Input((16, 16, 3))
    for layer in (
        layers.RandomFlip(),
        layers.Normalization(axis=-1),
        layers.Conv2D(4, 3, use_bias=False),
        layers.BatchNormalization(name="bn"),
        layers.PReLU(shared_axes=[1, 2]),
        layers.Dropout(0.5),
        layers.SeparableConv2D(4, 3),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(3),
        layers.GroupNormalization(2),
        layers.Conv2DTranspose(6, 3),
        layers.LayerNormalization(),
        layers.SeparableConv2D(4, 3, use_bias=False),
        RGBConv2D(2, 1, name="second"),
        layers.GaussianNoise(0.1),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
        layers.Dense(2, use_bias=False),
    ):
        x = layer(x)
    model = keras.Model(image, x)
    if seed is not None:
        random = np.random.RandomState(seed)
        for variable in model.weights:
            # whole numbers, so that the integers among the variables keep them
            variable.assign(random.randint(1, 1000, variable.shape))
    return model


def same_weights(first, second):
    assert len(first.weights) == len(second.weights) == 31
    return all(np.array_equal(one, other) for one, other in zip(first.get_weights(), second.get_weights()))


def loaded_here(path, layers):
    """A new plain model with the weights in a file. Keras numbers its layers anew, so the arrays are renamed."""
    model = plain_model()
    names = {theirs.name: ours.name for theirs, ours in zip(layers, model.layers)}
    arrays = {}
    for variable, array in read_weights(path)[1].arrays.items():
        layer, name = variable.split("/")
        arrays[f"{names[layer]}/{name}"] = array
    set_weights(model, arrays, path)
    return model


@pytest.mark.slow
def test_what_is_encoded_is_read_here_and_by_keras(tmp_path):
    model = plain_model(seed=1)
    path = tmp_path / "ours.weights.h5"
    path.write_bytes(encode(model, "any", half=False))
    by_keras = plain_model()
    assert not same_weights(model, by_keras)
    by_keras.load_weights(path)
    assert same_weights(model, by_keras)
    assert same_weights(model, loaded_here(path, model.layers))


@pytest.mark.slow
def test_variables_are_read_by_the_names_they_were_written_with(tmp_path):
    """A normalisation without gamma has three variables, which their number alone does not tell."""
    load_tensorflow()
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(scale=False, name="bn")])
    (tmp_path / "a.weights.h5").write_bytes(encode(model, "any", half=True))
    assert list(read_weights(tmp_path / "a.weights.h5")[1].arrays) == [
        "bn/beta",
        "bn/moving_mean",
        "bn/moving_variance",
    ]


@pytest.mark.slow
def test_what_keras_saved_is_read_here(tmp_path):
    model = plain_model(seed=2)
    import keras

    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), "mse")
    model.optimizer.build(model.trainable_variables)
    path = tmp_path / "theirs.weights.h5"
    model.save_weights(path)
    with h5py.File(path) as file:
        assert "optimizer" in file  # whose variables are left alone
    assert same_weights(model, loaded_here(path, model.layers))


@pytest.mark.slow
def test_the_same_arrays_are_stored_where_keras_stores_them(tmp_path):
    model = plain_model(seed=3)
    model.save_weights(tmp_path / "theirs.weights.h5")
    (tmp_path / "ours.weights.h5").write_bytes(encode(model, "any", half=False))
    theirs, ours = (stored(tmp_path / f"{whose}.weights.h5") for whose in ("theirs", "ours"))
    assert theirs.keys() == ours.keys()
    assert "layers/rgb_conv2d/vars/1" in ours
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


def stored(path):
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return arrays


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["LSTM", "TimeDistributed", "Sequential"])
def test_a_layer_that_holds_layers_is_refused(tmp_path, kind):
    load_tensorflow()
    import keras
    from keras import layers

    inner = {
        "LSTM": lambda: layers.LSTM(3, name="inner"),
        "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(2), name="inner"),
        "Sequential": lambda: keras.Sequential([layers.Dense(2)], name="inner"),
    }[kind]()
    model = keras.Sequential([keras.Input((4, 3)), layers.Dense(3), inner])
    with pytest.raises(OpenPoseLabError, match=rf"the layer inner \({kind}\) keeps weights outside its own variables"):
        encode(model, "any", half=False)
    model.save_weights(tmp_path / "theirs.weights.h5")
    with pytest.raises(OpenPoseLabError, match="has weights in layers/.*, inside a layer that contains other layers"):
        read_weights(tmp_path / "theirs.weights.h5")
