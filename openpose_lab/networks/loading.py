"""From a weights file to a network that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.files import check_outputs
from openpose_lab.downloads import checksum
from openpose_lab.networks.importers import keras_h5
from openpose_lab.networks.importers.trained_weights import TrainedWeights
from openpose_lab.networks.network import NETWORKS, KerasNetwork, NetworkKind, recognise_network
from openpose_lab.networks.published import PUBLISHED, fetch, published_as
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow
from openpose_lab.networks.weights_file import (
    check_folder,
    files_of,
    keep_weights,
    read_record,
    read_weights,
    record_path,
    set_weights,
)
from openpose_lab.paths import weights_folder

if TYPE_CHECKING:
    import keras

FOLDER = weights_folder()


def load_network(name: str, weights: str | Path | None = None) -> KerasNetwork:
    """Load a trained network.

    Args:
        name: One of ``NETWORKS``.
        weights: A weights file of any form that can be read. The default is the network's own file; some networks
            fetch theirs on first use.

    Returns:
        A callable from one BGR uint8 photo to its ``FieldMaps``.

    Raises:
        OpenPoseLabError: The name is unknown, or the weights are missing or do not fit.
    """
    kind = network_kind(name)
    path = Path(weights) if weights else find_weights(name)
    return KerasNetwork(kind, _trained_model(kind, read_weights(path)[1], path))


def network_kind(name: str) -> NetworkKind:
    """The network of that name. Raises OpenPoseLabError if there is none."""
    if name not in NETWORKS:
        raise OpenPoseLabError(f"there is no network {name!r}; these are: {', '.join(NETWORKS)}")
    return NETWORKS[name]


def network_config(name: str) -> Config:
    """The default configuration of the network of that name. Raises OpenPoseLabError if there is none."""
    return network_kind(name).config


def own_weights(name: str) -> Path:
    """Where a network's own weights are kept."""
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
    if path.is_file():
        return path
    published = PUBLISHED.get(name)
    if published is None:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet, and none are published: give a file with --weights, or run "
            f"`python -m openpose_lab weights import FILE --network {name}` in the project's folder"
        )
    if not published.on_first_use:
        raise OpenPoseLabError(
            f"there are no weights for {name} yet: run `python -m openpose_lab weights fetch {name}` and then "
            f"`python -m openpose_lab weights import {FOLDER / published.files[0].name}`, or give a file with --weights"
        )
    source = fetch(published, FOLDER)[0]
    try:
        import_weights(source, name, path)
    except OpenPoseLabError:
        if not path.is_file():  # on Windows another first run, just reading the same file, is no harm
            raise
    return path


def import_weights(source: Path, network: str | None = None, out: Path | None = None, half: bool = False) -> Path:
    """Keep the weights in a file of any form as ``.weights.h5``, with a JSON beside it; returns where.

    network: its name, if it is not to be recognised. out: where to; by default the network's own place.
    half: in float16. Raises OpenPoseLabError if the file cannot be read or does not fit, or nothing can be written.
    """
    if network is not None:
        network_kind(network)
    if out is None:
        check_folder(FOLDER)
    form, trained = read_weights(source)
    name = network or name_network(source, form, trained)
    path = out or own_weights(name)
    check_outputs([path, record_path(path)], [("weights to import", file) for file in files_of(source)])
    model = _trained_model(NETWORKS[name], trained, source)
    data = keras_h5.encode(model, name, half)
    keep_weights(path, data, _origin(source, form, name))
    return path


def name_network(source: Path, form: str, trained: TrainedWeights) -> str:
    """The network that weights are for, as they say or by their layers. Raises OpenPoseLabError if there is none."""
    name = trained.network or recognise_network(trained.arrays)
    if name not in NETWORKS:
        layers = list(dict.fromkeys(variable.rpartition("/")[0] for variable in trained.arrays))
        raise OpenPoseLabError(
            f"{source} ({form}) is of no network known here: its layers are {', '.join(layers[:3])}, … "
            f"({len(layers)} in all); --network NAME says what does not fit"
        )
    return name


def _trained_model(kind: NetworkKind, trained: TrainedWeights, path: Path) -> keras.Model:
    load_tensorflow()
    model = kind.build()
    set_weights(model, trained.arrays, path)
    return model


def _origin(source: Path, form: str, network: str) -> dict[str, Any]:
    """What the JSON says of the files that weights were made from, or what their own JSON says."""
    if made_from := read_record(source):
        return made_from
    files = files_of(source)
    published = published_as(files)
    return {
        "files": {file.name: checksum(file, "sha256") for file in files},
        "form": form,
        "network": network,
        "published_as": published.name if published else None,
        "licence": published.licence if published else "unknown: not a published file",
    }
