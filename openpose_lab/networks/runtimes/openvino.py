"""The OpenVINO runtime: it starts in a fraction of a second, needs no TensorFlow, and can compute in INT8.

OpenVINO reads a published file that holds a graph directly, if its checksum is the published one. Weights of every
other form are converted once: the importers read them, Keras builds the graph, and OpenVINO converts it. The converted
graph is compared with Keras on a photo, and cached. OpenVINO would run an altered file without an error, so it only
reads files with a verified checksum.
"""

from __future__ import annotations

import errno
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import read_input
from estimation.photos import read_photo
from estimation.quiet import silent_stderr
from openpose_lab.extras import MissingLibraryError, how_to_install, is_installed
from openpose_lab.kept_files import KeptFiles
from openpose_lab.networks.code import checksum_of_code
from openpose_lab.networks.download import is_published
from openpose_lab.networks.published import Precision, with_checksums
from openpose_lab.networks.reading import LARGEST_FILE, checksums_of, files_of, read_weights
from openpose_lab.networks.runtimes.base import (
    BatchMaps,
    RuntimeSpec,
    StageMaps,
    are_sensible,
    is_stage_name,
    last_stage,
    maps_of_stages,
)
from openpose_lab.networks.runtimes.openvino_loading import use_openvino
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.paths import cache_folder, sample_photo, weights_folder

if TYPE_CHECKING:
    import keras
    import openvino as ov

FOLDER = cache_folder() / "openvino"
_MOST_BYTES = 2 << 30
_DEVICE = "CPU"
_PROCESSOR = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
"""Properties of the processor on which compiled graphs depend."""
_TOLERANCE = 1e-4
"""The largest accepted difference between OpenVINO's and Keras's maps, as a share of the map's largest value. Sums in
another order differ by about 5e-6."""
_LEAST_DIFFERENCE = 1e-6
_COMPARED_HEIGHT = 128
"""The height, in pixels, of the photo on which a graph is compared with Keras."""
_MOST_QUOTED = 90
"""The length of OpenVINO's quoted message, in letters."""
_KEPT_KERNELS = 200
"""Kernels that each call caches for recent input sizes. More kernels are not faster for photos of a few sizes. For
photos of many sizes, OpenVINO's default of 5000 takes 700 MB more over 100 sizes."""


class OpenVinoRuntime:
    """An OpenVINO graph as a runtime. One compiled graph serves batches of every size."""

    def __init__(self, compile_graph: Callable[[bool, int], ov.CompiledModel], calls: int = 1) -> None:
        """Compile a graph.

        Args:
            compile_graph: A function that compiles the graph. Its arguments are whether to output every stage or only
                the last one, and the number of calls at once. The graph's input is (n, h, w, 3) uint8. Its outputs have
                the names and shapes that ``NetworkSpec.build`` describes.
            calls: The number of calls, from as many threads, that are computed at once. A single call uses all cores.
                Several calls share the cores.
        """
        self._compile, self._calls = compile_graph, calls
        self._last_stage = compile_graph(False, calls)
        self._every_stage: ov.CompiledModel | None = None
        self._lock = threading.Lock()
        self._idle: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()  # a request serves one call at a time
        for _ in range(calls):
            self._idle.put(self._last_stage.create_infer_request())

    def run(self, batch: NDArray[np.uint8]) -> BatchMaps:
        """Compute the maps of the last stage: see ``Runtime.run``."""
        use_openvino()
        request = self._idle.get()
        try:
            outputs = _execute(request.infer, batch)
        finally:
            self._idle.put(request)
        last = last_stage(outputs)
        return BatchMaps(outputs[last["heatmaps"]], outputs[last["pafs"]])

    def run_stages(self, batch: NDArray[np.uint8]) -> list[StageMaps]:
        """Compute the maps of every stage: see ``Runtime.run_stages``."""
        use_openvino()
        with self._lock:
            if self._every_stage is None:
                with _one_sentence("compile the graph with every stage"):
                    self._every_stage = self._compile(True, 1)
            outputs = _execute(self._every_stage, batch)
        return maps_of_stages(outputs)

    def for_calls(self, calls: int) -> OpenVinoRuntime:
        """Compile the graph for several calls at once: see ``Runtime.for_calls``."""
        use_openvino()
        with _one_sentence(f"compile the graph for {calls} calls at once"):
            return self if calls == self._calls else OpenVinoRuntime(self._compile, calls)


