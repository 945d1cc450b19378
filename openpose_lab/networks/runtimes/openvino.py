"""The OpenVINO runtime: it starts in a fraction of a second, needs no TensorFlow, and computes in INT8.

Published files that hold a graph are executed as they are, if their checksum is the published one. Weights of every
other form pass through the importers and Keras once: Keras's graph becomes an OpenVINO graph, is compared with Keras on
a photo, and is kept. OpenVINO executes altered files without an error, so it never reads a file that is not checked.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
from openpose_lab.checksums import checksum
from openpose_lab.extras import require
from openpose_lab.kept_files import KeptFiles
from openpose_lab.networks.code import checksum_of_code
from openpose_lab.networks.published import Precision
from openpose_lab.networks.reading import files_of, read_weights
from openpose_lab.networks.runtimes.base import BatchMaps, RuntimeSpec, StageMaps, is_stage_name, stage_names
from openpose_lab.networks.runtimes.forks import check_process
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.paths import cache_folder, sample_photo

if TYPE_CHECKING:
    import keras
    import openvino as ov

FOLDER = cache_folder() / "openvino"
_MOST_BYTES = 2 << 30
_DEVICE = "CPU"
_TOLERANCE = 1e-4
"""Of the largest value of a map. Sums in another order differ by about 5e-6."""
_LEAST_DIFFERENCE = 1e-6
_CHECKED_HEIGHT = 128
"""Pixels of the photo on which a graph is compared with Keras."""


class OpenVinoRuntime:
    """An OpenVINO graph as a runtime. One compiled graph serves batches of every size."""

    def __init__(self, compile_graph: Callable[[bool], ov.CompiledModel]) -> None:
        """Compile a graph.

        Args:
            compile_graph: Compiles the graph, with the outputs of every stage or of the last one. The input is (n, h,
                w, 3) uint8. The outputs are named and shaped as those that ``NetworkSpec.build`` describes.
        """
        self._compile = compile_graph
        self._last_stage = compile_graph(False)
        self._every_stage: ov.CompiledModel | None = None
        self._lock = threading.Lock()  # a compiled graph takes one call at a time

    def run(self, batch: NDArray[np.uint8]) -> BatchMaps:
        """Compute the maps of the last stage: see ``Runtime.run``."""
        outputs = self._execute(self._last_stage, batch)
        last = {kind: name for stage in stage_names(outputs) for kind, name in stage.items()}
        return BatchMaps(outputs[last["heatmaps"]], outputs[last["pafs"]])

    def run_stages(self, batch: NDArray[np.uint8]) -> list[StageMaps]:
        """Compute the maps of every stage: see ``Runtime.run_stages``."""
        if self._every_stage is None:
            self._every_stage = self._compile(True)
        outputs = self._execute(self._every_stage, batch)
        stages = [{kind: outputs[name] for kind, name in stage.items()} for stage in stage_names(outputs)]
        return [StageMaps(stage.get("heatmaps"), stage.get("pafs")) for stage in stages]

    def _execute(self, graph: ov.CompiledModel, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        check_process("OpenVINO")
        with self._lock:
            return {_name(output): maps for output, maps in graph(batch).items()}


def load(spec: NetworkSpec, weights: Path, precision: Precision | None = None) -> OpenVinoRuntime:
    """Prepare a network with the weights of a file: see ``RuntimeSpec.load``."""
    check_process("OpenVINO")
    import openvino as ov

    core = ov.Core()
    files = files_of(weights)
    checksums = [checksum(file, "sha256", "weights file") for file in files]
    published = next(
        (one for one in spec.published if [file.checksum for file in one.files] == [f"sha256:{c}" for c in checksums]),
        None,
    )
    int8 = published is not None and published.int8
    if precision == "int8" and not int8:
        raise OpenPoseLabError(f"{weights} is no INT8 graph; leave out --precision, or give one")
    if precision == "bf16" and "BF16" not in core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES"):
        raise OpenPoseLabError("this processor does not compute in bf16; leave out --precision")
    kept = KeptFiles(FOLDER, _MOST_BYTES, "compiled networks")
    graph_is = ["graph", spec.name, *checksums, checksum_of_code()]

    reader = None
    if published is not None and spec.graph_outputs and not (int8 and precision == "f32"):
        reader = _READERS.get(published.form)

    def graph() -> ov.Model:
        if reader is not None:
            return reader(core, files[0], spec)
        return _converted(core, spec, weights, graph_is, kept)

    def compile_graph(every_stage: bool) -> ov.CompiledModel:
        # Where the hint is missing, OpenVINO computes in bf16 on processors that can, at a loss of accuracy.
        settings = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32", "PERFORMANCE_HINT": "LATENCY"}
        depends_on = [
            *graph_is,
            f"compiled, read as it is: {reader is not None}, every stage: {every_stage}",
            *(f"{name}: {value}" for name, value in settings.items()),
            ov.__version__,
            str(core.get_property(_DEVICE, "FULL_DEVICE_NAME")),
            str(core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")),
        ]
        if (data := kept.read(depends_on)) is not None:
            try:
                return core.import_model(data, _DEVICE, settings)
            except RuntimeError:
                pass  # made on another processor, say
        model = graph()
        if not every_stage:
            _keep_last_stage(model)
        compiled = core.compile_model(model, _DEVICE, settings)
        kept.write(depends_on, compiled.export_model().getvalue())
        return compiled

    return OpenVinoRuntime(compile_graph)


def _read_ir(core: ov.Core, path: Path, spec: NetworkSpec) -> ov.Model:
    """Read a graph of the Open Model Zoo: (n, 3, h, w) in and out."""
    import openvino as ov

    model = core.read_model(path)
    model.reshape(ov.PartialShape([-1, 3, -1, -1]))
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    outputs = [nodes[name].output(0) for name in spec.graph_outputs.values()]
    return _from_photos(ov.Model(outputs, model.get_parameters(), spec.name), "NCHW", spec)


def _read_frozen_graph(core: ov.Core, path: Path, spec: NetworkSpec) -> ov.Model:
    """Read a frozen graph of TensorFlow: (n, h, w, 3) in and out."""
    import openvino as ov
    from openvino.frontend import FrontEndManager

    from openpose_lab.networks.importers.frozen_graph import graph_of

    frontend = FrontEndManager().load_by_framework("tf")
    with tempfile.TemporaryDirectory(prefix="openpose-lab-") as folder:  # it reads files only, and not out of a wheel
        file = Path(folder, "graph.pb")
        file.write_bytes(graph_of(path))
        graph = frontend.load(str(file))
        graph.override_all_outputs([graph.get_place_by_tensor_name(name) for name in spec.graph_outputs.values()])
        model = ov.Model(frontend.convert(graph))
        model.reshape(ov.PartialShape([-1, -1, -1, 3]))
        return _from_photos(model, "NHWC", spec)


_READERS: dict[str, Callable[[ov.Core, Path, NetworkSpec], ov.Model]] = {
    "OpenVINO IR": _read_ir,
    "TensorFlow frozen graph": _read_frozen_graph,
}
"""A form of published files -> what reads their graph."""


def _from_photos(model: ov.Model, order: str, spec: NetworkSpec) -> ov.Model:
    """Let a graph take photos and give maps as ``NetworkSpec.build`` describes them.

    Args:
        model: The graph. Its outputs are in the order of ``spec.graph_outputs``.
        order: The order of its axes.
        spec: The network.

    Returns:
        The graph with the axes, the dtypes and the names of the outputs that Keras's graph has.
    """
    import openvino as ov
    from openvino.preprocess import PrePostProcessor

    processor, own, ours = PrePostProcessor(model), ov.Layout(order), ov.Layout("NHWC")
    processor.input().tensor().set_element_type(ov.Type.u8).set_layout(ours)
    processor.input().model().set_layout(own)
    for number in range(len(model.outputs)):
        processor.output(number).model().set_layout(own)
        processor.output(number).tensor().set_layout(ours).set_element_type(ov.Type.f32)
    built = processor.build()
    for name, output in zip(spec.graph_outputs, built.outputs):
        output.get_tensor().set_names({name})
    return built


def _keep_last_stage(model: ov.Model) -> None:
    """Remove the outputs of a graph that only earlier stages give."""
    last = {kind: name for stage in stage_names(map(_name, model.outputs)) for kind, name in stage.items()}
    for result in model.get_results():
        if _name(result.output(0)) not in last.values():
            model.remove_result(result)


def _name(output: Any) -> str:
    """The name of an output as ``NetworkSpec.build`` describes it. OpenVINO may add the name of the node."""
    names: set[str] = output.get_names()
    return next(name for name in names if is_stage_name(name))


def _converted(core: ov.Core, spec: NetworkSpec, weights: Path, depends_on: list[str], kept: KeptFiles) -> ov.Model:
    """The graph of weights in any form: the kept one, or else made by Keras."""
    import openvino as ov

    if (data := kept.read(depends_on)) is not None:
        size = int.from_bytes(data[:8], "little")
        return core.read_model(data[8 : 8 + size], ov.Tensor(np.frombuffer(data[8 + size :], np.uint8)))
    arrays = read_weights(weights)[1].arrays

    require("tensorflow", f"the first use of {weights} by OpenVINO")
    from openpose_lab.networks.runtimes.keras import build_trained
    from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

    use_tensorflow()
    import tensorflow as tf

    model = build_trained(spec, arrays, weights)
    function = tf.function(model, input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
    graph = ov.convert_model(function.get_concrete_function())
    _compare(core, graph, model, weights)
    kept.write(depends_on, _serialised(graph))
    return graph


def _serialised(graph: ov.Model) -> bytes:
    """A graph as bytes: the length of its XML in 8 bytes, the XML, the constants."""
    import openvino as ov

    with tempfile.TemporaryDirectory(prefix="openpose-lab-") as folder:
        path = Path(folder, "graph.xml")
        ov.save_model(graph, path, compress_to_fp16=False)
        xml, constants = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return len(xml).to_bytes(8, "little") + xml + constants


def _compare(core: ov.Core, graph: ov.Model, model: keras.Model, weights: Path) -> None:
    """Raise OpenPoseLabError if the maps of a graph are not those of Keras."""
    photo = read_photo(sample_photo())
    width = round(photo.shape[1] * _CHECKED_HEIGHT / photo.shape[0] / 8) * 8
    batch = cv2.resize(photo, (width, _CHECKED_HEIGHT), interpolation=cv2.INTER_AREA)[None]
    expected = model(batch, training=False)
    for output, maps in core.compile_model(graph, _DEVICE, {"INFERENCE_PRECISION_HINT": "f32"})(batch).items():
        name = _name(output)
        reference = expected[name].numpy()
        difference = np.abs(maps - reference).max()
        if not difference <= _TOLERANCE * np.abs(reference).max() + _LEAST_DIFFERENCE:
            raise OpenPoseLabError(
                f"OpenVINO's maps of {weights} differ from Keras's by {difference:.2g} in {name}; use --runtime keras"
            )


RUNTIME = RuntimeSpec("openvino", load, "openvino")
