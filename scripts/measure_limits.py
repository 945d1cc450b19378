"""Compare the speed of the network with the highest speed that OpenVINO reaches on this processor.

The program prints the operations of the network, the time of OpenVINO alone and of the project's runtime, and the rate
of large convolutions in the same precision. All are timed in turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark.forward import SIZES
from openpose_lab.benchmark.machine import describe_machine
from openpose_lab.benchmark.timing import Task, time_in_turns
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import start
from openpose_lab.networks import DEFAULT_NETWORK
from openpose_lab.networks.loading import find_weights, load_network
from openpose_lab.networks.runtimes.openvino import OpenVinoRuntime
from openpose_lab.networks.runtimes.openvino_loading import load_openvino

if TYPE_CHECKING:
    import openvino as ov

EXAMPLES = """example:
  python -m scripts.measure_limits --repeat 30
"""
_DEVICE = "CPU"
_LAYERS, _CHANNELS, _SHAPE = 4, 256, (46, 92)
"""The large convolutions: their number, channels, and height and width. They are 3x3, at the size of the maps."""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.measure_limits", __doc__, EXAMPLES)
    parser.add_argument("--repeat", type=int, default=20, help="number of times that each task is timed (default: 20)")
    options = parser.parse_args(arguments)
    print("\n".join(describe_machine().sentences))

    load_openvino()
    import openvino as ov

    core = ov.Core()
    network = load_network(DEFAULT_NETWORK, runtime="openvino")
    if not isinstance(network.runtime, OpenVinoRuntime):
        raise OpenPoseLabError("the runtime is not OpenVINO")
    compiled = network.runtime._last_stage
    tasks: dict[str, Task] = {}
    operations: dict[str, float] = {}
    for width, height in SIZES:
        photo = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
        model = core.read_model(find_weights(DEFAULT_NETWORK))
        model.reshape([1, 3, height, width])
        for name, task in (
            (f"{DEFAULT_NETWORK} {width}x{height}, OpenVINO alone", _alone(compiled, photo[None])),
            (f"{DEFAULT_NETWORK} {width}x{height}, the project's runtime", lambda photo=photo: _done(network(photo))),
        ):
            tasks[name], operations[name] = task, count_operations(model)
    for int8 in (True, False):
        model = large_convolutions(int8)
        graph = core.compile_model(model, _DEVICE, {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
        name = f"large convolutions, {'int8' if int8 else 'f32'}"
        values = np.random.default_rng(0).random((1, _CHANNELS, *_SHAPE), np.float32)
        tasks[name], operations[name] = _alone(graph, values), count_operations(model)
    warmed = {name: _second_of_two(task) for name, task in tasks.items()}
    for name, timing in time_in_turns(warmed, options.repeat).done.items():
        rate = operations[name] / timing.median / 1e9
        print(
            f"{name:48} {operations[name] / 1e9:6.2f} G operations  {1000 * timing.median:7.2f} ms "
            f"({1000 * timing.low:.2f} to {1000 * timing.high:.2f})  {rate:7.0f} G a second"
        )


def _second_of_two(task: Task) -> Task:
    """Return a task that runs twice and reports the time of the second run, which finds its data in the caches."""

    def run() -> float:
        task()
        begin = time.perf_counter()
        task()
        return time.perf_counter() - begin

    return run


def _alone(compiled: ov.CompiledModel, batch: Any) -> Task:
    """Return a task that executes a graph on an input in shared memory, and reads no output."""
    import openvino as ov

    request = compiled.create_infer_request()
    tensor = ov.Tensor(batch, shared_memory=True)
    request.set_input_tensor(tensor)
    return lambda: _done((request.infer(), tensor))  # the tensor keeps the input in memory: the request does not


def _done(_: object) -> None:
    """Discard the result of a task, because only its time is measured."""


def count_operations(model: ov.Model) -> float:
    """Count the multiplications and additions of a graph's convolutions.

    Args:
        model: A graph with known shapes.

    Returns:
        The number of operations. A multiplication and its addition are two operations.
    """
    total = 0.0
    for node in model.get_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            kernel = node.input(1).get_shape()
            per_output = np.prod(list(kernel)[-3:])  # input channels of the group, height, width
            total += 2.0 * float(per_output) * float(np.prod(list(node.output(0).get_shape())))
    return total


def large_convolutions(int8: bool) -> ov.Model:
    """Build a graph of large convolutions, which a processor executes at about its highest rate.

    Args:
        int8: Whether inputs and weights are quantised to 8 bits.

    Returns:
        The graph.
    """
    import openvino as ov
    from openvino import opset13 as ops

    rng = np.random.default_rng(0)
    given = ops.parameter([1, _CHANNELS, *_SHAPE], np.float32)
    values: Any = given
    for _ in range(_LAYERS):
        kernel: Any = ops.constant(rng.normal(0, 0.02, (_CHANNELS, _CHANNELS, 3, 3)).astype(np.float32))
        if int8:
            values = ops.fake_quantize(values, *map(np.float32, (0, 4, 0, 4)), levels=256)
            kernel = ops.fake_quantize(kernel, *map(np.float32, (-0.1, 0.1, -0.1, 0.1)), levels=255)
        values = ops.relu(ops.convolution(values, kernel, [1, 1], [1, 1], [1, 1], [1, 1]))
    return ov.Model([values], [given], "convolutions")


if __name__ == "__main__":
    sys.exit(start("measure_limits", main, sys.argv[1:]))
