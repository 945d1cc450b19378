"""From a weights file to a network that runs."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.files import check_outputs, check_place_of_files
from openpose_lab.checksums import checksum
from openpose_lab.networks import DEFAULT_NETWORK
from openpose_lab.networks.catalogue import AUTO, NETWORKS, PUBLISHED, find_network, find_runtime, recognise_network
from openpose_lab.networks.download import fetch, is_published, published_as
from openpose_lab.networks.importers.trained_weights import TrainedWeights, shown
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.published import Precision, Published
from openpose_lab.networks.reading import files_of, read_weights
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.networks.storage import (
    check_folder,
    encode,
    keep_weights,
    read_record,
    read_stated_layout,
    record_path,
)
from openpose_lab.paths import embedded_weights, weights_folder

FOLDER = weights_folder()


def load_network(
    name: str = DEFAULT_NETWORK,
    weights: str | Path | None = None,
    runtime: str = AUTO,
    precision: Precision | None = None,
) -> LoadedNetwork:
    """Load a trained network.

    Args:
        name: One of ``NETWORKS``.
        weights: A weights file of any form that can be read. By default the network's own: imported ones, or those that
            come with the project or are fetched on first use.
        runtime: What executes the network: one of ``RUNTIMES``. ``auto`` is OpenVINO where it is installed, and Keras
            where it is not.
        precision: How the network computes: ``f32``, ``int8`` or ``bf16``. By default in INT8 if the weights file holds
            an INT8 graph and the runtime can execute it, and else in float32.

    Returns:
        A callable from one BGR uint8 photo to its ``FieldMaps``.

    Raises:
        OpenPoseLabError: A name is unknown, the weights are missing or do not fit, or the runtime is not installed or
            cannot compute in this precision.
    """
    executes = find_runtime(runtime)
    path = Path(weights) if weights else find_weights(name)
    spec = spec_for(name, path)
    load_again = partial(load_network, name, path.absolute(), runtime, precision)
    network = LoadedNetwork(spec, executes.load(spec, path, precision), load_again)
    if not executes.tries_weights:
        _try_out(network, path)
    return network


def _try_out(network: LoadedNetwork, weights: Path) -> None:
    """Raise OpenPoseLabError if a network gives no sensible maps of a photo of noise."""
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    try:
        # Some runtimes do more in the first call than in others, so that call is not left to the first photo.
        network(photo)
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"{weights} is damaged, or no trained weights: {error}") from error


def recognised_network(weights: Path) -> str:
    """Find the network that a weights file is for.

    Args:
        weights: A weights file of any form that can be read.

    Returns:
        The name that the file states, or that of the network with these layers.

    Raises:
        OpenPoseLabError: The file cannot be read, or no network fits.
    """
    return name_network(weights, *read_weights(weights, keep=True))  # the network is loaded next


def network_config(name: str, weights: str | Path | None = None) -> Config:
    """Make the default configuration of a network.

    Args:
        name: One of ``NETWORKS``.
        weights: As in ``load_network``. Weights that were trained for another layout state it.

    Returns:
        The configuration.

    Raises:
        OpenPoseLabError: No network has the name, or the weights state a layout that cannot be used.
    """
    return Config(spec_for(name, Path(weights) if weights else weights_here(name)).layout)


def spec_for(name: str, weights: Path | None) -> NetworkSpec:
    """A network with the layout that a weights file states, or else with its own.

    Args:
        name: One of ``NETWORKS``.
        weights: The weights file; None if there is none yet.

    Returns:
        The network.

    Raises:
        OpenPoseLabError: No network has the name, or the weights state a layout that cannot be used.
    """
    spec = find_network(name)
    layout = read_stated_layout(weights) if weights else None
    return replace(spec, layout=layout) if layout else spec


def own_weights(name: str) -> Path:
    """The place of a network's own weights file."""
    return FOLDER / f"{name}.weights.h5"


