"""How much memory a step of training takes, to say so before an hour is lost."""

from __future__ import annotations

import math
from pathlib import Path

import keras

_FLOAT = 4
_BESIDE = 1.35
"""What is held beside outputs that are kept: gradients on their way, and what convolutions work with. Measured on a
CPU, where the peak was 1.2 to 1.5 times the outputs."""


def step_bytes(model: keras.Model, side: int, batch: int) -> int:
    """Estimate the memory that one step takes beyond the network and its optimizer.

    The outputs of layers are kept for the gradient from the first layer on that is trained. Weights have a gradient of
    their size.

    Args:
        model: the network. Its layers that stay as they are, are not trainable.
        side: width and height of its input in pixels.
        batch: photos to a batch.

    Returns:
        Bytes. On a CPU the peak was 0.9 to 1.1 times as much.
    """
    sized = keras.models.clone_model(model, input_tensors=keras.Input((side, side, 3), dtype="uint8"))
    kept, passing, trained = 0, 0, False
    for layer in sized.layers:
        trained = trained or bool(layer.trainable_weights)
        if trained:
            kept += _outputs(layer)
        else:
            passing = max(passing, 2 * _outputs(layer))  # one that is computed from another
    gradients: int = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return round(_FLOAT * (_BESIDE * batch * (kept + passing) + gradients))


def largest_batch(model: keras.Model, side: int, most_bytes: int) -> int:
    """Find the most photos to a batch whose step takes so much memory by ``step_bytes``; 0 if one is too many."""
    one = step_bytes(model, side, 1)
    more = step_bytes(model, side, 2) - one
    return max(0, 1 + (most_bytes - one) // more)


def _outputs(layer: keras.layers.Layer) -> int:
    """Count the values that a layer computes of one photo."""
    values: int = sum(math.prod(output.shape[1:]) for output in keras.tree.flatten(layer.output))
    if isinstance(layer, keras.layers.SeparableConv2D):  # which keeps the result of its first half, too
        height, width = layer.output.shape[1:3]
        values += height * width * layer.input.shape[3] * layer.depth_multiplier
    return values


def available_bytes() -> int | None:
    """The memory that is free on this machine; None where that is not known, as on Windows and macOS."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        (available,) = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(available) << 10
    except (OSError, ValueError):
        return None
