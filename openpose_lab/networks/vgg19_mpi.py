"""vgg19_mpi: the network of CVPR 2017, trained on MPII."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.layouts import LAYOUTS, Layout
from openpose_lab.networks.published import openpose_model
from openpose_lab.networks.spec import NetworkSpec

if TYPE_CHECKING:
    import keras


def _build(layout: Layout) -> keras.Model:
    from openpose_lab.networks.runtimes.keras import keras_code

    code = keras_code("openpose_vgg19")
    return code.build_two_branches(layout.paf_count, layout.heatmap_count, name="vgg19_mpi")


NETWORK = NetworkSpec(
    name="vgg19_mpi",
    layout=LAYOUTS["MPI_15"],
    channels="rgb",
    build=_build,
    features="conv4_4_CPM",
    signature=("Mconv7_stage6_L1/bias", (28,)),
    quality="fast",
    published=(
        openpose_model("vgg19_mpi", "mpi/pose_iter_160000.caffemodel", "2ca0990c7562bd7ae03f3f54afa96e00", 205.9),
    ),
)
