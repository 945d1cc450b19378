"""The options that several programs share, each defined once."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from estimation.built_in_groupings import GROUPINGS, LAB_MERGE
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from estimation.quality import DEFAULT_QUALITY, QUALITIES, Views, choose_views
from estimation.thresholds import out_of_range, thresholds_of
from openpose_lab.lab.sandbox.limits import MEMORY, SECONDS, Limits
from openpose_lab.networks import DEFAULT_NETWORK, NETWORKS
from openpose_lab.networks.catalogue import AUTO, RUNTIMES, find_network
from openpose_lab.networks.published import Precision

if TYPE_CHECKING:
    from estimation.grouping import Grouping

Options = argparse._ActionsContainer
"""A parser, or a group of options."""
_OF_MERGE = {"min_num_body_parts": "min_parts", "min_score": "min_mean_score"}
"""Maps each threshold of merge functions to the threshold of group functions that replaces it."""
_OF_GROUP = (*_OF_MERGE.values(), "peak_weight", "tie", "time_limit")


class _Parser(argparse.ArgumentParser):
    """A parser with safe and short errors. Without ``--network``, it recognises the network of ``--weights``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.color = False  # Python 3.14 colours the help; Console would print the colour codes as escapes
        self.register("type", Path, _path)  # for every option with type=Path

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse a command line. Raises OpenPoseLabError if it does not recognise the network of the weights."""
        options = super().parse_args(_joined(sys.argv[1:] if args is None else args), namespace)
        if "weights" in options and "network" in options and options.network is None:
            options.network = DEFAULT_NETWORK if options.weights is None else _network_of(options.weights)
        return options


def _joined(arguments: Sequence[str]) -> list[str]:
    """Join a range such as ``-1..1`` to the option before it, because argparse would parse it as an option."""
    joined: list[str] = []
    for argument in arguments:
        if re.fullmatch(r"-\d+\.\.\d+", argument) and joined and re.match("--.", joined[-1]):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _network_of(weights: Path) -> str:
    from openpose_lab.networks.loading import recognised_network

    return recognised_network(weights)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; give one, such as ./name")
    return Path(text)


def output_path(text: str) -> Path:
    """Return the path of a file to write; ``-`` means the standard output."""
    return Path("/dev/stdout") if text == "-" else _path(text)


def make_parser(program: str, description: str | None, examples: str) -> argparse.ArgumentParser:
    """Make the parser of a program.

    Args:
        program: The command that starts the program.
        description: The text above the options in ``--help``.
        examples: The text below the options in ``--help``.
    """
    return _Parser(
        prog=program,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_photo_option(parser: Options, default: Path) -> None:
    """Add the argument for the photo to process."""
    parser.add_argument("photo", nargs="?", type=Path, default=default, help="the photo (default: the sample)")


def add_weights_options(parser: Options, weights: str) -> None:
    """Add the options for the network and its weights. ``weights`` is the help of ``--weights``."""
    add = parser.add_argument
    default = f"the network of --weights, or {DEFAULT_NETWORK}"
    add("--network", help=f"the network: {', '.join(NETWORKS)} (default: {default})")
    add("--weights", type=Path, metavar="FILE", help=weights)


def add_network_options(parser: Options) -> None:
    """Add the options for the network, its weights, its runtime and the views of a photo that it sees."""
    add_weights_options(parser, "a weights file (default: the network's own)")
    add = parser.add_argument
    add(
        "--runtime",
        choices=[AUTO, *RUNTIMES],
        default=AUTO,
        help=f"the library that executes the network (default: {AUTO}, which is OpenVINO if it is installed)",
    )
    add(
        "--precision",
        choices=get_args(Precision),
        help="the network's number format (default: int8 if the weights are an INT8 graph, f32 otherwise)",
    )
    add_view_options(parser)


def add_view_options(parser: Options) -> None:
    """Add the options for the views of a photo: a preset, or its parts. An option that is not given is None."""
    add = parser.add_argument
    add(
        "--quality",
        choices=QUALITIES,
        help=f"preset for the sizes and mirrored views of a photo; slower presets find more people "
        f"(default: {DEFAULT_QUALITY}; fast for slow networks)",
    )
    height = Views().height
    add(
        "--height",
        type=int,
        metavar="N",
        help=f"instead of --quality: input height of the network in pixels (default: {height})",
    )
    add(
        "--scales",
        type=float,
        nargs="+",
        metavar="S",
        help="instead of --quality: average the maps at these multiples of the height (default: 1)",
    )
    add(
        "--flip",
        action="store_true",
        default=None,
        help="instead of --quality: average the maps with the maps of the mirrored photo",
    )


def chosen_views(options: argparse.Namespace) -> Views:
    """Return the views that the options request. The default is the network's own quality.

    Raises OpenPoseLabError if the network does not exist or the options conflict.
    """
    default = find_network(options.network).quality
    return choose_views(options.quality, options.height, options.scales, options.flip, default)


def add_scale_option(parser: Options) -> None:
    """Add the option for the unit of keypoints in output files."""
    from openpose_lab.formats.units import PIXELS, UNITS  # listing the formats takes time; few programs need it

    parser.add_argument(
        "--keypoint-scale",
        choices=UNITS,
        default=PIXELS,
        help=f"unit of x and y in JSON and tables: {PIXELS}, or a range from the centre of the photo's first pixel "
        f"to the centre of its last pixel (default: {PIXELS})",
    )


def add_grouping_option(parser: Options) -> None:
    """Add the option for the grouping, which joins limbs into people."""
    kinds = f"how limbs are joined into people: {', '.join(GROUPINGS)}, or a Python file with merge or group"
    parser.add_argument("--grouping", default="lab", help=f"{kinds} (default: lab, which is estimation/merge.py)")


def add_merge_argument(parser: Options) -> None:
    """Add the argument for the student's file."""
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        default=LAB_MERGE,
        metavar="FILE",
        help="the Python file or notebook with merge (default: estimation/merge.py)",
    )


