"""The weights that a network starts from."""

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

pytestmark = pytest.mark.slow


def test_random_weights_fit_to_photos():
    """Before the activation, each channel has mean 0 and the deviation of its kind of layer. Kept layers stay."""
    use_tensorflow()
    import keras

    from openpose_lab.training.start import fit_to_photos

    keras.utils.set_random_seed(0)
    photo = keras.Input((None, None, 3), dtype="uint8")
    # Most layers have no activation, so the test can read their values before the activation from their outputs.
    x = keras.layers.Rescaling(1 / 255)(photo)
    kept = keras.layers.Conv2D(5, 3, padding="same", name="kept")(x)
    one = keras.layers.DepthwiseConv2D(3, padding="same")(kept)
    two = keras.layers.SeparableConv2D(5, 3, padding="same")(one)
    added = keras.layers.Add()([one, two])
    three = keras.layers.PReLU(shared_axes=[1, 2])(keras.layers.Conv2D(6, 1, name="three")(added))
    bent = keras.layers.Conv2D(6, 1, activation="relu", name="bent")(three)
    answer = keras.layers.Conv2D(2, 1)(bent)
    model = keras.Model(photo, {"stage1_pafs": answer})
    photos = np.random.default_rng(0).integers(0, 256, (2, 16, 12, 3)).astype(np.uint8)
    before = [variable.numpy() for variable in model.get_layer("kept").weights]

    fit_to_photos(model, photos, {"kept"})

    for variable, value in zip(model.get_layer("kept").weights, before):
        np.testing.assert_array_equal(variable.numpy(), value)
    places = {"depthwise": one, "residual": two, "plain": model.get_layer("three").output, "answer": answer}
    values = keras.Model(photo, places).predict(photos, verbose=0)
    for name, spread in {"depthwise": 1, "residual": 0.3, "plain": 1, "answer": 0.03}.items():
        np.testing.assert_allclose(values[name].mean(axis=(0, 1, 2)), 0, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(values[name].std(axis=(0, 1, 2)), spread, rtol=1e-4, err_msg=name)
    assert model.get_layer("bent").activation is keras.activations.relu


def test_a_channel_that_answers_the_same_everywhere_is_not_scaled():
    use_tensorflow()
    import keras

    from openpose_lab.training.start import fit_to_photos

    photo = keras.Input((None, None, 3), dtype="uint8")
    answer = keras.layers.Conv2D(2, 1)(keras.layers.Rescaling(1 / 255)(photo))
    model = keras.Model(photo, {"stage1_pafs": answer})
    kernel = model.layers[-1].kernel.numpy()
    fit_to_photos(model, np.full((1, 8, 8, 3), 90, np.uint8))
    np.testing.assert_array_equal(model.layers[-1].kernel.numpy(), kernel)
    np.testing.assert_allclose(
        model.predict(np.full((1, 8, 8, 3), 90, np.uint8), verbose=0)["stage1_pafs"], 0, atol=1e-6
    )


@pytest.fixture
def vgg19(monkeypatch):
    """VGG-19 of keras.applications, with random weights instead of ImageNet's."""
    use_tensorflow()
    import keras

    keras.utils.set_random_seed(0)
    model = keras.applications.VGG19(include_top=False, weights=None)
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(keras.random.normal(layer.bias.shape))
    monkeypatch.setattr(keras.applications, "VGG19", lambda include_top: model)
    return model


def check_front(start, vgg19):
    """Check that a front equals VGG-19 except at the edges: one pads with grey, the other with the mean."""
    import keras

    photo = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3)).astype(np.uint8)  # RGB
    own = keras.Model(start.model.input, start.model.get_layer("conv4_2").output)
    theirs = keras.Model(vgg19.input, vgg19.get_layer("block4_conv2").output)
    answer = np.asarray(own(photo))
    expected = np.asarray(theirs(keras.applications.vgg19.preprocess_input(photo.astype(np.float32))))
    middle = slice(6, -6), slice(6, -6)  # conv4_2 sees 84 pixels, ten cells and a half
    assert expected[0][middle].max() > 1
    np.testing.assert_allclose(answer[0][middle], expected[0][middle], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("form", ["fetched", "imagenet.weights.h5"])
def test_a_front_of_imagenet(vgg19, form, tmp_path):
    from openpose_lab.networks.catalogue import find_network
    from openpose_lab.training import IMAGENET
    from openpose_lab.training.start import start_network

    front = IMAGENET
    if form != "fetched":
        front = tmp_path / form
        vgg19.save_weights(front)
    spec = find_network("vgg19")
    start = start_network(spec, spec.layout, front=front)
    assert len(start.loaded) == 10
    check_front(start, vgg19)


def test_imagenet_s_weights_that_cannot_be_fetched(monkeypatch):
    use_tensorflow()
    import keras

    from openpose_lab.training.start import fetch_imagenet

    def fail(**_):
        raise Exception("URL fetch failure on https://example.org/vgg19.h5: None -- no route")

    monkeypatch.setattr(keras.applications, "VGG19", fail)
    with pytest.raises(OpenPoseLabError) as caught:
        fetch_imagenet()
    assert str(caught.value) == (
        "VGG-19's ImageNet weights cannot be downloaded (URL fetch failure on https://example.org/vgg19.h5: None -- no "
        "route); download them on another computer, and give the file with --front FILE"
    )


def test_a_front_that_is_not_vgg19_is_refused_before_the_download(monkeypatch):
    use_tensorflow()
    from openpose_lab.networks import NETWORKS
    from openpose_lab.training import IMAGENET, start

    monkeypatch.setattr(start, "fetch_imagenet", lambda: pytest.fail("the weights were downloaded"))
    spec = NETWORKS["lightweight"]
    with pytest.raises(OpenPoseLabError, match="the front of lightweight is not a VGG-19"):
        start.start_network(spec, spec.layout, None, IMAGENET)