def load(spec: NetworkSpec, weights: Path, precision: Precision | None = None) -> OpenVinoRuntime:
    """Prepare a network with the weights of a file: see ``RuntimeSpec.load``."""
    use_openvino()
    with _one_sentence(f"execute {weights}"):
        return OpenVinoRuntime(_TrainedGraph(spec, weights, precision).compiled)


class _TrainedGraph:
    """The graph of a network with the weights of a file, which OpenVINO reads directly or Keras converts once."""

    def __init__(self, spec: NetworkSpec, weights: Path, precision: Precision | None) -> None:
        import openvino as ov

        self._core = ov.Core()
        self._spec, self._weights, self._files = spec, weights, files_of(weights)
        self._checksums = checksums_of(weights)
        published = with_checksums(spec.published, self._checksums)
        int8 = published is not None and published.int8
        if precision == "int8" and not int8:
            raise OpenPoseLabError(
                f"{weights} is not a published INT8 graph, so it cannot run in int8; leave out --precision"
            )
        if precision == "bf16" and "BF16" not in self._core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES"):
            raise OpenPoseLabError("this processor does not compute in bf16; leave out --precision")
        in_floats = int8 and precision in ("f32", "bf16")
        self._reader = _READERS.get(published.form) if published and not in_floats else None
        self._settings = {
            # Without this setting, OpenVINO computes in bf16 on processors that support it, and loses accuracy.
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._depends_on = [spec.name, *self._checksums, checksum_of_code()]
        self._kept = KeptFiles(FOLDER, _MOST_BYTES, "compiled networks")

    def compiled(self, every_stage: bool, calls: int) -> ov.CompiledModel:
        """Compile the graph, or load it from the cache.

        Args:
            every_stage: Whether the graph outputs the maps of every stage, or only those of the last one.
            calls: The number of calls that are computed at once. If there are several, each uses one thread, because
                more threads would wait for each other.

        Returns:
            The compiled graph.

        Raises:
            OpenPoseLabError: The weights cannot be read, do not fit, or changed while they were read.
            RuntimeError: OpenVINO cannot compile the graph.
        """
        import openvino as ov

        settings = {**self._settings, **(_one_thread_each(calls) if calls > 1 else {})}
        depends_on = [
            f"compiled, read as it is: {self._reader is not None}, every stage: {every_stage}",
            *self._depends_on,
            *(f"{name}: {value}" for name, value in settings.items()),
            ov.__version__,
            *(str(self._core.get_property(_DEVICE, name)) for name in _PROCESSOR),
        ]
        if (data := self._kept.read(depends_on)) is not None:
            with suppress(RuntimeError):  # for example, another build of this version compiled it
                return self._core.import_model(data, _DEVICE, settings)
        graph = self._reader(self._core, self._files, self._spec) if self._reader else self._converted()
        if not every_stage:
            _keep_last_stage(graph)
        compiled = self._core.compile_model(graph, _DEVICE, settings)
        self._check_unchanged()
        self._kept.write(depends_on, compiled.export_model().getvalue())
        return compiled

    def _converted(self) -> ov.Model:
        """Convert weights of any form to an OpenVINO graph, through Keras, or load the graph from the cache."""
        import openvino as ov

        depends_on = ["graph", *self._depends_on]
        if (data := self._kept.read(depends_on)) is not None:
            with suppress(RuntimeError):  # for example, a newer OpenVINO made the graph
                return _deserialised(self._core, data)
        self._require_tensorflow()
        from tqdm import tqdm

        with tqdm(total=3, desc=f"converting {self._weights.name}, once", disable=None, leave=False) as steps:
            from openpose_lab.networks.runtimes.keras import build_trained

            model = build_trained(self._spec, read_weights(self._weights)[1].arrays, self._weights)
            self._check_unchanged()
            steps.update()

            import tensorflow as tf

            function = tf.function(model, input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)])
            with silent_stderr():
                graph = ov.convert_model(function.get_concrete_function())
            steps.update()
            _compare(self._core, graph, model, self._weights)
            steps.update()
        with suppress(RuntimeError, OpenPoseLabError):  # for example, the disk is full; the graph can still be used
            self._kept.write(depends_on, _serialised(graph))
        return graph

    def _require_tensorflow(self) -> None:
        """Raise OpenPoseLabError if TensorFlow is missing. The message names weights that need no TensorFlow."""
        if is_installed("tensorflow"):
            return
        self._check_without_tensorflow()
        sentence = f"OpenVINO needs tensorflow once to convert {self._weights.name}; {how_to_install('tensorflow')}"
        readable = (one for one in self._spec.published if one.form in _READERS and not one.int8)
        if (one := next(readable, None)) is not None:
            path = weights_folder() / one.files[0].name
            sentence += f', or run `python -m openpose_lab weights fetch {one.name}` and give "{path}" with --weights'
        raise OpenPoseLabError(sentence)

    def _check_without_tensorflow(self) -> None:
        """Raise OpenPoseLabError if the weights are damaged, because installing TensorFlow would not help then."""
        published = {file.name: file for one in self._spec.published for file in one.files if file.checksum}
        for path in self._files:
            if path.name in published and not is_published(published[path.name], path):
                raise OpenPoseLabError(
                    f"{path} is not the published file of that name; delete it and fetch it again, or rename it "
                    "if it is your own file"
                )
        with suppress(MissingLibraryError):  # h5py comes with TensorFlow
            read_weights(self._weights)

    def _check_unchanged(self) -> None:
        """Raise OpenPoseLabError if the weights files have changed since their checksums were computed."""
        if checksums_of(self._weights) != self._checksums:
            raise OpenPoseLabError(f"{self._weights} changed while it was read; run again when it is complete")