def weights_here(name: str) -> Path | None:
    """Find the weights that a network would use, without fetching or checking them.

    Args:
        name: One of ``NETWORKS``.

    Returns:
        The path of the imported file, or else of the default published one. None if neither is here.
    """
    default = find_network(name).published[:1]
    places = [(own_weights(name), True)]
    places += [(embedded_weights() / one.files[0].name, one.embedded) for one in default]
    places += [(FOLDER / one.files[0].name, one.on_first_use) for one in default]
    return next((path for path, used in places if used and os.path.isfile(path)), None)


def find_weights(name: str) -> Path:
    """Find the weights that a network uses: imported ones, or those that come with the project or on first use.

    Args:
        name: One of ``NETWORKS``.

    Returns:
        The path of the file.

    Raises:
        OpenPoseLabError: The file is missing, and the text says how to get it. Or an embedded file has changed.
    """
    path = own_weights(name)
    if os.path.isfile(path):  # which is False, too, where the folder cannot be read
        return path
    published = find_network(name).published
    if not published:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet, and none are published: give a file with --weights, or run "
            f"`python -m openpose_lab weights import FILE --network {name}`"
        )
    default = published[0]
    if default.embedded:
        return _embedded(default)
    if not default.on_first_use:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet: run `python -m openpose_lab weights fetch {default.name}` and then "
            f"`python -m openpose_lab weights import {FOLDER / default.files[0].name}`, or give a file with --weights"
        )
    return fetch(default, FOLDER)[0]


def _embedded(published: Published) -> Path:
    """The first file of weights that come with the project. All of them are checked."""
    paths = [embedded_weights() / file.name for file in published.files]
    for file, path in zip(published.files, paths):
        if not (os.path.isfile(path) and is_published(file, path)):
            raise OpenPoseLabError(
                f"{path}, which comes with the project, is missing or has changed; get the project again, or give "
                f"other weights with --weights"
            )
    return paths[0]


def import_weights(source: Path, network: str | None = None, out: Path | None = None, half: bool = False) -> Path:
    """Keep the weights in a file of any form as ``.weights.h5``, with its record beside it.

    Args:
        source: The file to import.
        network: The network's name. By default it is recognised.
        out: The file to write. The default is the network's own weights file.
        half: Whether to store floats as float16.

    Returns:
        The path of the file that was written.

    Raises:
        OpenPoseLabError: The source cannot be read or does not fit the network, or a file cannot be written.
    """
    if network is not None:
        find_network(network)
    if out is None:
        check_folder(FOLDER)
    form, trained = read_weights(source)
    name = network or name_network(source, form, trained)
    path = out or own_weights(name)
    check_place_of_files(path)
    check_outputs([path, record_path(path)], [("weights to import", file) for file in files_of(source)])
    from openpose_lab.networks.runtimes.keras import build_trained  # TensorFlow comes with it

    spec = NETWORKS[name] if trained.layout is None else replace(NETWORKS[name], layout=trained.layout)
    data = encode(build_trained(spec, trained.arrays, source), name, half, trained.layout)
    keep_weights(path, data, _origin(source, form, name))
    return path


def name_network(source: Path, form: str, trained: TrainedWeights) -> str:
    """Find the network that weights are for.

    Args:
        source: The file of the weights. form: Its form. Both are for error messages.
        trained: The weights.

    Returns:
        The name that the weights state, or that of the network with these layers.

    Raises:
        OpenPoseLabError: No network fits.
    """
    name = trained.network or recognise_network(trained.arrays)
    if name not in NETWORKS:
        layers = list(dict.fromkeys(variable.rpartition("/")[0] for variable in trained.arrays))
        raise OpenPoseLabError(
            f"{source} ({form}) is of no network known here: its layers are {shown(', '.join(layers[:3]))}, … "
            f"({len(layers)} in all); --network NAME says what does not fit"
        )
    return name


def _origin(source: Path, form: str, network: str) -> dict[str, Any]:
    """Describe the files that weights were made from, or repeat their own record."""
    if made_from := read_record(source):
        return {**made_from, "network": network}
    files = files_of(source)
    published = published_as(files, PUBLISHED.values())
    return {
        "files": {file.name: checksum(file, "sha256") for file in files},
        "form": form,
        "network": network,
        "published_as": published.name if published else None,
        "licence": published.licence if published else "unknown: not a published file",
    }
