"""The handout's main, retyped with the project's modules: its calls must go on working."""

import importlib
import time

import cv2
import numpy as np
import pytest

from estimation.config import get_default_configuration
from estimation.connections import get_connections
from estimation.coordinates import get_coordinates
from estimation.estimators import estimate
from estimation.renderers import draw
from tests.conftest import ROOT


@pytest.mark.slow
def test_the_handout_s_main(tmp_path):
    import tensorflow as tf

    input_image = str(ROOT / "images" / "skiers.jpg")
    output_image = str(tmp_path / "output.png")

    create_model = getattr(importlib.import_module("models"), "create_openpose")
    model = create_model()  # the handout loads weights here

    img = cv2.imread(input_image)  # B,G,R order
    input_img = img[np.newaxis, :, :, [2, 1, 0]]
    inputs = tf.convert_to_tensor(input_img)

    outputs = model.predict(inputs)
    pafs = outputs[10][0, ...]
    heatmaps = outputs[11][0, ...]

    cfg = get_default_configuration()
    coordinates = get_coordinates(cfg, heatmaps)
    connections = get_connections(cfg, coordinates, pafs)

    x = time.time()
    skeletons = estimate(cfg, connections)
    y = time.time()
    print(y - x)

    output = draw(cfg, img, coordinates, skeletons, resize_fac=8)
    assert cv2.imwrite(output_image, output)
    assert cv2.imread(output_image).shape == img.shape


@pytest.mark.slow
def test_the_handout_s_steps_on_trained_maps(mobilenet):
    """The same calls on maps in which there are people."""
    img = cv2.resize(cv2.imread(str(ROOT / "images" / "skiers.jpg")), (736, 368))
    maps = mobilenet(img)
    cfg = get_default_configuration()
    coordinates = get_coordinates(cfg, maps.heatmaps)
    connections = get_connections(cfg, coordinates, maps.pafs)
    skeletons = estimate(cfg, connections)
    output = draw(cfg, img, coordinates, skeletons, resize_fac=8)
    assert skeletons.shape == (5, 20)
    assert (output != img).any()
