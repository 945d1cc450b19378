"""The optimizers of a run: Adam, and the paper's SGD."""

from __future__ import annotations

import keras

RATE = 1e-3
"""The initial learning rate of Adam for random weights."""
TRAINED_RATE = 2e-5
"""The initial learning rate of Adam for trained weights. Larger rates damage them."""
PAPER_RATE = 5e-6
"""The initial learning rate of the paper's SGD. With OpenPose's rate, the loss of lightweight diverges."""


def adam(steps: int, rate: float) -> keras.optimizers.Optimizer:
    """Return Adam with a cosine decay of the learning rate to 0.

    Args:
        steps: The number of steps of the whole run.
        rate: The initial learning rate.

    Returns:
        The optimizer.
    """
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))


def paper_sgd(steps: int, rate: float = PAPER_RATE) -> keras.optimizers.Optimizer:
    """Return the SGD of OpenPose's solver: momentum 0.9, weight decay 5e-4, and three steps that divide the rate by 3.

    OpenPose's rate is 4e-5. Caffe halves the loss, so this is a rate of 2e-5 here. Two details differ from Caffe, and
    both make the weight decay weaker: Keras keeps the decay out of the momentum, and the halved rate halves the decay.

    Args:
        steps: The number of steps of the whole run.
        rate: The initial learning rate.

    Returns:
        The optimizer.
    """
    schedule = keras.optimizers.schedules.ExponentialDecay(rate, max(steps // 4, 1), 1 / 3, staircase=True)
    return keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=5e-4)
