"""Draw the picture of docs/training.md: inputs with their targets, and the maps of a trained network.

The sample photo has no labels, so the labels are the people that lightweight finds with its best views.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from estimation.config import Config
from estimation.files import check_picture_type, check_writable, encode_picture, write_whole
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.estimator import PoseEstimator
from openpose_lab.networks.catalogue import find_network
from openpose_lab.networks.loading import find_weights
from openpose_lab.paths import ROOT, sample_photo
from openpose_lab.training.labels import LabelledPhoto

EXAMPLES = """example:
  python -m scripts.draw_training
"""
PICTURE = ROOT / "docs" / "pictures" / "training.jpg"
_NETWORK = "lightweight"
_ROWS = 3  # each with another random augmentation
_SEED = 5


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_training", __doc__, EXAMPLES)
    parser.add_argument(
        "--out", type=Path, default=PICTURE, help="the picture to write (default: the picture of docs/training.md)"
    )
    options = parser.parse_args(arguments)
    check_picture_type(options.out)
    check_writable(options.out)
    photo = label(sample_photo())

    from openpose_lab.networks.runtimes.tensorflow_loading import use_tensorflow

    use_tensorflow()
    from openpose_lab.training.data import Recipe
    from openpose_lab.training.preview import draw_preview
    from openpose_lab.training.start import start_network

    spec = find_network(_NETWORK)
    model = start_network(spec, spec.layout, find_weights(spec.name), None).model
    recipe = Recipe.of_network(spec, seed=_SEED)
    picture = draw_preview(spec, Config(spec.layout), recipe, [photo] * _ROWS, model)
    write_whole(options.out, encode_picture(options.out, picture))
    print(f"wrote {shown(options.out)}")


def label(path: Path) -> LabelledPhoto:
    """Label a photo with the people found in it."""
    keypoints = PoseEstimator(_NETWORK, quality="best")(path).keypoints
    low, high = np.nanmin(keypoints, axis=1), np.nanmax(keypoints, axis=1)
    boxes = np.concatenate([low, high - low], axis=1)
    return LabelledPhoto(1, path, keypoints, boxes, boxes[:, 2] * boxes[:, 3], (), ())


if __name__ == "__main__":
    sys.exit(start("draw_training", main, sys.argv[1:]))
