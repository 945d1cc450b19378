"""Losses: equations 4 to 6 with exact values, and their gradient."""

import numpy as np
import pytest

from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def losses():
    use_tensorflow()
    from openpose_lab.training import losses

    return losses


TARGETS = {
    "pafs": np.array([[[[0.5, 0.0]]], [[[1.0, 1.0]]]], np.float32),  # two photos of one cell
    "heatmaps": np.array([[[[1.0]]], [[[0.0]]]], np.float32),
    "paf_mask": np.array([[[[1.0, 0.0]]], [[[1.0, 1.0]]]], np.float32),
    "heatmap_mask": np.array([[[[1.0]]], [[[1.0]]]], np.float32),
}


def test_exact_values_of_both_forms(losses):
    pafs = np.array([[[[0.0, 9.0]]], [[[3.0, 1.0]]]], np.float32)  # differences 0.5 and, masked, 9; 2 and 0
    heatmaps = np.array([[[[4.0]]], [[[0.0]]]], np.float32)  # 3 and 0
    of_2017 = {"stage1_pafs": pafs, "stage1_heatmaps": heatmaps, "stage2_pafs": pafs * 0, "stage2_heatmaps": heatmaps}
    found = losses.stage_losses(of_2017, TARGETS)
    values = {name: float(loss) for name, loss in found.items()}
    assert values == {
        "stage1_pafs": (0.25 + 4) / 2,
        "stage1_heatmaps": 9 / 2,
        "stage2_pafs": (0.25 + 2) / 2,
        "stage2_heatmaps": 9 / 2,
    }
    assert float(losses.total_loss(found)) == sum(values.values())
    of_2019 = {"stage1_pafs": pafs, "stage2_heatmaps": heatmaps}
    found = losses.stage_losses(of_2019, TARGETS)
    assert [float(loss) for loss in found.values()] == [(0.25 + 4) / 2, 9 / 2]


def test_half_precision_answers_are_summed_in_single_precision(losses):
    answer = np.full((1, 64, 64, 8), 10, np.float16)  # the sum, 3,276,800, is no float16
    zeros = np.zeros(answer.shape, np.float32)
    assert float(losses.masked_l2(answer, zeros, zeros + 1)) == 100 * answer.size


def test_the_gradient_is_that_of_finite_differences(losses):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    target = rng.random((2, 3, 4, 5)).astype(np.float32)
    mask = (rng.random(target.shape) > 0.3).astype(np.float32)
    answer = tf.Variable(rng.random(target.shape).astype(np.float32))
    with tf.GradientTape() as tape:
        loss = losses.masked_l2(answer, target, mask)
    gradient = tape.gradient(loss, answer).numpy()

    def exact(values):
        return float((mask * np.square(values.astype(np.float64) - target)).sum(axis=(1, 2, 3)).mean())

    values, step = answer.numpy(), 1e-3
    for place in [(0, 0, 0, 0), (1, 2, 3, 4), (0, 1, 2, 3), (1, 0, 0, 2)]:
        change = np.zeros(values.shape)
        change[place] = step
        expected = (exact(values + change) - exact(values - change)) / (2 * step)
        assert gradient[place] == pytest.approx(expected, abs=1e-5)
    assert not gradient[mask == 0].any()
