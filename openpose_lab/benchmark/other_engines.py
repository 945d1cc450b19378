"""Other libraries that execute networks, as ONNX files: ONNX Runtime, and the DNN module of OpenCV.

The project does not use them. They stand in the benchmark for comparison.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.quiet import silent_stderr
from openpose_lab.networks.catalogue import find_network
from openpose_lab.networks.loading import find_weights
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes.base import BatchMaps, stage_names

Compute = Callable[[NDArray[np.uint8]], BatchMaps]
"""From a photo (h, w, 3) BGR uint8, with sides that are multiples of the stride, to its maps."""
_OPSET = 17  # of ONNX; what OpenCV 4.13 reads too
_INPUT = "photos"


@dataclass(frozen=True)
class OnnxFile:
    """A network as an ONNX file.

    Attributes:
        data: The file.
        outputs: The names of the last heatmaps and of the last PAFs, (n, h / stride, w / stride, channels) float32.
        channels: The order of the input's colours, as in ``NetworkSpec.channels``. The input is (n, h, w, 3) uint8.
    """

    data: bytes
    outputs: tuple[str, str]
    channels: str


@dataclass(frozen=True)
class Engine:
    """A library that executes ONNX files.

    Attributes:
        title: What it is called in tables.
        needs: The packages that it and the making of the file need, beside TensorFlow.
        load: Makes a file ready to run.
    """

    title: str
    needs: tuple[str, ...]
    load: Callable[[OnnxFile], Compute]


def load_with(engine: Engine, network: str) -> Compute:
    """Make a network ready to run in another library.

    Args:
        engine: The library.
        network: The network's name.

    Returns:
        A function from a photo to its maps. It raises OpenPoseLabError if the library fails.

    Raises:
        OpenPoseLabError: The library, or what makes the ONNX file, fails.
    """
    try:
        with silent_stderr():  # OpenCV prints what it then raises
            return engine.load(make_onnx(network))
    except Exception as error:
        raise _told(error) from error


def _told(error: Exception) -> OpenPoseLabError:
    """What a library raises as an error of the project: each library has errors of its own."""
    return error if isinstance(error, OpenPoseLabError) else OpenPoseLabError(f"{type(error).__name__}: {error}")


@lru_cache(maxsize=1)  # two engines, one after the other, take the same file
def make_onnx(network: str) -> OnnxFile:
    """Make an ONNX file of a network with its own weights, in float32, through Keras and tf2onnx.

    Args:
        network: The network's name.

    Returns:
        The file, which takes photos of every size.
    """
    from openpose_lab.networks.runtimes.keras import build_trained

    spec, path = find_network(network), find_weights(network)
    model = build_trained(spec, read_weights(path)[1].arrays, path)
    last = {kind: name for stage in stage_names(model.output) for kind, name in stage.items()}
    outputs = last["heatmaps"], last["pafs"]

    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, None, None, 3), tf.uint8, name=_INPUT)]
    function = tf.function(
        lambda photos: {name: model(photos, training=False)[name] for name in outputs}, input_signature=signature
    )
    graph, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=_OPSET)
    return OnnxFile(graph.SerializeToString(), outputs, spec.channels)


def _with_onnx_runtime(file: OnnxFile) -> Compute:
    import onnxruntime

    session = onnxruntime.InferenceSession(file.data, providers=["CPUExecutionProvider"])
    return _computing(file, lambda batch: session.run(list(file.outputs), {_INPUT: batch}))


def _with_opencv(file: OnnxFile, engine: str = "") -> Compute:
    import cv2

    if engine and not hasattr(cv2.dnn, engine):
        raise OpenPoseLabError(f"OpenCV {cv2.__version__} has no {engine}")
    choice = [getattr(cv2.dnn, engine)] if engine else []
    with tempfile.TemporaryDirectory(
        prefix="openpose-lab-"
    ) as folder:  # of a file in memory, OpenCV 5 ignores the choice
        path = Path(folder, "network.onnx")
        path.write_bytes(file.data)
        net: Any = cv2.dnn.readNetFromONNX(str(path), *choice)

    def run(batch: NDArray[np.uint8]) -> Any:
        net.setInput(batch)
        return net.forward(list(file.outputs))

    return _computing(file, run)


def _with_classic_opencv(file: OnnxFile) -> Compute:
    return _with_opencv(file, "ENGINE_CLASSIC")


def _computing(file: OnnxFile, run: Callable[[NDArray[np.uint8]], Any]) -> Compute:
    """A function from a photo to its maps, of one that runs a library on a batch."""

    def compute(photo: NDArray[np.uint8]) -> BatchMaps:
        batch = np.ascontiguousarray(photo[None, :, :, ::-1] if file.channels == "rgb" else photo[None])
        try:
            heatmaps, pafs = run(batch)
        except Exception as error:
            raise _told(error) from error
        return BatchMaps(np.asarray(heatmaps), np.asarray(pafs))

    return compute


ENGINES = {
    "onnxruntime": Engine("ONNX Runtime", ("onnx", "tf2onnx", "onnxruntime"), _with_onnx_runtime),
    "opencv": Engine("OpenCV's DNN", ("onnx", "tf2onnx"), _with_opencv),
    "opencv_classic": Engine("OpenCV's DNN, classic", ("onnx", "tf2onnx"), _with_classic_opencv),
}
"""The libraries by name. OpenCV 5 has a new engine, which is its default, and that of OpenCV 4."""
