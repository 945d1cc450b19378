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

from estimation.built_in_groupings import GROUPINGS
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
"""The thresholds of merge functions, each with that of group functions in its place."""
_OF_GROUP = (*_OF_MERGE.values(), "peak_weight", "tie", "time_limit")


class _Parser(argparse.ArgumentParser):
    """A parser with safe and short errors. It finds out the network of ``--weights`` if ``--network`` is not given."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.color = False  # Python 3.14 colours what it prints; a stream of ours shows that as escapes
        self.register("type", Path, _path)  # for every option with type=Path

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse a command line. Raises OpenPoseLabError if the network of the weights cannot be recognised."""
        options = super().parse_args(_joined(sys.argv[1:] if args is None else args), namespace)
        if "weights" in options and "network" in options and options.network is None:
            options.network = DEFAULT_NETWORK if options.weights is None else _network_of(options.weights)
        return options


def _joined(arguments: Sequence[str]) -> list[str]:
    """Join a range such as ``-1..1`` to the option before it, as argparse takes it for an option of its own."""
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
    """The path of a file to write; ``-`` is the standard output."""
    return Path("/dev/stdout") if text == "-" else _path(text)


def make_parser(program: str, description: str | None, examples: str) -> argparse.ArgumentParser:
    """Make the parser of a program. ``program``: how it is started; ``examples`` follow the options in ``--help``."""
    return _Parser(
        prog=program,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_photo_option(parser: Options, default: Path) -> None:
    """The photo that a program works on."""
    parser.add_argument("photo", nargs="?", type=Path, default=default, help="the photo (default: the sample)")


def add_weights_options(parser: Options, weights: str) -> None:
    """Which network, with which weights. ``weights``: the help of ``--weights``."""
    add = parser.add_argument
    default = f"that of --weights, or {DEFAULT_NETWORK}"
    add("--network", help=f"one of {', '.join(NETWORKS)} (default: {default})")
    add("--weights", type=Path, metavar="FILE", help=weights)


def add_network_options(parser: Options) -> None:
    """Which network, with which weights, and which views of a photo it sees."""
    add_weights_options(parser, "a weights file (default: the network's own)")
    add = parser.add_argument
    add(
        "--runtime",
        choices=[AUTO, *RUNTIMES],
        default=AUTO,
        help=f"what executes the network (default: {AUTO}, OpenVINO where it is installed)",
    )
    add(
        "--precision",
        choices=get_args(Precision),
        help="how the network computes (default: int8 if its weights are an INT8 graph, f32 otherwise)",
    )
    add_view_options(parser)


def add_view_options(parser: Options) -> None:
    """Which views of a photo the network sees: a preset, or each part of it. An option that is not given is None."""
    add = parser.add_argument
    add(
        "--quality",
        choices=QUALITIES,
        help=f"preset of the heights, scales and mirrored views that the network sees; a slower one finds more people "
        f"(default: {DEFAULT_QUALITY}; fast for slow networks)",
    )
    height = Views().height
    add(
        "--height",
        type=int,
        metavar="N",
        help=f"in place of --quality: input height of the network in pixels (default: {height})",
    )
    add(
        "--scales",
        type=float,
        nargs="+",
        metavar="S",
        help="in place of --quality: average the maps at these multiples of the height (default: 1)",
    )
    add(
        "--flip",
        action="store_true",
        default=None,
        help="in place of --quality: average with the maps of the mirrored photo",
    )


def chosen_views(options: argparse.Namespace) -> Views:
    """The views that the options ask for, by default those of the network's own quality.

    Raises OpenPoseLabError if no network has the name, or the options do not go together.
    """
    default = find_network(options.network).quality
    return choose_views(options.quality, options.height, options.scales, options.flip, default)


def add_scale_option(parser: Options) -> None:
    """The unit of keypoints in the files that are written."""
    from openpose_lab.formats.units import PIXELS, UNITS  # only programs with this option list the formats

    parser.add_argument(
        "--keypoint-scale",
        choices=UNITS,
        default=PIXELS,
        help=f"unit of x and y in JSON and tables: {PIXELS}, or a scale from the centre of the photo's first pixel to "
        f"that of its last (default: {PIXELS})",
    )


def add_grouping_option(parser: Options) -> None:
    """Which grouping makes people of limbs."""
    kinds = f"one of {', '.join(GROUPINGS)}, or a Python file with merge or group"
    parser.add_argument("--grouping", default="lab", help=f"{kinds} (default: lab, estimation/merge.py)")


def add_measuring_options(parser: Options, required: bool = True) -> None:
    """Photos with known keypoints, and the network that looks at them."""
    add_known_photos_options(parser, required)
    add_network_options(parser)


def add_known_photos_options(parser: Options, required: bool) -> None:
    """Photos with known keypoints."""
    add = parser.add_argument
    add("--images", type=Path, required=required, metavar="DIR", help="the folder with the photos")
    add("--annotations", type=Path, required=required, metavar="FILE", help="COCO keypoint annotations of them, JSON")


def check_measuring_options(options: argparse.Namespace, otherwise: str) -> None:
    """Raise OpenPoseLabError if only one of ``--images`` and ``--annotations`` was given."""
    if (options.images is None) != (options.annotations is None):
        raise OpenPoseLabError(f"photos need both --images and --annotations; give the other too, or none{otherwise}")


def add_seconds_option(parser: Options) -> None:
    """The time limit of one call of a merge."""
    parser.add_argument(
        "--seconds", type=float, default=Limits.seconds, metavar="S", help="stop a call that takes longer (default: 5)"
    )


def add_memory_option(parser: Options) -> None:
    """The memory limit of a merge's process."""
    parser.add_argument(
        "--memory",
        type=int,
        default=Limits.memory,
        metavar="MB",
        help="of each submission (default: 1500; Linux alone)",
    )


def check_range(option: str, value: float, lowest: float, highest: float) -> None:
    """Raise OpenPoseLabError if an option's value is not between its limits. NaN is between no limits."""
    if not lowest <= value <= highest:
        raise OpenPoseLabError(out_of_range(f"{option} must be", value, lowest, highest))


def check_limits(options: argparse.Namespace) -> Limits:
    """The limits that ``--seconds`` and ``--memory`` ask for. Raises OpenPoseLabError if they make no sense."""
    check_range("--seconds", options.seconds, *SECONDS)
    memory = getattr(options, "memory", Limits.memory)
    check_range("--memory", memory, *MEMORY)
    return Limits(options.seconds, memory)


def add_set_option(parser: Options) -> None:
    """Thresholds that differ from their defaults."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a threshold of estimation/config.py, such as peak_threshold=0.1; may be given again",
    )


def apply_settings(settings: Sequence[str], *targets: Any) -> tuple[Any, ...]:
    """Set thresholds as ``--set`` says.

    Args:
        settings: texts ``NAME=VALUE``.
        targets: frozen dataclasses with thresholds, such as a ``Config``. A name belongs to the first that has it.

    Returns:
        The targets with the values set.

    Raises:
        OpenPoseLabError: in one sentence, if a text, a name or a value is wrong.
    """
    known = {name: place for place, target in reversed(list(enumerate(targets))) for name in thresholds_of(target)}
    changed = list(targets)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise OpenPoseLabError(f"--set {setting} must be NAME=VALUE, such as peak_threshold=0.1")
        if name not in known:
            raise OpenPoseLabError(f"--set {setting}: no threshold is named {name!r}; these are: {', '.join(known)}")
        place = known[name]
        try:
            changed[place] = replace(changed[place], **{name: _number(text)})
        except ValueError as error:
            raise OpenPoseLabError(f"--set {setting}: {error}") from None
    return tuple(changed)


def warn_of_unused_settings(settings: Sequence[str], groupings: Iterable[Grouping]) -> None:
    """Warn of each threshold that is set and that none of the groupings can use."""
    from estimation.grouping.plugin import takes

    groupings = list(groupings)
    merges = [grouping for grouping in groupings if grouping.door == "merge"]
    for setting in settings:
        name = setting.partition("=")[0]
        why = None
        if name in _OF_MERGE:
            if not merges:
                why = f"{name} is for merge functions; for group functions, as here, set {_OF_MERGE[name]}"
            elif len(merges) == len(groupings) and not any(takes(grouping.function, name) for grouping in merges):
                why = f"merge in {merges[0].source} has no argument {name}"
        elif name in _OF_GROUP and len(merges) == len(groupings):
            instead = {group: merge for merge, group in _OF_MERGE.items()}.get(name)
            why = f"{name} is for group functions"
            why += f"; for merge functions, as here, set {instead}" if instead else ", and the grouping is a merge"
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
