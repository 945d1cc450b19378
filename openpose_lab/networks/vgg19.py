"""vgg19: VGG-19 with two branches and six stages. This is the network of CVPR 2017 and of the lab's handout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.layouts import LAYOUTS, Layout
from openpose_lab.networks.published import Published, PublishedFile, openpose_model
from openpose_lab.networks.spec import NetworkSpec

if TYPE_CHECKING:
    import keras

_LAB_HOME = (
    "https://github.com/michalfaber/tensorflow_Realtime_Multi-Person_Pose_Estimation"
    "/releases/download/v1.0/openpose_2br_vgg.zip"
)
_LAB = Published(
    "vgg19-lab",
    "TensorFlow checkpoint",
    "not stated by its author, Michal Faber",
    (PublishedFile("openpose_2br_vgg.zip", _LAB_HOME, None, 209.3),),
)


def _build(layout: Layout) -> keras.Model:
    from openpose_lab.networks.runtimes.keras import keras_code

    return keras_code("openpose_vgg19").build_two_branches(layout.paf_count, layout.heatmap_count)


NETWORK = NetworkSpec(
    name="vgg19",
    layout=LAYOUTS["COCO_18"],
    channels="rgb",
    build=_build,
    features="conv4_4_CPM",
    signature=("Mconv7_stage6_L1/bias", (38,)),
    quality="fast",
    published=(
        openpose_model("vgg19", "coco/pose_iter_440000.caffemodel", "5156d31f670511fce9b4e28b403f2939", 209.3),
        _LAB,
    ),
)
