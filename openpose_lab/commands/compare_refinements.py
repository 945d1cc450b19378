"""Compare ways to place a peak between map cells, by average precision.

The project uses the log-parabola (estimation/coordinates.py); it was chosen by this comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

from openpose_lab.commands.options import (
    add_measuring_options,
    add_set_option,
    apply_settings,
    chosen_views,
    make_parser,
)

EXAMPLES = """example:
  python -m openpose_lab compare-refinements --images val2017 --annotations person_keypoints_val2017.json
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("openpose-lab compare-refinements", __doc__, EXAMPLES)
    add_measuring_options(parser)
    add_set_option(parser)
    options = parser.parse_args(arguments)
    views = chosen_views(options)

    from openpose_lab.evaluation.annotations import find_photos, read_annotations
    from openpose_lab.evaluation.coco_figures import score
    from openpose_lab.evaluation.map_cache import MapCache
    from openpose_lab.evaluation.refinements import compare_refinements
    from openpose_lab.networks.loading import network_config

    truth = read_annotations(options.annotations)
    photos = find_photos(truth, options.images)
    (config,) = apply_settings(options.set, network_config(options.network, options.weights))
    kept = MapCache(options.network, options.weights, views, options.runtime, options.precision, config=config)
    results = compare_refinements(photos, kept)
    for name, people_found in results.items():
        print(f"{name:28} AP {score(truth, people_found)[0]:.3f}")
