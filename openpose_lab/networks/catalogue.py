"""Every network, set of published weights and runtime, found by listing the folders.

A file with a ``NETWORK`` in this folder adds a network. A file with a ``RUNTIME`` in ``runtimes`` adds a runtime.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from estimation.discovery import by_name, collect_by_name, names_of_modules
from estimation.errors import OpenPoseLabError
from openpose_lab.extras import is_installed, require
from openpose_lab.networks import runtimes
from openpose_lab.networks.published import Published
from openpose_lab.networks.spec import NetworkSpec

if TYPE_CHECKING:
    from openpose_lab.networks.importers.trained_weights import Weights
    from openpose_lab.networks.runtimes.base import RuntimeSpec

NETWORKS: dict[str, NetworkSpec] = collect_by_name("openpose_lab.networks", [str(Path(__file__).parent)], "NETWORK")
"""Every network by its name."""

PUBLISHED: dict[str, Published] = by_name(
    "published weights", [published for spec in NETWORKS.values() for published in spec.published]
)
"""Every set of published weights by its name."""

RUNTIMES = names_of_modules(runtimes.__path__, "RUNTIME")
"""The name of every runtime. A runtime has the name of its file."""

AUTO = "auto"
"""Selects OpenVINO if it is installed, otherwise Keras."""


def find_network(name: str) -> NetworkSpec:
    """Return the network with a name. Raises OpenPoseLabError if no network has the name."""
    if name not in NETWORKS:
        raise OpenPoseLabError(f"there is no network {name!r}; these are: {', '.join(NETWORKS)}")
    return NETWORKS[name]


def find_runtime(name: str) -> RuntimeSpec:
    """Import the runtime with a name, or ``auto``. Raises OpenPoseLabError if it is unknown or not installed."""
    if name == AUTO:
        name = "openvino" if is_installed("openvino") else "keras"
    if name not in RUNTIMES:
        raise OpenPoseLabError(f"there is no runtime {name!r}; these are: {AUTO}, {', '.join(RUNTIMES)}")
    runtime = _runtime(name)
    if runtime.package is not None:
        require(runtime.package, f"the runtime {name}")
    return runtime


def _runtime(name: str) -> RuntimeSpec:
    runtime: RuntimeSpec = importlib.import_module(f"{runtimes.__name__}.{name}").RUNTIME
    return runtime


def recognise_network(arrays: Weights) -> str | None:
    """Find the network that weights belong to, by its signature.

    Args:
        arrays: The weights, keyed by ``layer/variable``.

    Returns:
        The network's name. None if the weights have no network's signature.
    """
    for name, spec in NETWORKS.items():
        if spec.signature is None:
            continue
        variable, shape = spec.signature
        if variable in arrays and arrays[variable].shape == shape:
            return name
    return None
