"""TensorFlow checkpoints (NAME.index and NAME.data-00000-of-00001): the lab's, and that of the project it comes from.

Their network numbers the layers that it does not name; this module maps the numbers to layer names. Its input is RGB.
"""

from __future__ import annotations

import re
from pathlib import Path

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import TrainedWeights, Weights, put
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow

FORM = "TensorFlow checkpoint"

_INDEX_END = bytes.fromhex("57fb808b247547db")  # the magic number at the end of a table file
_VARIABLE = re.compile(r"(?:^|/)net/(backbone|stage_\d_[sl])/(\w+)/(kernel|bias)/\.ATTRIBUTES/VARIABLE_VALUE$")
_FRONT_LAYER = re.compile(r"block(\d)_conv(\d)$")
_FRONT_END = {"layer_13": "conv4_3_CPM", "layer_14": "conv4_4_CPM"}
_BRANCHES = {"s": 1, "l": 2}
"""Its s branch has the PAFs, which OpenPose calls L1, and its l branch the heatmaps."""


def recognises(path: Path, head: bytes) -> bool:
    """The index of a checkpoint is a table file."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, len(_INDEX_END)), 2)
        return file.read() == _INDEX_END


def read(path: Path) -> TrainedWeights:
    """The variables of the network; those of an optimizer are left alone."""
    load_tensorflow()
    import tensorflow as tf

    prefix = str(path).removesuffix(".index")
    if prefix == str(path):
        raise OpenPoseLabError(
            "is the index of a TensorFlow checkpoint, and must end in .index for its data to be found"
        )
    if not any(file.name.startswith(f"{Path(prefix).name}.data-") for file in path.parent.iterdir()):
        raise OpenPoseLabError(
            f"is the index of a TensorFlow checkpoint without its data; put {prefix}.data-00000-of-00001 beside it"
        )
    arrays: Weights = {}
    reader = tf.train.load_checkpoint(prefix)
    for name in reader.get_variable_to_shape_map():
        if found := _VARIABLE.search(name):
            part, layer, variable = found.groups()
            put(arrays, f"{_layer_name(part, layer)}/{variable}", reader.get_tensor(name), name)
    return TrainedWeights(arrays)


def _layer_name(part: str, layer: str) -> str:
    """The published name of a layer: stage_1_s/layer_0 is Mconv1_stage2_L1."""
    if part == "backbone":
        named = _FRONT_LAYER.match(layer)
        return "conv{}_{}".format(*named.groups()) if named else _FRONT_END.get(layer, layer)
    stage, branch = int(part[6]) + 1, _BRANCHES[part[-1]]
    number = int(layer.removeprefix("layer_")) + 1
    return f"conv5_{number}_CPM_L{branch}" if stage == 1 else f"Mconv{number}_stage{stage}_L{branch}"