def add_measuring_options(parser: Options, required: bool = True) -> None:
    """Add the options for annotated photos and for the network."""
    add_known_photos_options(parser, required)
    add_network_options(parser)


def add_known_photos_options(parser: Options, required: bool) -> None:
    """Add the options for annotated photos."""
    add = parser.add_argument
    add("--images", type=Path, required=required, metavar="DIR", help="the folder with the photos")
    add("--annotations", type=Path, required=required, metavar="FILE", help="COCO keypoint annotations (JSON)")


def check_measuring_options(options: argparse.Namespace, otherwise: str) -> None:
    """Raise OpenPoseLabError if only one of ``--images`` and ``--annotations`` was given."""
    if (options.images is None) != (options.annotations is None):
        raise OpenPoseLabError(f"photos need both --images and --annotations; give both, or neither{otherwise}")


def add_seconds_option(parser: Options) -> None:
    """Add the option for the time limit of one call of a merge."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=Limits.seconds,
        metavar="S",
        help="time limit of one call of merge in seconds (default: 5)",
    )


def add_memory_option(parser: Options) -> None:
    """Add the option for the memory limit of a merge's process."""
    parser.add_argument(
        "--memory",
        type=int,
        default=Limits.memory,
        metavar="MB",
        help="memory limit of each submission in MB, on Linux only (default: 1500)",
    )


def check_range(option: str, value: float, lowest: float, highest: float) -> None:
    """Raise OpenPoseLabError if an option's value is outside its limits, or NaN."""
    if not lowest <= value <= highest:
        raise OpenPoseLabError(out_of_range(f"{option} must be", value, lowest, highest))


def check_limits(options: argparse.Namespace) -> Limits:
    """Return the limits of ``--seconds`` and ``--memory``. Raises OpenPoseLabError if one is out of range."""
    check_range("--seconds", options.seconds, *SECONDS)
    memory = getattr(options, "memory", Limits.memory)
    check_range("--memory", memory, *MEMORY)
    return Limits(options.seconds, memory)


def add_set_option(parser: Options) -> None:
    """Add the option that changes thresholds."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a threshold of estimation/config.py, such as peak_threshold=0.1; can be repeated",
    )


def apply_settings(settings: Sequence[str], *targets: Any) -> tuple[Any, ...]:
    """Set the thresholds given by ``--set``.

    Args:
        settings: Texts ``NAME=VALUE``.
        targets: Frozen dataclasses with thresholds, such as a ``Config``. The first one with a field of that name
            gets the value.

    Returns:
        Copies of the targets with the values set.

    Raises:
        OpenPoseLabError: A text has no ``=``, or a name or a value is wrong.
    """
    known = {name: place for place, target in reversed(list(enumerate(targets))) for name in thresholds_of(target)}
    changed = list(targets)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise OpenPoseLabError(f"--set {setting} must be NAME=VALUE, such as peak_threshold=0.1")
        if name not in known:
            raise OpenPoseLabError(f"--set {setting}: no threshold is named {name!r}; choose from {', '.join(known)}")
        place = known[name]
        try:
            changed[place] = replace(changed[place], **{name: _number(text)})
        except ValueError as error:
            raise OpenPoseLabError(f"--set {setting}: {error}") from None
    return tuple(changed)


def warn_of_unused_settings(settings: Sequence[str], groupings: Iterable[Grouping]) -> None:
    """Warn about each ``--set`` threshold that no grouping can use."""
    from estimation.grouping.plugin import takes

    groupings = list(groupings)
    merges = [grouping for grouping in groupings if grouping.door == "merge"]
    for setting in settings:
        name = setting.partition("=")[0]
        why = None
        if name in _OF_MERGE:
            if not merges:
                why = f"{name} is for merge functions; this grouping is a group function, so set {_OF_MERGE[name]}"
            elif len(merges) == len(groupings) and not any(takes(grouping.function, name) for grouping in merges):
                why = f"merge in {merges[0].source} has no argument {name}"
        elif name in _OF_GROUP and len(merges) == len(groupings):
            instead = {group: merge for merge, group in _OF_MERGE.items()}.get(name)
            why = f"{name} is for group functions"
            why += f"; this grouping is a merge, so set {instead}" if instead else ", and this grouping is a merge"
        if why:
            warnings.warn(f"--set {setting} has no effect: {why}", OpenPoseLabWarning, stacklevel=2)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
