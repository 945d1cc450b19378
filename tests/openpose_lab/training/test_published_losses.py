"""Losses of networks with published weights: low, and equal to an independent computation of equations 4 to 10."""

import numpy as np
import pytest

from openpose_lab.networks.catalogue import find_network
from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

pytestmark = pytest.mark.slow

PHOTOS = 6


def spread(keypoints, places):
    """Equation 7 at places (h, w, 2), in cells: the maximum over people. (h, w, parts + 1) float64."""
    found = np.zeros((*places.shape[:2], keypoints.shape[1] + 1))
    for person in keypoints:
        for part, point in enumerate(person):
            if not np.isnan(point[0]):
                distance = ((places - point) ** 2).sum(axis=2)
                found[:, :, part] = np.maximum(found[:, :, part], np.exp(-distance / (98 / 64)))  # 2 * 7^2 pixels
    found[:, :, -1] = 1 - found[:, :, :-1].max(axis=2)
    return found


def fields(layout, keypoints, places):
    """Equations 8 to 10: the mean of the unit vectors of the limbs that a place is on. (h, w, channels) float64."""
    found = np.zeros((*places.shape[:2], layout.paf_count))
    for limb in layout.limbs:
        total, count = np.zeros((*places.shape[:2], 2)), np.zeros(places.shape[:2])
        for person in keypoints:
            start, end = person[limb.from_part], person[limb.to_part]
            length = np.hypot(*(end - start))
            if np.isnan(length) or length == 0:
                continue
            v = (end - start) / length
            along, across = (places - start) @ v, (places - start) @ [-v[1], v[0]]
            on_limb = (along >= 0) & (along <= length) & (np.abs(across) <= 1)
            total[on_limb] += v
            count += on_limb
        found[:, :, [limb.paf_x, limb.paf_y]] = total / np.maximum(count, 1)[:, :, None]
    return found


def losses(name, weights, folder, count):
    """Compute the losses of a network's stages: of its answers, by hand, of random weights, and of zeros.

    Returns the names of the outputs, and four arrays (photos, outputs).
    """
    use_tensorflow()
    import keras

    from estimation.config import Config
    from openpose_lab.training.data import Recipe, make_example
    from openpose_lab.training.labels import read_labels
    from openpose_lab.training.losses import stage_losses
    from openpose_lab.training.start import start_network

    spec = find_network(name)
    keras.utils.set_random_seed(0)
    trained, random = (start_network(spec, spec.layout, file).model for file in (weights, None))
    labels = read_labels(folder / "annotations.json", folder / "images", spec.layout, count)
    recipe = Recipe.of_network(spec, augmentation=None)
    rows, columns = np.mgrid[:46, :46]
    places = np.stack([columns, rows], axis=-1) + np.array(spec.offset)
    found = []
    for photo in labels.photos:
        example = make_example(Config(spec.layout), recipe, photo, np.random.default_rng(photo.image_id))
        targets = {key: value[None] for key, value in vars(example.targets).items()}
        answers = trained(example.photo[None], training=False)
        keypoints = (example.transform.keypoints(spec.layout, photo.keypoints) + 0.5) / 8 - 0.5
        ideal = {"heatmaps": spread(keypoints, places), "pafs": fields(spec.layout, keypoints, places)}
        by_hand, of_zeros = {}, {}
        for output, answer in answers.items():
            kind = output.partition("_")[2]
            mask = targets[f"{kind[:-1]}_mask"][0]
            of_zeros[output] = (mask * ideal[kind] ** 2).sum()
            by_hand[output] = (mask * (np.asarray(answer, np.float64)[0] - ideal[kind]) ** 2).sum()
        both = [stage_losses(one, targets) for one in (answers, random(example.photo[None], training=False))]
        found.append([[float(one[output]) for output in both[0]] for one in (both[0], by_hand, both[1], of_zeros)])
    return list(both[0]), *np.moveaxis(np.array(found), 1, 0)


@pytest.fixture
def weights_of(shared_data, request):
    def weights_of(name):
        if name == "lightweight":
            return shared_data / "lightweight_hpe0001" / "dequantised_f16.npz"
        return request.getfixturevalue("mobilenet_weights")

    return weights_of


@pytest.mark.parametrize("name", ["lightweight", "mobilenet_thin"])
def test_published_weights_have_a_low_loss_at_every_stage(shared_data, weights_of, name):
    outputs, trained, by_hand, random, zeros = losses(name, weights_of(name), shared_data / "coco_dev147", PHOTOS)
    assert len(trained) == PHOTOS
    np.testing.assert_allclose(trained, by_hand, rtol=1e-5)
    for output, low, high, nothing in zip(outputs, *(one.mean(axis=0) for one in (trained, random, zeros))):
        print(f"{name} {output}: {low:.1f}; with random weights {high:.1f}; of zeros {nothing:.1f}")
        assert low < (0.75 if "pafs" in output else 0.1) * min(high, nothing), output
