"""A network in training: Keras's ``fit`` with the handout's losses."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from openpose_lab.training.losses import stage_losses, total_loss


class Trainer(keras.Model):  # type: ignore[misc]
    """Train a network with the sum of the losses of its stages (equation 6), and log the loss of each stage.

    Args:
        network: The network. Its outputs have the names of ``NetworkSpec.build``.
    """

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network
        self._means = {name: keras.metrics.Mean(name) for name in network.output}

    def call(self, photos: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Compute the maps of all stages."""
        answers: dict[str, tf.Tensor] = self.network(photos, training=training)
        return answers

    def compute_loss(
        self,
        x: Any = None,
        y: dict[str, tf.Tensor] | None = None,
        y_pred: dict[str, tf.Tensor] | None = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Compute the loss of a batch. Keras calls this with the targets as ``y`` and the answers as ``y_pred``."""
        assert y is not None
        assert y_pred is not None
        losses = stage_losses(y_pred, y)
        for name, loss in losses.items():
            self._means[name].update_state(loss)
        return total_loss(losses)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Return the mean losses of an epoch. Keras resets and logs them."""
        return [*super().metrics, *self._means.values()]
