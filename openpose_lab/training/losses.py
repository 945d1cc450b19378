"""The handout's losses, equations 4 to 6, for the networks of 2017 and of 2019.

Importing this module loads TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from openpose_lab.networks.runtimes.base import stage_names


def masked_l2(answer: tf.Tensor, target: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Compute f of equations 4 and 5: the sum over channels and cells of W(p) times the squared difference.

    Args:
        answer: (n, h, w, channels): the maps that a stage answers, L or S.
        target: The same shape: L* or S*.
        mask: The same shape: W, 0 where labels are missing.

    Returns:
        float32 scalar: the mean of f over the n photos.
    """
    difference = tf.cast(answer, tf.float32) - target
    per_photo = tf.reduce_sum(mask * tf.square(difference), axis=(1, 2, 3))
    return tf.reduce_mean(per_photo)


def stage_losses(answers: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Compute the loss of each stage's PAFs (equation 4) and heatmaps (equation 5). Their sum is equation 6.

    The targets are the same at every stage. In the networks of 2017 each stage answers both kinds of maps. In those of
    2019 the first stages answer PAFs and the others heatmaps. The names of the outputs tell the kind.

    Args:
        answers: A network's outputs by name: ``stage1_pafs``, ``stage1_heatmaps``, ...
        targets: ``pafs``, ``heatmaps``, ``paf_mask`` and ``heatmap_mask``, as in ``Targets``, for n photos.

    Returns:
        The losses by the outputs' names, in the order of the stages.
    """
    masks = {"pafs": targets["paf_mask"], "heatmaps": targets["heatmap_mask"]}
    return {
        name: masked_l2(answers[name], targets[kind], masks[kind])
        for stage in stage_names(answers)
        for kind, name in stage.items()
    }


def total_loss(losses: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Compute f of equation 6: the sum of the losses of all stages."""
    return keras.ops.sum(keras.ops.stack(list(losses.values())))
