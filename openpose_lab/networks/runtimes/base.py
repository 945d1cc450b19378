"""The protocol of a runtime, which executes a network on batches of photos.

A file with a ``RUNTIME`` in this folder adds a runtime. The runtime has the name of the file. The file imports optional
packages inside its functions.
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
"""The largest plausible value of a map. Maps of trained networks stay near or below 1."""


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
    """The maps that one stage of a network computes for n photos of one size.

    Attributes:
        heatmaps: As in ``BatchMaps``. None if the stage computes no heatmaps.
        pafs: As in ``BatchMaps``. None if the stage computes no PAFs.
    """

    heatmaps: NDArray[np.float32] | None
    pafs: NDArray[np.float32] | None


class Runtime(Protocol):
    """A network with trained weights, ready to run."""

    def run(self, batch: NDArray[np.uint8]) -> BatchMaps:
        """Compute the maps of the last stage.

        Args:
            batch: (n, h, w, 3) uint8, indexed by photo, row and column, with colours in the order of
                ``NetworkSpec.channels``. h and w are multiples of the stride.

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
        """Prepare the network for calls from several threads at once, which together compute more photos a second.

        Args:
            calls: The number of calls of ``run`` that are computed at once.

        Returns:
            The same network. It may be this object.
        """
        ...


@dataclass(frozen=True)
class RuntimeSpec:
    """A way to execute networks.

    Attributes:
        name: The runtime's name, equal to the name of its file.
        load: A function that makes a network ready to run, from its spec, a weights file of any form, and the
            precision. None stands for the precision of the weights. It raises OpenPoseLabError if the weights do not
            fit, or the runtime cannot compute in this precision.
        package: The Python package that the runtime needs in addition to the project's requirements.
        tries_weights: Whether ``load`` itself refuses weights with implausible maps. If False, ``load_network`` tries
            the weights on a photo.
    """

    name: str
    load: Callable[[NetworkSpec, Path, Precision | None], Runtime]
    package: str | None = None
    tries_weights: bool = False


def are_sensible(*maps: NDArray[np.float32]) -> bool:
    """Return whether maps can come from a trained network: every value is a number of magnitude below 1e6."""
    return all(bool(np.abs(values).max() < _LARGEST_VALUE) for values in maps)  # False for NaN


def is_stage_name(name: str) -> bool:
    """Return whether a name has the form of an output's name, such as ``stage1_pafs``."""
    return _STAGE.match(name) is not None


def stage_names(outputs: Iterable[str]) -> list[dict[str, str]]:
    """Sort the names of a model's outputs by stage.

    Args:
        outputs: The names, as ``NetworkSpec.build`` describes them.

    Returns:
        One dict for each stage, in the order in which the stages run: a kind, ``pafs`` or ``heatmaps`` -> the name.

    Raises:
        ValueError: A name has another form.
    """
    numbered: dict[int, dict[str, str]] = {}
    for name in outputs:
        found = _STAGE.match(name)
        if not found:
            raise ValueError(f"an output must be named like stage1_pafs or stage1_heatmaps, but is named {name}")
        numbered.setdefault(int(found[1]), {})[found[2]] = name
    return [numbered[number] for number in sorted(numbered)]


def last_stage(outputs: Iterable[str]) -> dict[str, str]:
    """Return the name of the last output of each kind, ``pafs`` and ``heatmaps``: see ``stage_names``."""
    return {kind: name for stage in stage_names(outputs) for kind, name in stage.items()}


def maps_of_stages(outputs: Mapping[str, NDArray[np.float32]]) -> list[StageMaps]:
    """Sort a model's outputs by stage: an output's name -> its maps. The result is that of ``Runtime.run_stages``."""
    stages = [{kind: outputs[name] for kind, name in stage.items()} for stage in stage_names(outputs)]
    return [StageMaps(stage.get("heatmaps"), stage.get("pafs")) for stage in stages]
