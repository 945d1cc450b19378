"""What a runtime is: it executes a network on batches of photos.

A file with a ``RUNTIME`` in this folder adds a runtime, which has the name of the file. It imports optional packages
inside its functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openpose_lab.networks.published import Precision
from openpose_lab.networks.spec import NetworkSpec

_STAGE = re.compile(r"stage(\d+)_(heatmaps|pafs)$")
_LARGEST_VALUE = 1e6
"""Values of trained networks' maps are about 1 at most."""


@dataclass(frozen=True, eq=False)
class BatchMaps:
    """The maps of n photos of one size.

    Attributes:
        heatmaps: (n, h / stride, w / stride, parts + 1) float32. The last channel is the background.
        pafs: (n, h / stride, w / stride, PAF channels) float32.
    """

    heatmaps: NDArray[np.float32]
    pafs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class StageMaps:
    """The maps that one stage of a network gives for n photos of one size.

    Attributes:
        heatmaps: As in ``BatchMaps``. None if the stage gives no heatmaps.
        pafs: As in ``BatchMaps``. None if the stage gives no PAFs.
    """

    heatmaps: NDArray[np.float32] | None
    pafs: NDArray[np.float32] | None


class Runtime(Protocol):
    """A network with trained weights, ready to run."""

    def run(self, batch: NDArray[np.uint8]) -> BatchMaps:
        """Compute the maps of the last stage.

        Args:
            batch: (n, h, w, 3) uint8, row then column, colours in the order of ``NetworkSpec.channels``. h and w are
                multiples of the stride.

        Returns:
            The maps.
        """
        ...

    def run_stages(self, batch: NDArray[np.uint8]) -> list[StageMaps]:
        """Compute the maps of every stage.

        Args:
            batch: As in ``run``.

        Returns:
            The maps of each stage, in the order in which the stages run.
        """
        ...

    def for_calls(self, calls: int) -> Runtime:
        """Prepare the network for calls from several threads at once, with more photos a second in all.

        Args:
            calls: How many calls of ``run`` are computed at once.

        Returns:
            The same network. It may be this object.
        """
        ...


@dataclass(frozen=True)
class RuntimeSpec:
    """A way to execute networks.

    Attributes:
        name: The runtime's name, which is that of its file.
        load: Makes a network ready to run, from its spec, a weights file of any form, and the precision. None stands
            for the precision of the weights. Raises OpenPoseLabError if the weights do not fit, or the runtime cannot
            compute in this precision.
        package: The Python package that the runtime needs beyond those of the project.
        tries_weights: Whether ``load`` refuses weights that give no sensible maps. Otherwise they are tried on a photo
            when a network is loaded.
    """

    name: str
    load: Callable[[NetworkSpec, Path, Precision | None], Runtime]
    package: str | None = None
    tries_weights: bool = False


def are_sensible(*maps: NDArray[np.float32]) -> bool:
    """Tell whether a trained network can give maps: all their values are numbers, and none is far from 1."""
    return all(bool(np.abs(values).max() < _LARGEST_VALUE) for values in maps)  # False for what is no number


def is_stage_name(name: str) -> bool:
    """Tell whether a name is that of an output, such as ``stage1_pafs``."""
    return _STAGE.match(name) is not None


def stage_names(outputs: Iterable[str]) -> list[dict[str, str]]:
    """Sort the names of a model's outputs by stage.

    Args:
        outputs: The names, as ``NetworkSpec.build`` describes them.

    Returns:
        For each stage, in the order in which the stages run, the output of each kind: ``pafs``, ``heatmaps``.
    """
    numbered: dict[int, dict[str, str]] = {}
    for name in outputs:
        found = _STAGE.match(name)
        if not found:
            raise ValueError(f"an output must be named as stage1_pafs or stage1_heatmaps but is named {name}")
        numbered.setdefault(int(found[1]), {})[found[2]] = name
    return [numbered[number] for number in sorted(numbered)]


def last_stage(outputs: Iterable[str]) -> dict[str, str]:
    """Name the last output of each kind, ``pafs`` and ``heatmaps``, among a model's outputs: see ``stage_names``."""
    return {kind: name for stage in stage_names(outputs) for kind, name in stage.items()}


def maps_of_stages(outputs: Mapping[str, NDArray[np.float32]]) -> list[StageMaps]:
    """Sort the maps of a model's outputs, by their names, into stages: see ``Runtime.run_stages``."""
    stages = [{kind: outputs[name] for kind, name in stage.items()} for stage in stage_names(outputs)]
    return [StageMaps(stage.get("heatmaps"), stage.get("pafs")) for stage in stages]
