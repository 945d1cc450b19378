"""The description of a network, without its weights."""

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
        layout: The skeleton layout. It defines the channels of the network's maps.
        channels: The order of a pixel's colours in the network's input.
        build: A function that builds the Keras model for a layout, without trained weights. The model's input is
            (n, h, w, 3) uint8. Its outputs are named ``stage1_pafs``, ``stage1_heatmaps``, ``stage2_pafs``, … in the
            order in which the stages run. The function imports Keras itself.
        features: The name of the Keras layer that feeds the first stage: the end of the front, F in the paper.
        stride: Input pixels per map cell. The sides of the input are multiples of the stride.
        signature: Name and shape of a variable that only this network has in this shape. It identifies the network if
            a weights file does not state its name. None if such files cannot be identified.
        offset: x and y in cells by which the maps lie too far to the left and too high up, measured on photos with
            ground-truth keypoints (docs/accuracy.md). 0 if it was not measured.
        quality: The default preset of views: one of ``QUALITIES``. Slow networks name ``fast``.
        published: The sets of published weights. The network uses the first by default.
        graph_outputs: For published files that also hold the graph: the name of each output, as in ``build``, and the
            graph's tensor or node that computes it. A runtime can execute these files without conversion.
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
