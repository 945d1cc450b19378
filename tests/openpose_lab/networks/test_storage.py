"""This project's own weights file, both directions, and the record beside it."""

import hashlib
import json

import numpy as np
import pytest

pytest.importorskip("h5py")

import h5py

from estimation.errors import OpenPoseLabError
from openpose_lab.checksums import checksum
from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.loading import import_weights
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes.keras import set_weights
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow
from openpose_lab.networks.storage import _NETWORK, encode, read_record, record_path
from tests.support.hdf5_files import BIAS, KERNEL, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.any"


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


def test_damaged_files(path):
    write(path, {"layers/conv2d/vars/0": KERNEL})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(
        OpenPoseLabError, match="weights.any is damaged, or is not in the form Keras weights: .*truncated"
    ):
        read_weights(path)
    for layer, most in (("conv2d", 2), ("batch_normalization_3", 4)):
        write(path, {f"layers/{layer}/vars/{k}": BIAS for k in range(5)})
        with pytest.raises(
            OpenPoseLabError, match=f"has 5 variables in layer {layer}, but at most {most} were expected"
        ):
            read_weights(path)
    write(path, {"notes": np.array([1, 2])})
    with pytest.raises(OpenPoseLabError, match=r"weights.any \(Keras weights\) holds no weights that can be used"):
        read_weights(path)


def built(name):
    return NETWORKS[name].build(NETWORKS[name].layout)


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
    set_weights(model, arrays, path, "plain")
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
    with pytest.raises(OpenPoseLabError, match=rf"the layer inner \({kind}\) has weights outside its own variables"):
        encode(model, "any", half=False)
    model.save_weights(tmp_path / "theirs.weights.h5")
    with pytest.raises(OpenPoseLabError, match="has weights in layers/.*, inside a layer that contains other layers"):
        read_weights(tmp_path / "theirs.weights.h5")


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_what_is_kept_can_be_read_here_and_by_keras(mobilenet_weights, tmp_path, half):
    source = mobilenet_weights
    out = tmp_path / "mine.weights.h5"
    assert import_weights(source, out=out, half=half) == out
    first, second = (read_weights(path)[1] for path in (source, out))
    assert first.arrays.keys() == second.arrays.keys()
    assert second.network == "mobilenet_thin"
    for name, array in first.arrays.items():
        assert second.arrays[name].dtype == (np.float16 if half else np.float32)
        np.testing.assert_array_equal(second.arrays[name], array.astype(np.float16) if half else array)
    model = built("mobilenet_thin")
    model.load_weights(out)
    np.testing.assert_array_equal(model.get_layer("Conv2d_0").get_weights()[0], second.arrays["Conv2d_0/kernel"])
    assert out.stat().st_size < source.stat().st_size / (1.7 if half else 0.99)

    assert json.loads((tmp_path / "mine.weights.json").read_text())["sha256"] == checksum(out, "sha256")
    assert read_record(out) == read_record(source)  # what it was first made from, with the licence
    assert read_record(out)["licence"] == "Apache-2.0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.weights.h5", "mine.weights.json"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_the_groups_are_named_as_keras_names_them(tmp_path, name):
    model = built(name)
    model.save_weights(tmp_path / "theirs.weights.h5")
    (tmp_path / "ours.weights.h5").write_bytes(encode(model, name, half=False))
    theirs, ours = (h5py.File(tmp_path / f"{whose}.weights.h5") for whose in ("theirs", "ours"))
    with theirs, ours:
        paths = {}
        theirs.visititems(lambda path, item: paths.update({path: item}) if isinstance(item, h5py.Dataset) else None)
        assert len(paths) == len(model.weights)
        for path, item in paths.items():
            np.testing.assert_array_equal(item, ours[path])
            assert item.parent.attrs["name"] == ours[path].parent.attrs["name"]


@pytest.mark.slow
def test_weights_too_large_for_float16():
    model = built("mobilenet_thin")
    layer = model.get_layer("Conv2d_0")
    layer.set_weights([layer.get_weights()[0], np.full(24, 1e6)])
    with pytest.raises(OpenPoseLabError, match="the weights of layer Conv2d_0 are too large for float16"):
        encode(model, "mobilenet_thin", half=True)


def test_the_json_lies_beside(tmp_path):
    for name, expected in (("a.weights.h5", "a.weights.json"), ("a.h5", "a.h5.json"), ("a.json", "a.json.json")):
        assert record_path(tmp_path / name) == tmp_path / expected


ORIGIN = {"files": {"a.npz": "12"}, "form": "NumPy archive", "network": "n", "published_as": None, "licence": "free"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"sha256": 1, "made_from": 2}',
        b"\xff\xfe\xff",
        100_000 * "[",
        '{"a":' * 100_000,
        "9" * 100_000,
        *(
            json.dumps({"sha256": hashlib.sha256(b"any").hexdigest(), "made_from": made_from})
            for made_from in (
                {"x": 1},
                {**ORIGIN, "files": {}},
                {**ORIGIN, "files": [["a", "b"]]},
                {**ORIGIN, "files": {"a.npz": 12}},
                {**ORIGIN, "licence": None},
                {**ORIGIN, "published_as": 3},
            )
        ),
    ],
)
def test_a_damaged_json(tmp_path, text):
    path = tmp_path / "a.weights.h5"
    path.write_bytes(b"any")
    assert read_record(path) is None
    record_path(path).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(OpenPoseLabError, match="a.weights.json is damaged; delete it, or import the weights again"):
        read_record(path)


def test_a_json_without_an_end(tmp_path):
    path = tmp_path / "a.weights.h5"
    path.write_bytes(b"any")
    with record_path(path).open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OpenPoseLabError, match="a.weights.json is larger than 1 MB, so it is no record of weights"):
        read_record(path)
