"""The result of a run: a weights file and its record."""

from __future__ import annotations

from pathlib import Path

import keras

from estimation.layouts import Layout
from openpose_lab.checksums import checksum
from openpose_lab.networks.catalogue import find_network
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.networks.storage import encode, keep_weights


def write_weights(path: Path, spec: NetworkSpec, layout: Layout, network: keras.Model, annotations: Path) -> None:
    """Write the weights of a trained network, and their record.

    Args:
        path: The weights file. The record lies beside it.
        spec: The network.
        layout: Its layout. The weights file contains a layout that is not the network's own.
        network: The Keras model.
        annotations: The annotations file. The record has its name and checksum.

    Raises:
        OpenPoseLabError: If a file cannot be written, or the annotations cannot be read.
    """
    made_from = {
        "form": "trained",
        "network": spec.name,
        "published_as": None,
        "licence": "unknown: trained on photos of the user's own",
        "files": {annotations.name: checksum(annotations, "sha256", "annotations file")},
    }
    own = None if layout == find_network(spec.name).layout else layout
    keep_weights(path, encode(network, spec.name, half=False, layout=own), made_from)
