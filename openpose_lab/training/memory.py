"""Memory of a training step, to refuse a batch that does not fit before training begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from estimation.errors import OpenPoseLabError

_FLOAT = 4
_BESIDE = 1.35
"""The memory of gradients and of the work space of convolutions, as a factor on the stored outputs. On a CPU, the
measured peak was 1.2 to 1.5 times the outputs."""


def step_bytes(model: keras.Model, side: int, batch: int) -> int:
    """Estimate the memory that one step takes beyond the network and its optimizer.

    From the first trained layer on, all outputs stay in memory for the gradient. Each trained weight has a gradient of
    the same size.

    Args:
        model: The network. Its frozen layers are not trainable.
        side: Width and height of the input in pixels.
        batch: The number of photos in a batch.

    Returns:
        Bytes. On a CPU, the measured peak was 0.9 to 1.1 times this value.
    """
    sized = keras.models.clone_model(model, input_tensors=keras.Input((side, side, 3), dtype="uint8"))
    kept, passing, trained = 0, 0, False
    for layer in sized.layers:
        trained = trained or bool(layer.trainable_weights)
        if trained:
            kept += _outputs(layer)
        else:
            passing = max(passing, 2 * _outputs(layer))  # an output and the input that it is computed from
    gradients: int = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return round(_FLOAT * (_BESIDE * batch * (kept + passing) + gradients))


def largest_batch(model: keras.Model, side: int, most_bytes: int) -> int:
    """Return the largest batch that needs at most ``most_bytes``; 0 if even one photo needs more."""
    one = step_bytes(model, side, 1)
    more = step_bytes(model, side, 2) - one
    return max(0, 1 + (most_bytes - one) // more)


def check_memory(model: keras.Model, side: int, batch: int) -> None:
    """Check that a step fits into the free memory. Nothing is checked on a GPU, or where the free memory is unknown.

    Args:
        model: As in ``step_bytes``.
        side: Width and height of the input in pixels.
        batch: The number of photos in a batch.

    Raises:
        OpenPoseLabError: If a step needs more memory than the machine has free.
    """
    import tensorflow as tf

    available = available_bytes()
    if available is None or tf.config.list_physical_devices("GPU"):
        return
    expected = step_bytes(model, side, batch)
    if expected > available:
        fitting = largest_batch(model, side, available)
        raise OpenPoseLabError(
            f"a batch of {batch} needs about {expected >> 20} MB of memory, but {available >> 20} MB are free; "
            + (f"give --batch {fitting}" if fitting else "give a smaller --side")
        )


@contextmanager
def out_of_memory_as_sentence(batch: int) -> Iterator[None]:
    """Turn TensorFlow's out-of-memory error into an OpenPoseLabError, for a batch of this number of photos."""
    import tensorflow as tf

    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError):
        smaller = f"--batch {batch // 2}, or a smaller --side" if batch > 1 else "a smaller --side"
        raise OpenPoseLabError(f"a batch of {batch} does not fit in memory; give {smaller}") from None


def _outputs(layer: keras.layers.Layer) -> int:
    """Count the values that a layer computes for one photo."""
    values: int = sum(math.prod(output.shape[1:]) for output in keras.tree.flatten(layer.output))
    if isinstance(layer, keras.layers.SeparableConv2D):  # this layer also stores the result of its first half
        height, width = layer.output.shape[1:3]
        values += height * width * layer.input.shape[3] * layer.depth_multiplier
    return values


def available_bytes() -> int | None:
    """Return the free memory of this machine. Return None where it is unknown, as on Windows and macOS."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        (available,) = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(available) << 10
    except (OSError, ValueError):
        return None
