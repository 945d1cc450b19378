"""Load a network: find its weights, and give them to a runtime that executes it."""

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
        weights: A weights file of any supported form. The default is the network's own file: the imported one, or the
            one that comes with the project or is fetched on first use.
        runtime: The runtime that executes the network: one of ``RUNTIMES``. ``auto`` selects OpenVINO if it is
            installed, otherwise Keras.
        precision: The precision of the computation: ``f32``, ``int8`` or ``bf16``. The default is ``int8`` if the
            weights file holds an INT8 graph and the runtime can execute it, otherwise ``f32``.

    Returns:
        A callable from one BGR uint8 photo to its ``FieldMaps``.

    Raises:
        OpenPoseLabError: A name is unknown, the weights are missing or do not fit, the runtime is not installed, or
            the runtime cannot compute in this precision.
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
    """Run a network on a photo of noise. Raise OpenPoseLabError if its maps are not plausible."""
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    try:
        # The first call of some runtimes is slow. This call saves the first photo from it.
        network(photo)
    except OpenPoseLabError as error:
        raise OpenPoseLabError(f"{weights} is damaged, or holds no trained weights: {error}") from error


def recognised_network(weights: Path) -> str:
    """Find the network that a weights file is for.

    Args:
        weights: A weights file of any supported form.

    Returns:
        The network's name: the one that the file states, or the one with the same layers.

    Raises:
        OpenPoseLabError: The file cannot be read, or no network matches.
    """
    return name_network(weights, *read_weights(weights, keep=True))  # kept, because loading the network reads it again


def network_config(name: str, weights: str | Path | None = None) -> Config:
    """Make the default configuration of a network.

    Args:
        name: One of ``NETWORKS``.
        weights: As in ``load_network``. A file of weights trained for another layout states that layout.

    Returns:
        The configuration.

    Raises:
        OpenPoseLabError: No network has the name, or the weights state an invalid layout.
    """
    return Config(spec_for(name, Path(weights) if weights else weights_here(name)).layout)


def spec_for(name: str, weights: Path | None) -> NetworkSpec:
    """Return a network with the layout that a weights file states.

    Args:
        name: One of ``NETWORKS``.
        weights: The weights file. None if it does not exist yet.

    Returns:
        The network. It keeps its own layout if the file states none.

    Raises:
        OpenPoseLabError: No network has the name, or the weights state an invalid layout.
    """
    spec = find_network(name)
    layout = read_stated_layout(weights) if weights else None
    return replace(spec, layout=layout) if layout else spec


def own_weights(name: str) -> Path:
    """Return the path of a network's own weights file, which may not exist yet."""
    return FOLDER / f"{name}.weights.h5"


def weights_here(name: str) -> Path | None:
    """Find the weights that a network would use, without fetching or checking them.

    Args:
        name: One of ``NETWORKS``.

    Returns:
        The path of the imported file or, if it does not exist, of the default published file. None if both are missing.
    """
    default = find_network(name).published[:1]
    places = [(own_weights(name), True)]
    places += [(embedded_weights() / one.files[0].name, one.embedded) for one in default]
    places += [(FOLDER / one.files[0].name, one.on_first_use) for one in default]
    return next((path for path, used in places if used and os.path.isfile(path)), None)


def find_weights(name: str) -> Path:
    """Find the weights that a network uses, and fetch them if they are published for first use.

    Args:
        name: One of ``NETWORKS``.

    Returns:
        The path of the imported file or, if it does not exist, of the one that comes with the project or is fetched.

    Raises:
        OpenPoseLabError: The file is missing (the message says how to get it), or an embedded file has changed.
    """
    path = own_weights(name)
    if os.path.isfile(path):  # also False if the folder cannot be read
        return path
    published = find_network(name).published
    if not published:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet, and none are published; give a file with --weights, or run "
            f"`python -m openpose_lab weights import FILE --network {name}`"
        )
    default = published[0]
    if default.embedded:
        return _embedded(default)
    if not default.on_first_use:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet; run `python -m openpose_lab weights fetch {default.name}` and then "
            f"`python -m openpose_lab weights import {FOLDER / default.files[0].name}`, or give a file with --weights"
        )
    return fetch(default, FOLDER)[0]


def _embedded(published: Published) -> Path:
    """Check all files of weights that come with the project. Return the path of the first."""
    paths = [embedded_weights() / file.name for file in published.files]
    for file, path in zip(published.files, paths):
        if not (os.path.isfile(path) and is_published(file, path)):
            raise OpenPoseLabError(
                f"{path}, which comes with the project, is missing or has changed; get the project again, or give "
                f"other weights with --weights"
            )
    return paths[0]


def import_weights(source: Path, network: str | None = None, out: Path | None = None, half: bool = False) -> Path:
    """Convert a weights file of any supported form to ``.weights.h5``, and write its record beside it.

    Args:
        source: The file to import.
        network: The network's name. The default is the name that ``name_network`` finds.
        out: The file to write. The default is the network's own weights file.
        half: Whether to store floats as float16.

    Returns:
        The path of the written file.

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
    from openpose_lab.networks.runtimes.keras import build_trained  # here, because it loads TensorFlow

    spec = NETWORKS[name] if trained.layout is None else replace(NETWORKS[name], layout=trained.layout)
    data = encode(build_trained(spec, trained.arrays, source), name, half, trained.layout)
    keep_weights(path, data, _origin(source, form, name))
    return path


def name_network(source: Path, form: str, trained: TrainedWeights) -> str:
    """Find the network that weights are for.

    Args:
        source: The weights file, for error messages.
        form: The form of the file, for error messages.
        trained: The weights.

    Returns:
        The network's name: the one that the weights state, or the one with the same layers.

    Raises:
        OpenPoseLabError: No network matches.
    """
    name = trained.network or recognise_network(trained.arrays)
    if name not in NETWORKS:
        layers = list(dict.fromkeys(variable.rpartition("/")[0] for variable in trained.arrays))
        raise OpenPoseLabError(
            f"{source} ({form}) fits no network of this project: its layers are {shown(', '.join(layers[:3]))}, … "
            f"({len(layers)} in all); add --network NAME to see what does not fit"
        )
    return name


def _origin(source: Path, form: str, network: str) -> dict[str, Any]:
    """Describe the source files of weights for a new record. If the source has a record itself, copy that."""
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
