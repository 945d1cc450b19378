"""From a weights file to a network that runs."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.files import check_outputs, check_place_of_files
from openpose_lab.downloads import checksum
from openpose_lab.networks.catalogue import NETWORKS, PUBLISHED, find_network, find_runtime, recognise_network
from openpose_lab.networks.download import fetch, published_as
from openpose_lab.networks.importers.trained_weights import TrainedWeights, shown
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.reading import files_of, read_weights
from openpose_lab.networks.runtimes.keras import build_trained
from openpose_lab.networks.storage import check_folder, encode, keep_weights, read_record, record_path
from openpose_lab.paths import weights_folder

FOLDER = weights_folder()
DEFAULT_RUNTIME = "keras"


def load_network(name: str, weights: str | Path | None = None, runtime: str = DEFAULT_RUNTIME) -> LoadedNetwork:
    """Load a trained network.

    Args:
        name: One of ``NETWORKS``.
        weights: A weights file of any form that can be read. The default is the network's own file; some networks
            fetch theirs on first use.
        runtime: What executes the network: one of ``RUNTIMES``.

    Returns:
        A callable from one BGR uint8 photo to its ``FieldMaps``.

    Raises:
        OpenPoseLabError: A name is unknown, or the weights are missing or do not fit.
    """
    spec = find_network(name)
    load = find_runtime(runtime).load
    path = Path(weights) if weights else find_weights(name)
    network = LoadedNetwork(spec, load(spec, path), partial(load_network, name, path.absolute(), runtime))
    try:
        # Some runtimes do more in the first call than in others, so that call is not left to the first photo.
        network(_trial_photo())
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"{path} is damaged, or no trained weights: {error}") from error
    return network


def _trial_photo() -> NDArray[np.uint8]:
    """Make the photo of noise that a network is tried on when it is loaded."""
    return np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)  # importing this takes 20 ms


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


def network_config(name: str) -> Config:
    """Make the default configuration of a network. Raises OpenPoseLabError if no network has the name."""
    return Config(find_network(name).layout)


def own_weights(name: str) -> Path:
    """The place of a network's own weights file."""
    return FOLDER / f"{name}.weights.h5"


def find_weights(name: str) -> Path:
    """Find the network's own weights file; fetch and import it if its published weights come on first use.

    Args:
        name: One of ``NETWORKS``.

    Returns:
        The path of the file.

    Raises:
        OpenPoseLabError: The file is missing; the text says how to get it.
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
    if not default.on_first_use:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet: run `python -m openpose_lab weights fetch {default.name}` and then "
            f"`python -m openpose_lab weights import {FOLDER / default.files[0].name}`, or give a file with --weights"
        )
    source = fetch(default, FOLDER)[0]
    try:
        import_weights(source, name, path)
    except OpenPoseLabError:
        if not os.path.isfile(path):  # on Windows another first run, just reading the same file, is no harm
            raise
    return path


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
    model = build_trained(NETWORKS[name], trained.arrays, source)
    data = encode(model, name, half)
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
