"""Other libraries that execute networks, from ONNX files: ONNX Runtime, and the DNN module of OpenCV.

The project does not use them. The benchmark includes them for comparison.
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
"""A function from a photo (h, w, 3) BGR uint8, with sides that are multiples of the stride, to its maps."""
_OPSET = 17  # version of ONNX's operators that OpenCV 4.13 reads too
_INPUT = "photos"


@dataclass(frozen=True)
class OnnxFile:
    """A network as an ONNX file.

    Attributes:
        data: The content of the file.
        outputs: The names of the last heatmaps and of the last PAFs, (n, h / stride, w / stride, channels) float32.
        channels: The colour order of the input, as in ``NetworkSpec.channels``. The input is (n, h, w, 3) uint8.
    """

    data: bytes
    outputs: tuple[str, str]
    channels: str


@dataclass(frozen=True)
class Engine:
    """A library that executes ONNX files.

    Attributes:
        title: The name of the library in tables.
        needs: The packages that the library and the export to ONNX need, besides TensorFlow.
        load: A function that loads a file.
    """

    title: str
    needs: tuple[str, ...]
    load: Callable[[OnnxFile], Compute]


def load_with(engine: Engine, network: str) -> Compute:
    """Load a network in another library.

    Args:
        engine: The library.
        network: The network's name.

    Returns:
        A function from a photo to its maps. It raises OpenPoseLabError if the library fails.

    Raises:
        OpenPoseLabError: The library or the export to ONNX fails.
    """
    try:
        with silent_stderr():  # OpenCV prints an error before it raises it
            return engine.load(make_onnx(network))
    except Exception as error:
        raise _told(error) from error


def _told(error: Exception) -> OpenPoseLabError:
    """Convert a library's own error to an error of the project."""
    return error if isinstance(error, OpenPoseLabError) else OpenPoseLabError(f"{type(error).__name__}: {error}")


@lru_cache(maxsize=1)  # several engines in a row load the same file
def make_onnx(network: str) -> OnnxFile:
    """Export a network with its own weights to ONNX in float32, through Keras and tf2onnx.

    Args:
        network: The network's name.

    Returns:
        The file. Its network accepts photos of every size.
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
    ) as folder:  # OpenCV 5 ignores the choice of engine for a file in memory
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
    """Return a function from a photo to its maps, which calls ``run`` with a batch of one photo."""

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
"""The libraries by name. OpenCV 5 has two engines: a new one, which is the default, and the classic one of OpenCV 4."""
