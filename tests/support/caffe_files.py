"""Caffe's own files, written by the tests: the layer lists of OpenPose's networks, as .prototxt and .caffemodel.

The lists are written out anew here, in Caffe's terms, so that they know nothing of ``models``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tests.support.containers import varint


class Layer(NamedTuple):
    """A layer of a net; ``size`` is that of a convolution's kernel."""

    kind: str
    name: str
    bottoms: tuple[str, ...]
    top: str
    outputs: int = 0
    size: int = 0


_VGG = "64 64 P 128 128 P 256 256 256 256 P 512"


class _Net:
    def __init__(self):
        self.layers = []

    def convolution(self, name, bottom, outputs, size, activation="ReLU"):
        self.layers.append(Layer("Convolution", name, (bottom,), name, outputs, size))
        if activation:
            short = {"ReLU": "relu", "PReLU": "prelu"}[activation]
            self.layers.append(Layer(activation, name.replace("conv", short), (name,), name))
        return name

    def concat(self, name, *bottoms):
        self.layers.append(Layer("Concat", name, bottoms, name))
        return name

    def front(self, activation):
        """VGG-19 to conv4_1 with ReLU, then three layers with the given activation."""
        bottom, block, number = "image", 1, 1
        for item in _VGG.split():
            if item == "P":
                self.layers.append(Layer("Pooling", f"pool{block}_stage1", (bottom,), f"pool{block}_stage1"))
                bottom, block, number = f"pool{block}_stage1", block + 1, 1
            else:
                bottom = self.convolution(f"conv{block}_{number}", bottom, int(item), 3)
                number += 1
        for name, outputs in (("conv4_2", 512), ("conv4_3_CPM", 256), ("conv4_4_CPM", 128)):
            bottom = self.convolution(name, bottom, outputs, 3, activation)
        return bottom


def two_branches(pafs: int, heatmaps: int) -> list[Layer]:
    """pose_deploy_linevec.prototxt of COCO (38, 19) or MPI (28, 16)."""
    net = _Net()
    features = bottom = net.front("ReLU")
    for stage in range(1, 7):
        ends = []
        for branch, channels in ((1, pafs), (2, heatmaps)):
            x = bottom
            hidden = [(128, 3)] * 3 + [(512, 1)] if stage == 1 else [(128, 7)] * 5 + [(128, 1)]
            for number, (outputs, size) in enumerate([*hidden, (channels, 1)], start=1):
                name = f"conv5_{number}_CPM_L{branch}" if stage == 1 else f"Mconv{number}_stage{stage}_L{branch}"
                x = net.convolution(name, x, outputs, size, "ReLU" if number <= len(hidden) else None)
            ends.append(x)
        bottom = net.concat(f"concat_stage{stage + 1}", *(ends[::-1] if stage == 6 else (*ends, features)))
    return net.layers


def body_25() -> list[Layer]:
    """pose_deploy.prototxt of BODY_25."""
    net = _Net()
    features = net.front("PReLU")

    def stage(name, bottom, channels, width, last):
        for block in range(1, 6):
            tops = []
            for layer in range(3):
                bottom = net.convolution(f"Mconv{block}_{name}_{layer}", bottom, width, 3, "PReLU")
                tops.append(bottom)
            bottom = net.concat(f"Mconv{block}_{name}_concat", *tops)
        bottom = net.convolution(f"Mconv6_{name}", bottom, last, 1, "PReLU")
        return net.convolution(f"Mconv7_{name}", bottom, channels, 1, None)

    pafs = stage("stage0_L2", features, 52, 96, 256)
    for number in (1, 2, 3):
        pafs = stage(f"stage{number}_L2", net.concat(f"concat_stage{number}_L2", features, pafs), 52, 128, 512)
    heatmaps = stage("stage0_L1", net.concat("concat_stage0_L1", features, pafs), 26, 96, 256)
    bottom = net.concat("concat_stage1_L1", features, heatmaps, pafs)
    heatmaps = stage("stage1_L1", bottom, 26, 128, 512)
    net.concat("net_output", heatmaps, pafs)
    return net.layers