@contextmanager
def _one_sentence(task: str) -> Iterator[None]:
    """Turn exceptions of OpenVINO and the system into OpenPoseLabError with the words "cannot" and ``task``."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().rpartition("\n")[2]  # the last line; OpenVINO's source positions stand before it
        raise OpenPoseLabError(
            f"OpenVINO cannot {task} ({one_line(reason, _MOST_QUOTED)}); use --runtime keras"
        ) from error
    except OSError as error:
        raise OpenPoseLabError(
            f"cannot {task} ({one_line(str(error), _MOST_QUOTED)}); check the disk and the memory"
        ) from error


def _one_thread_each(calls: int) -> dict[str, str]:
    return {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": str(calls),
        "INFERENCE_NUM_THREADS": str(calls),
        "CPU_RUNTIME_CACHE_CAPACITY": str(_KEPT_KERNELS),
    }


def _execute(
    infer: Callable[[NDArray[np.uint8]], Mapping[Any, NDArray[np.float32]]], batch: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    photos, height, width = batch.shape[:3]
    with _one_sentence(f"compute the maps of {photos} x {width}x{height} pixels"):
        return {_name(output): maps for output, maps in infer(batch).items()}


def _read_ir(core: ov.Core, files: list[Path], spec: NetworkSpec) -> ov.Model:
    """Read a graph of the Open Model Zoo. Its input and outputs have axes (n, channels, h, w)."""
    import openvino as ov

    # The files are read here, because OpenVINO would map the constants from a file that another program may change.
    xml, constants = (read_input(file, "weights file", LARGEST_FILE) for file in files)
    model = core.read_model(xml, ov.Tensor(np.frombuffer(constants, np.uint8)))
    model.reshape(ov.PartialShape([-1, 3, -1, -1]))
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    outputs = [nodes[name].output(0) for name in spec.graph_outputs.values()]
    return _from_photos(ov.Model(outputs, model.get_parameters(), spec.name), "NCHW", spec)


def _read_frozen_graph(core: ov.Core, files: list[Path], spec: NetworkSpec) -> ov.Model:
    """Read a frozen graph of TensorFlow. Its input and outputs have axes (n, h, w, channels)."""
    import openvino as ov
    from openvino.frontend import FrontEndManager

    from openpose_lab.networks.importers.frozen_graph import graph_of

    frontend, data = FrontEndManager().load_by_framework("tf"), graph_of(files[0])
    with _temporary_folder() as folder:  # the frontend reads only files, and none inside a wheel
        file = folder / "graph.pb"
        file.write_bytes(data)
        graph = frontend.load(str(file))
        graph.override_all_outputs([graph.get_place_by_tensor_name(name) for name in spec.graph_outputs.values()])
        model = ov.Model(frontend.convert(graph))
        model.reshape(ov.PartialShape([-1, -1, -1, 3]))
        return _from_photos(model, "NHWC", spec)


_READERS: dict[str, Callable[[ov.Core, list[Path], NetworkSpec], ov.Model]] = {
    "OpenVINO IR": _read_ir,
    "TensorFlow frozen graph": _read_frozen_graph,
}
"""A form of published files -> the function that reads their graph."""


def _from_photos(model: ov.Model, order: str, spec: NetworkSpec) -> ov.Model:
    """Give a graph the input and the outputs that ``NetworkSpec.build`` describes.

    Args:
        model: The graph. Its outputs are in the order of ``spec.graph_outputs``.
        order: The order of the graph's axes, such as ``NCHW``.
        spec: The network's description.

    Returns:
        The graph with the axes, dtypes and output names of Keras's graph.
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
    """Remove the outputs of all stages before the last of each kind."""
    last = last_stage(map(_name, model.outputs))
    for result in model.get_results():
        if _name(result.output(0)) not in last.values():
            model.remove_result(result)


