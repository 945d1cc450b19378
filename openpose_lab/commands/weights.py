"""List, fetch, import and verify trained weights."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from estimation.config import DEFAULT_HEIGHT
from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import quoted, shown
from openpose_lab.networks.catalogue import NETWORKS, PUBLISHED
from openpose_lab.networks.published import Published
from openpose_lab.paths import embedded_weights, sample_photo, weights_folder

SAMPLE = sample_photo()
FOLDER = weights_folder()
SHOWN = 5
"""The number of people that the sample photo shows."""
PLAUSIBLE = range(3, 9)
"""The numbers of people that a trained network may find in the sample photo."""
EXAMPLES = """examples:
  python -m openpose_lab weights list
  python -m openpose_lab weights fetch body25
  python -m openpose_lab weights import model_weights/pose_iter_584000.caffemodel
  python -m openpose_lab weights import openpose.index --network vgg19 --out lab.weights.h5
  python -m openpose_lab weights verify

docs/weights.md has the networks, their accuracy and their licences.
"""


def main(arguments: Sequence[str]) -> None:
    """Run the command of the command line."""
    options = parse_options(arguments)
    options.command(options)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser("openpose-lab weights", __doc__, EXAMPLES)
    kept = shown(FOLDER).replace("%", "%%")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], None], purpose: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        added.set_defaults(command=command)
        return added

    add("list", list_weights, "list the published weights, and show which are on this machine")

    fetching = add("fetch", fetch_weights, f"download published weights into {kept}, and check their checksums")
    fetching.add_argument("name", metavar="NAME", help=f"the published weights: {', '.join(PUBLISHED)}")

    importing = add("import", import_file, "convert a weights file to Keras weights")
    importing.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the weights file of Caffe, TensorFlow, Keras, PyTorch, OpenVINO or NumPy",
    )
    importing.add_argument("--network", help=f"the network: {', '.join(NETWORKS)} (default: recognised from the file)")
    importing.add_argument("--out", type=Path, help=f"the file to write (default: {kept}/NETWORK.weights.h5)")
    importing.add_argument(
        "--float16", action="store_true", help="write half the size; the loss of accuracy is not measurable"
    )

    verifying = add("verify", verify_weights, "check weights against their checksums, and try them on the sample photo")
    verifying.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help=f"the weights files (default: all weights in {kept})"
    )
    return parser.parse_args(arguments)


def list_weights(options: argparse.Namespace) -> None:
    """Print a paragraph for each set of published weights, then the weights on this machine by network."""
    from openpose_lab.networks.loading import weights_here

    for spec in NETWORKS.values():
        for published in spec.published:
            print_published(published, spec.name)
    print()
    for name in NETWORKS:
        print(f"--network {name:15} {weights_here(name) or 'no weights here yet'}")


def print_published(published: Published, network: str) -> None:
    """Print a paragraph on a set of published weights."""
    megabytes = sum(file.megabytes for file in published.files)
    folder = embedded_weights() if published.embedded else FOLDER
    here = all(os.path.isfile(folder / file.name) for file in published.files)
    place = ", comes with the project" if published.embedded else ", here" if here else ""
    print(f"{published.name}: {published.form} for {network}, {megabytes:.1f} MB{place}")
    print(f"    licence: {published.licence}")
    for file in published.files:
        print(f"    {file.home}")
        print(f"    {file.name}  {file.checksum or 'no checksum is published'}")


def fetch_weights(options: argparse.Namespace) -> None:
    """Download published weights, and print the next command."""
    from openpose_lab.networks.download import fetch

    published = named(options.name)
    network = next(spec.name for spec in NETWORKS.values() if published in spec.published)
    print(f"{published.name}: licence {published.licence}")
    paths = fetch(published, FOLDER)
    for path in paths:
        print(f"{path} is here, and its checksum is correct")
    used_as_they_are = published.embedded or published.on_first_use
    command = f"image --network {network}" if used_as_they_are else f"weights import {quoted(paths[0])}"
    print(f"now run: python -m openpose_lab {command}")


def named(name: str) -> Published:
    """Return the published weights of that name. Raises OpenPoseLabError if the name is unknown."""
    if name not in PUBLISHED:
        raise OpenPoseLabError(f"no published weights are named {name!r}; choose from {', '.join(PUBLISHED)}")
    return PUBLISHED[name]


def import_file(options: argparse.Namespace) -> None:
    """Convert a weights file, and print its form, network and licence, and the next command."""
    from openpose_lab.networks.loading import import_weights, own_weights
    from openpose_lab.networks.storage import read_record, record_path

    path = import_weights(options.file, options.network, options.out, options.float16)
    made_from = read_record(path) or {}
    network = made_from["network"]
    print(f"read {named_files(made_from)}: {one_line(made_from['form'], 60)} for {one_line(network, 60)}", end="")
    print(f", the published {one_line(made_from['published_as'], 60)}" if made_from["published_as"] else "")
    print(f"licence: {one_line(made_from['licence'])}")
    print(f"wrote {shown(path)} and {record_path(path).name}")
    own = os.path.realpath(path) == os.path.realpath(own_weights(network))
    print(f"now run: python -m openpose_lab image --network {network}{'' if own else f' --weights {quoted(path)}'}")


def verify_weights(options: argparse.Namespace) -> None:
    """Print one line per file. Raises OpenPoseLabError at the end if any file is wrong."""
    from openpose_lab.networks.download import is_published

    published = {file.name: file for weights in PUBLISHED.values() for file in weights.files}
    here = sorted({*embedded_weights().glob("*"), *FOLDER.glob("*")})
    weights = [path for path in here if path.name in published or path.name.endswith(".weights.h5")]
    paths = options.files or weights
    if not paths:
        raise OpenPoseLabError("the weights that come with the project are missing; download the project again")
    wrong = []
    for path in paths:
        try:
            file = published.get(path.name)
            verdict = published_verdict(is_published(file, path), path) if file else kept_verdict(path)
            print(f"ok     {shown(path)}: {verdict}")
        except OpenPoseLabError as error:
            wrong.append(path)
            print(f"WRONG  {shown(path)}: {error}")
        except OSError as error:
            wrong.append(path)
            print(f"WRONG  {shown(path)}: cannot be read: {error.strerror}")
    if wrong:
        raise OpenPoseLabError(f"{len(wrong)} of {len(paths)} files are wrong: {', '.join(map(str, wrong))}")


def published_verdict(right: bool, path: Path) -> str:
    """Return the verdict on a published file. Raises OpenPoseLabError if the checksum is wrong."""
    if not right:
        again = "download the project again" if path.parent == embedded_weights() else "delete it and fetch it again"
        raise OpenPoseLabError(f"differs from the published file of that name; {again}")
    return "the published file; its checksum is correct"


def named_files(made_from: dict[str, Any]) -> str:
    """Return the names of the files from which weights were made."""
    return one_line(" and ".join(made_from["files"]), 120)


def kept_verdict(path: Path) -> str:
    """Return the verdict on another weights file: its origin, and the people found in the sample photo with it.

    Raises OpenPoseLabError if the number of people is not plausible.
    """
    from estimation.photos import read_photo
    from estimation.pipeline import group_maps
    from estimation.views import compute_maps
    from openpose_lab.networks.loading import load_network, name_network
    from openpose_lab.networks.reading import read_weights
    from openpose_lab.networks.storage import read_record

    form, trained = read_weights(path, keep=True)
    made_from = read_record(path)
    origin = f", made from {named_files(made_from)}" if made_from else ""
    network = load_network(name_network(path, form, trained), path)
    maps = compute_maps(read_photo(SAMPLE), network, DEFAULT_HEIGHT)
    skeletons = group_maps(maps, network.config).skeletons
    found = f"{len(skeletons)} people with {skeletons.present.sum()} parts in {SAMPLE.name}, which shows {SHOWN}"
    if len(skeletons) not in PLAUSIBLE:
        raise OpenPoseLabError(f"finds {found}; the weights are untrained, or belong to another network")
    return f"{form}{origin}, {found}"
