"""body25: VGG-19 with four stages for PAFs, then two for heatmaps. This is the network of PAMI 2019."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.layouts import LAYOUTS, Layout
from openpose_lab.networks.published import openpose_model
from openpose_lab.networks.spec import NetworkSpec

if TYPE_CHECKING:
    import keras


def _build(layout: Layout) -> keras.Model:
    from openpose_lab.networks.runtimes.keras import keras_code

    return keras_code("openpose_vgg19").build_paf_first(layout.paf_count, layout.heatmap_count)


NETWORK = NetworkSpec(
    name="body25",
    layout=LAYOUTS["BODY_25"],
    channels="rgb",
    build=_build,
    features="prelu4_4_CPM",
    signature=("Mconv7_stage3_L2/bias", (52,)),
    quality="fast",
    published=(
        openpose_model("body25", "body_25/pose_iter_584000.caffemodel", "78287b57cf85fa89c03f1393d368e5b7", 104.7),
    ),
)
