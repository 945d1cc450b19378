"""Variants of the networks with local weights: each runtime and precision, and other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.errors import one_line
from openpose_lab.benchmark.other_engines import ENGINES, Compute, load_with
from openpose_lab.extras import how_to_install, is_installed
from openpose_lab.networks.catalogue import find_network
from openpose_lab.networks.download import published_as
from openpose_lab.networks.loading import load_network, weights_here
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.published import Precision
from openpose_lab.networks.reading import files_of
from openpose_lab.networks.runtimes.base import BatchMaps
from openpose_lab.networks.runtimes.openvino_loading import load_openvino
from openpose_lab.paths import weights_folder

_PACKAGES = {"keras": "tensorflow", "openvino": "openvino"}


@dataclass(frozen=True, eq=False)
class Variant:
    """A network with the runtime and the precision that execute it.

    Attributes:
        network: The name of the network.
        runtime: The runtime of the project, or the name of another library.
        precision: The data type that the network computes in.
        load: A function that loads the network. It raises OpenPoseLabError if this fails.
        option: The precision as ``load_network`` takes it. None for the default.
        ours: Whether the runtime is one of the project's.
    """

    network: str
    runtime: str
    precision: Precision
    load: Callable[[], Compute]
    option: Precision | None = None
    ours: bool = True

    @property
    def names(self) -> tuple[str, str, str]:
        """Network, runtime and precision, as names for a table."""
        return self.network, self.runtime, self.precision


def find_variants(networks: Sequence[str]) -> tuple[list[Variant], list[str]]:
    """Find the variants of networks. Nothing is downloaded.

    Args:
        networks: The names of the networks.

    Returns:
        The variants, and a sentence about each missing network, runtime and library.
    """
    found: list[Variant] = []
    missing = [
        f"the runtime {name} is left out: {library} is not installed; {how_to_install(library)}"
        for name, library in _PACKAGES.items()
        if not is_installed(library)
    ]
    needed = ("tensorflow", *dict.fromkeys(library for engine in ENGINES.values() for library in engine.needs))
    absent = [library for library in needed if not is_installed(library)]
    engines = {name: engine for name, engine in ENGINES.items() if not {"tensorflow", *engine.needs} & {*absent}}
    if absent:
        lost = " and ".join(engine.title for name, engine in ENGINES.items() if name not in engines)
        missing.append(f"{lost} are left out: {', '.join(absent)} missing; run `pip install {' '.join(absent)}`")
    for name in networks:
        path = weights_here(name)
        if path is None:
            missing.append(f"{name} is left out: {_how_to_get(name)}")
            continue
        found += _by_runtimes(name, path)
        found += [
            Variant(name, engine.title, "f32", partial(load_with, engine, name), ours=False)
            for engine in engines.values()
        ]
    return found, missing


def _how_to_get(name: str) -> str:
    published = find_network(name).published[:1]
    if not published:
        return "it has no weights, and no weights are published"
    steps = [f"`python -m openpose_lab weights fetch {published[0].name}`"]
    if not published[0].on_first_use:
        file = weights_folder() / published[0].files[0].name
        steps.append(f"`python -m openpose_lab weights import {one_line(str(file))}`")
    return f"its weights are not here; run {' and then '.join(steps)}"


def _by_runtimes(network: str, weights: Path) -> Iterator[Variant]:
    """Return the variants of a network with the project's own runtimes."""
    spec = find_network(network)
    published = published_as(files_of(weights), spec.published)
    int8 = published is not None and published.int8

    def variant(runtime: str, precision: Precision, option: Precision | None) -> Variant:
        def load() -> Compute:
            return _batch_of_one(load_network(network, runtime=runtime, precision=option))

        return Variant(network, runtime, precision, load, option)

    if is_installed("openvino"):
        if int8:
            yield variant("openvino", "int8", None)
        yield variant("openvino", "f32", "f32" if int8 else None)
        if not int8 and _computes_in_bf16():  # INT8 layers do not change with the precision
            yield variant("openvino", "bf16", "bf16")
    if is_installed("tensorflow"):
        yield variant("keras", "f32", None)


def _batch_of_one(network: LoadedNetwork) -> Compute:
    def compute(photo: NDArray[np.uint8]) -> BatchMaps:
        maps = network(photo)
        return BatchMaps(maps.heatmaps[None], maps.pafs[None])

    return compute


def _computes_in_bf16() -> bool:
    load_openvino()
    import openvino as ov

    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
