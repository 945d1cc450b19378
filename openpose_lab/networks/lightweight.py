"""lightweight: MobileNet v1 with dilation and two stages. It is human-pose-estimation-0001 of the Open Model Zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.layouts import LAYOUTS, Layout
from openpose_lab.networks.published import APACHE, Published, PublishedFile
from openpose_lab.networks.spec import NetworkSpec

if TYPE_CHECKING:
    import keras

_HOME = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2021.4/models_bin/3/human-pose-estimation-0001"


def _build(layout: Layout) -> keras.Model:
    from openpose_lab.networks.runtimes.keras import keras_code

    return keras_code("lightweight").build_lightweight(layout.paf_count, layout.heatmap_count)


def _published(name: str, precision: str, megabytes: float, xml_sha256: str, bin_sha256: str) -> Published:
    home = f"{_HOME}/{precision}/human-pose-estimation-0001"
    file = f"human-pose-estimation-0001-{precision}"
    files = (
        PublishedFile(f"{file}.xml", f"{home}.xml", f"sha256:{xml_sha256}", 0.2),
        PublishedFile(f"{file}.bin", f"{home}.bin", f"sha256:{bin_sha256}", megabytes),
    )
    int8 = precision == "FP16-INT8"
    return Published(name, "OpenVINO IR", APACHE, files, embedded=int8, int8=int8)


NETWORK = NetworkSpec(
    name="lightweight",
    layout=LAYOUTS["COCO_18"],
    channels="bgr",
    build=_build,
    features="conv4_4_CPM",
    signature=("conv4_3_CPM_al/bias", (128,)),
    offset=(0.0, 0.1),
    graph_outputs={
        "stage1_pafs": "conv5_5_CPM_L1",
        "stage1_heatmaps": "conv5_5_CPM_L2",
        "stage2_pafs": "Mconv7_stage2_L1",
        "stage2_heatmaps": "Mconv7_stage2_L2",
    },
    published=(
        _published(
            "lightweight-int8",
            "FP16-INT8",
            4.2,
            "581b082e749848fdfc6d4b4b70e8189c3c2bae1c2d59c6b2c1a026a5471754e3",
            "df2a9f41f15c3a0c8a0c5a704650338a3cc5c7bb588f2bfc14ea7093fa37b446",
        ),
        _published(
            "lightweight",
            "FP32",
            16.4,
            "a4312443bb77b8528080c75fff2e5b99ad46d660d5c4cc753ee218dd3deb01f5",
            "746bddef69d602945f7db09401d0567176f805fa0ea2086d2b857b459e316254",
        ),
        _published(
            "lightweight-fp16",
            "FP16",
            8.2,
            "560880b45f2e58f1f4d5388000e0364c30199ef656a1b2fd07cd4cdb7b53561c",
            "40dfef77d8216f23b83d86d8915659e3ade89abadbb9173bc9b946cffb6c1c9e",
        ),
    ),
)
