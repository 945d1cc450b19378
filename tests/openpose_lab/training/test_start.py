"""The weights that a network starts from."""

import numpy as np
import pytest

from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

pytestmark = pytest.mark.slow


def test_random_weights_fit_to_photos():
    """Each channel has mean 0 and the variance that its place asks for, before the activation; kept layers stay."""
    use_tensorflow()
    import keras

    from openpose_lab.training.start import fit_to_photos

    keras.utils.set_random_seed(0)
    photo = keras.Input((None, None, 3), dtype="uint8")
    # No activations but in the last layer but one, so that the outputs themselves can be looked at.
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