def _name(output: Any) -> str:
    """Return an output's name, such as ``stage1_pafs``. OpenVINO may list the name of the node as well."""
    names: set[str] = output.get_names()
    return next(name for name in names if is_stage_name(name))


def _serialised(graph: ov.Model) -> bytes:
    """Return a graph as bytes: the length of its XML in 8 bytes, the XML, the constants."""
    import openvino as ov

    with _temporary_folder() as folder:
        path = folder / "graph.xml"
        ov.save_model(graph, path, compress_to_fp16=False)
        xml, constants = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return len(xml).to_bytes(8, "little") + xml + constants


def _deserialised(core: ov.Core, data: bytes) -> ov.Model:
    """Return the graph of bytes that ``_serialised`` returned."""
    import openvino as ov

    end = 8 + int.from_bytes(data[:8], "little")
    return core.read_model(data[8:end], ov.Tensor(np.frombuffer(data[end:], np.uint8)))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Create a folder and delete it after the block. Raises OpenPoseLabError if the block cannot write into it."""
    try:
        # Cleanup may fail, because Windows cannot delete a file that is in use.
        with tempfile.TemporaryDirectory(prefix="openpose-lab-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        place = f" into {tempfile.tempdir}" if tempfile.tempdir else ""  # None if no folder can be written
        advice = "free some space there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check that folder"
        raise OpenPoseLabError(
            f"cannot write temporary files{place}: {one_line(str(error.strerror), _MOST_QUOTED)}; {advice}, or set "
            "TMPDIR to another folder"
        ) from error


def _compare(core: ov.Core, graph: ov.Model, model: keras.Model, weights: Path) -> None:
    """Raise OpenPoseLabError if Keras's maps are not plausible, or if a graph's maps differ from them."""
    photo = read_photo(sample_photo())
    width = round(photo.shape[1] * _COMPARED_HEIGHT / photo.shape[0] / 8) * 8
    batch = cv2.resize(photo, (width, _COMPARED_HEIGHT), interpolation=cv2.INTER_AREA)[None]
    expected = {name: maps.numpy() for name, maps in model(batch, training=False).items()}
    if not are_sensible(*expected.values()):
        raise OpenPoseLabError(
            f"{weights} is damaged, or holds no trained weights: its maps have values that no trained network gives; "
            "use another weights file"
        )
    for output, maps in core.compile_model(graph, _DEVICE, {"INFERENCE_PRECISION_HINT": "f32"})(batch).items():
        name = _name(output)
        difference = np.abs(maps - expected[name]).max()
        if not difference <= _TOLERANCE * np.abs(expected[name]).max() + _LEAST_DIFFERENCE:
            raise OpenPoseLabError(
                f"OpenVINO's maps of {weights} differ from Keras's by {difference:.2g} in {name}; use --runtime keras"
            )


RUNTIME = RuntimeSpec("openvino", load, "openvino", tries_weights=True)
