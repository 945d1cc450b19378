"""OpenVINO IR: graphs written by hand, and the Open Model Zoo's INT8 file, where it is at hand."""

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers import npz, openvino_ir
from openpose_lab.networks.reading import read_weights
from tests.support.ir_files import Graph

KERNEL = np.arange(2 * 3, dtype=np.float32).reshape(2, 3, 1, 1)
BIAS = np.array([0.5, -1], np.float32).reshape(1, 2, 1, 1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.xml"


def read(path):
    return read_weights(path)[1].arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("decompressed", [False, True], ids=["plain", "behind Convert"])
def test_floats(path, dtype, decompressed):
    graph = Graph()
    kernel, bias = graph.constant(KERNEL.astype(dtype)), graph.constant(BIAS.astype(dtype))
    if decompressed:
        kernel, bias = (graph.node("Convert", "c", source) for source in (kernel, bias))
    graph.convolution(kernel, bias)
    graph.save(path)
    for given in (path, path.with_suffix(".bin")):
        form, trained = read_weights(given)
        assert form == "OpenVINO IR"
        assert sorted(trained.arrays) == ["a_b/bias", "a_b/kernel"]
        np.testing.assert_array_equal(trained.arrays["a_b/kernel"], KERNEL.transpose(2, 3, 1, 0))
        np.testing.assert_array_equal(trained.arrays["a_b/bias"], BIAS.ravel())


def test_whole_numbers_become_floats_again(path):
    """kernel = (stored - zero point) * scale, one of each for every output channel."""
    graph = Graph()
    stored = graph.node("Convert", "f", graph.constant(np.array([[-128, 0], [127, 5]], np.int8).reshape(2, 2, 1, 1)))
    zero, scale = (np.array(values, np.float16).reshape(2, 1, 1, 1) for values in ([0, 2], [0.5, 0.25]))
    shifted = graph.node("Subtract", "s", stored, graph.constant(zero))
    graph.convolution(graph.node("Multiply", "m", shifted, graph.constant(scale)), name="c")
    np.testing.assert_array_equal(read(graph.save(path))["c/kernel"][0, 0].T, [[-64, 0], [31.25, 0.75]])


def test_fake_quantize(path):
    """Five levels between -1 and 1 are -1, -0.5, 0, 0.5, 1; here spread from -2 to 2."""
    graph = Graph()
    ranges = [graph.constant(np.float32(value).reshape(1)) for value in (-1, 1, -2, 2)]
    x = graph.constant(np.array([-3, -0.6, 0.2, 0.3], np.float32).reshape(4, 1, 1, 1))
    graph.convolution(graph.node("FakeQuantize", "q", x, *ranges, data='<data levels="5"/>'), name="c")
    np.testing.assert_allclose(read(graph.save(path))["c/kernel"].ravel(), [-2, -1, 0, 1])


def test_depthwise(path):
    graph = Graph()
    kernel = graph.constant(np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3))
    grouped = graph.node("Reshape", "r", kernel, graph.constant(np.array([2, 1, 1, 3, 3])))
    graph.convolution(grouped, name="c/dw", kind="GroupConvolution")
    found = read(graph.save(path))["c_dw/kernel"]
    assert found.shape == (3, 3, 2, 1)
    np.testing.assert_array_equal(found[:, :, 1, 0], np.arange(9, 18).reshape(3, 3))


def test_a_bias_may_come_first(path):
    graph = Graph()
    bias = graph.constant(BIAS)
    graph.node("Add", "any", bias, graph.convolution(graph.constant(KERNEL), name="c"))
    np.testing.assert_array_equal(read(graph.save(path))["c/bias"], BIAS.ravel())


def test_without_a_bias_it_is_zero(path):
    """As for three layers of the Open Model Zoo's FP32 and FP16 files."""
    graph = Graph()
    graph.node("ReLU", "r", graph.convolution(graph.constant(KERNEL), name="c"))
    np.testing.assert_array_equal(read(graph.save(path))["c/bias"], [0, 0])


def test_a_scale_that_is_not_folded_in_is_refused(path):
    graph = Graph()
    found = graph.convolution(graph.constant(KERNEL), name="c")
    graph.node("Multiply", "scaled", found, graph.constant(BIAS))
    with pytest.raises(OpenPoseLabError, match=r"has the operation Multiply \(scaled\) after a convolution"):
        read(graph.save(path))


def test_damaged_files(path):
    graph = Graph()
    graph.convolution(graph.constant(KERNEL))
    graph.save(path)
    text, binary = path.read_text(), path.with_suffix(".bin")
    for changed, sentence in (
        (text.replace("f32", "u4"), "stores constant0 as u4, which is not supported"),
        (
            text.replace("<edges>", "<e>").replace("</edges>", "</e>"),
            "is no OpenVINO IR: its element net contains no edges",
        ),
        (text[:-20], "is damaged, or is not in the form OpenVINO IR: "),
        (text.replace('offset="0"', 'offset="-1"'), "has a .bin that is cut short"),
        (text.replace("Const", "Tile"), r"computes weights with Tile \(constant0\), which is not supported"),
        (text.replace("<net", "<!DOCTYPE net [<!ENTITY a 'b'>]><net"), "has an XML document type"),
        (text.replace('from-layer="0"', 'from-layer="9"'), "is damaged, or is not in the form OpenVINO IR: "),
    ):
        path.write_text(changed)
        with pytest.raises(OpenPoseLabError, match=sentence):
            read(path)
    path.write_text(text)
    binary.write_bytes(graph.binary[:-1])
    with pytest.raises(OpenPoseLabError, match="has a .bin that is cut short: it ends before constant0"):
        read(path)
    binary.unlink()
    with pytest.raises(OpenPoseLabError, match=r"without its weights; put net.bin beside it"):
        read(path)


def test_a_graph_that_feeds_itself_ends(path):
    graph = Graph()
    loop = graph.node("Convert", "c", 0)
    graph.convolution(loop, graph.constant(BIAS))
    with pytest.raises(
        OpenPoseLabError, match="is damaged: the operations that give its weights form a loop or a long chain"
    ):
        read(graph.save(path))


@pytest.mark.slow
def test_int8_weights_are_what_they_were(shared_data):
    """Another program's floats of the same file, in float16."""
    folder = shared_data / "lightweight_hpe0001"
    found = openvino_ir.read(folder / "human-pose-estimation-0001.xml").arrays
    expected = npz.read(folder / "dequantised_f16.npz").arrays
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-3 * np.abs(expected[name]).max())
