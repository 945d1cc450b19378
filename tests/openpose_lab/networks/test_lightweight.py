"""The lightweight network against its published INT8 graph."""

import cv2
import numpy as np
import pytest

from estimation.photos import read_photo
from estimation.views import scale_to_height
from openpose_lab.extras import is_installed
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.runtimes.openvino_loading import load_openvino

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "lightweight_hpe0001"


@pytest.mark.skipif(not is_installed("openvino"), reason="needs openvino, which has no wheel for this system")
def test_heatmaps_go_with_those_of_the_int8_graph(shared_data, folder):
    """OpenVINO runs the published graph as it is, with its rounding between the layers."""
    load_openvino()
    load_openvino()
    import openvino

    network = load_network("lightweight", folder / "dequantised_f16.npz")
    core = openvino.Core()
    correlations = []
    for path in sorted((shared_data / "coco_public20" / "images").glob("*.jpg")):
        photo = scale_to_height(read_photo(path), 368)
        photo = np.ascontiguousarray(photo[:, : photo.shape[1] // 8 * 8])
        graph = core.read_model(folder / "human-pose-estimation-0001.xml")
        graph.reshape([1, 3, *photo.shape[:2]])
        outputs = core.compile_model(graph, "CPU")(photo.transpose(2, 0, 1)[np.newaxis].astype(np.float32))
        (expected,) = [maps[0].transpose(1, 2, 0) for maps in outputs.values() if maps.shape[1] == 19]
        parts = slice(0, 18)  # the background, nearly the same everywhere, would flatter
        found = network(photo).heatmaps[:, :, parts]
        correlations.append(np.corrcoef(found.ravel(), expected[:, :, parts].ravel())[0, 1])
    assert len(correlations) == 20
    assert np.sum(np.array(correlations) > 0.95) >= 15, np.round(correlations, 3)


def test_stride_two_pads_on_all_four_sides(rng):
    """OpenCV's filter, centred on every second pixel, knows nothing of Keras' padding."""
    from models.lightweight import build_lightweight

    model = build_lightweight()
    import keras

    first = keras.Model(model.input, model.get_layer("conv1").output)
    photo = rng.integers(0, 256, (16, 24, 3)).astype(np.uint8)
    kernel, bias = model.get_layer("conv1").get_weights()
    scaled = ((photo.astype(np.float64) - 128) / 255).astype(np.float32)
    expected = sum(
        cv2.filter2D(scaled[:, :, k], -1, kernel[:, :, k, 5], borderType=cv2.BORDER_CONSTANT)[::2, ::2]
        for k in range(3)
    )
    found = first.predict(photo[np.newaxis], verbose=0)[0, :, :, 5]
    np.testing.assert_allclose(found, np.maximum(expected + bias[5], 0), atol=1e-5)