NETS = {"vgg19": two_branches(38, 19), "vgg19_mpi": two_branches(28, 16), "body25": body_25()}


def prototxt(layers: list[Layer]) -> str:
    """The net for Caffe and OpenCV to read."""
    text = 'input: "image"\ninput_dim: 1\ninput_dim: 3\ninput_dim: 16\ninput_dim: 16\n'
    for layer in layers:
        text += f'layer {{ name: "{layer.name}" type: "{layer.kind}" '
        text += "".join(f'bottom: "{bottom}" ' for bottom in layer.bottoms) + f'top: "{layer.top}" '
        if layer.kind == "Convolution":
            parameters = f"num_output: {layer.outputs} kernel_size: {layer.size} pad: {layer.size // 2}"
            text += f"convolution_param {{ {parameters} }} "
        if layer.kind == "Pooling":
            text += "pooling_param { pool: MAX kernel_size: 2 stride: 2 } "
        text += "}\n"
    return text


def random_blobs(layers: list[Layer], seed: int) -> Iterator[tuple[Layer, list[np.ndarray]]]:
    """Each layer with weights that keep the size of the signal. RandomState's numbers are the same in every NumPy."""
    random = np.random.RandomState(seed)
    channels = {"image": 3}
    for layer in layers:
        inputs = sum(channels[bottom] for bottom in layer.bottoms)
        channels[layer.top] = layer.outputs or inputs
        blobs = []
        if layer.kind == "Convolution":
            shape = (layer.outputs, inputs, layer.size, layer.size)
            spread = np.sqrt(6 / (inputs * layer.size**2))
            blobs = [random.uniform(-spread, spread, shape), random.uniform(-0.1, 0.1, layer.outputs)]
        elif layer.kind == "PReLU":
            blobs = [random.uniform(0, 0.5, inputs)]
        yield layer, [blob.astype(np.float32) for blob in blobs]


def caffemodel(layers: list[Layer], seed: int = 0, old: bool = False) -> bytes:
    """The net with random weights, in new records, or in old ones (V1LayerParameter, four-axis shapes)."""
    v1_types = {"Convolution": 4, "ReLU": 18, "Pooling": 17, "Concat": 3}
    net = [message_bytes(1, b"a net")]
    for layer, blobs in random_blobs(layers, seed):
        bottoms = [bottom.encode() for bottom in layer.bottoms]
        if old:
            record = [message_bytes(2, bottom) for bottom in bottoms] + [message_bytes(3, layer.top.encode())]
            record += [message_bytes(4, layer.name.encode()), message_number(5, v1_types[layer.kind])]
            net.append(message_bytes(2, b"".join([*record, *(message_bytes(6, old_blob(blob)) for blob in blobs)])))
        else:
            record = [message_bytes(1, layer.name.encode()), message_bytes(2, layer.kind.encode())]
            record += [message_bytes(3, bottom) for bottom in bottoms] + [message_bytes(4, layer.top.encode())]
            net.append(message_bytes(100, b"".join([*record, *(message_bytes(7, new_blob(blob)) for blob in blobs)])))
    return b"".join(net)


def new_blob(array: np.ndarray) -> bytes:
    shape = message_bytes(1, b"".join(varint(size) for size in array.shape))
    return message_bytes(7, shape) + message_bytes(5, array.astype("<f4").tobytes())


def old_blob(array: np.ndarray) -> bytes:
    sizes = (1,) * (4 - array.ndim) + array.shape
    return b"".join(message_number(k + 1, size) for k, size in enumerate(sizes)) + message_bytes(
        5, array.astype("<f4").tobytes()
    )


def layer_record(name: str, *blobs: bytes) -> bytes:
    return message_bytes(100, message_bytes(1, name.encode()) + b"".join(message_bytes(7, blob) for blob in blobs))


def message_number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message_bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def sample_photo() -> np.ndarray:
    """A small BGR uint8 picture, (40, 56, 3)."""
    return np.random.RandomState(7).randint(0, 256, (40, 56, 3)).astype(np.uint8)
