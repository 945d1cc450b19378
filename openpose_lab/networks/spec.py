"""What is known of a network before its weights are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from estimation.layouts import Layout
from estimation.quality import DEFAULT_QUALITY
from openpose_lab.networks.published import Published

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class NetworkSpec:
    """A network: its layout, its graph, and its published weights.

    Attributes:
        name: The network's name, as ``--network`` takes it.
        layout: The layout of which the network's channels are.
        channels: The order of a pixel's colours in the network's input.
        build: Makes the Keras model for a layout, without trained weights. Its input is (n, h, w, 3) uint8. Its outputs
            are named ``stage1_pafs``, ``stage1_heatmaps``, ``stage2_pafs``, … in the order in which the stages run.
            Keras is imported inside this function.
        features: The layer of the Keras model whose output the first stage takes: the end of the front, F in the paper.
        stride: Input pixels per map cell. The sides of the input are multiples of it.
        signature: Name and shape of a variable that no other network has in this shape. It recognises the network in
            weights files without a network's name. None if they are not recognised.
        offset: x and y in cells by which the maps lie too far to the left and too high up, measured on photos with
            known keypoints (docs/accuracy.md). 0 if it was not measured.
        quality: The preset of views that is the default: one of ``QUALITIES``. Slow networks name ``fast``.
        published: The sets of published weights. The first is the one that the network uses by default.
        graph_outputs: For published files that hold the graph too: each output, named as in ``build``, and the tensor
            or node of the graph that gives it. Runtimes can execute these files as they are.
    """

    name: str
    layout: Layout
    channels: Literal["rgb", "bgr"]
    build: Callable[[Layout], keras.Model]
    features: str
    stride: int = 8
    signature: tuple[str, tuple[int, ...]] | None = None
    offset: tuple[float, float] = (0.0, 0.0)
    quality: str = DEFAULT_QUALITY
    published: tuple[Published, ...] = ()
    graph_outputs: Mapping[str, str] = field(default_factory=dict)
