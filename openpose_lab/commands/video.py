"""Find and track the people in a video or a camera's picture: draw them, or write rows.

For a video, the program writes NAME_rendered.mp4 with the video's sound. It shows a camera in a window. Each person
keeps the same number and colour in all frames.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.estimating import (
    add_format_options,
    add_look_options,
    check_look,
    formats_asked_for,
    load_estimator,
    look_of,
    split_formats,
)
from openpose_lab.commands.options import (
    Options,
    add_grouping_option,
    add_network_options,
    add_set_option,
    apply_settings,
    check_range,
    chosen_views,
    make_parser,
)
from openpose_lab.commands.program import claim_outputs, first_signal_waits, shown
from openpose_lab.formats import FORMATS

if TYPE_CHECKING:
    from openpose_lab.formats.record import Record
    from openpose_lab.job.video_file import VideoWriter
    from openpose_lab.job.video_run import Found, VideoOutputs
    from openpose_lab.job.window import Window
    from openpose_lab.sources import MovingSource
    from openpose_lab.tracking import CheckedTracker

EXAMPLES = """examples:
  {program} clip.mp4                               write clip_rendered.mp4, with the sound of the clip
  {program} clip.mp4 --output skeletons.mkv --quality best
  {program} clip.mp4 --show                        show a window; q or Esc ends the program
  {program} 0                                      show the first camera in a window
  {program} clip.mp4 --no-draw --jsonl people.jsonl --csv people.csv
  {program} clip.mp4 --no-draw --json keypoints    write OpenPose's JSON for each frame to keypoints/
  {program} clip.mp4 --start 10 --end 20 --every 5
  {program} clip.mp4 --smooth --fill-gaps 0.2 --angles angles.csv
  {program} clip.mp4 --tracker my_tracker.py       use your own tracker
  {program} frames --fps 30                        read a folder of frames
"""
_LONGEST_GAP = 3600.0


def main(arguments: Sequence[str], program: str = "openpose-lab video") -> None:
    """Run the program with the options of the command line. ``--help`` names it ``program``."""
    options = parse_options(arguments, program)
    chosen_views(options)
    check_look(options)
    if options.output is not None and not options.draw:
        raise OpenPoseLabError("--output names the video to write, but --no-draw writes none; give only one of them")
    if options.fill_gaps is not None:
        check_range("--fill-gaps", options.fill_gaps, 0, _LONGEST_GAP)
    from openpose_lab.overlap import share_heaps

    share_heaps()  # before NumPy is imported
    process(options)


def parse_options(arguments: Sequence[str], program: str) -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = make_parser(program, __doc__, EXAMPLES.format(program=program))
    add = parser.add_argument
    add("source", help="a video, the number of a camera, the address of a stream, or a folder of frames")
    add("--output", type=Path, metavar="FILE", help="the video to write (default: NAME_rendered.mp4)")
    add("--no-draw", dest="draw", action="store_false", help="do not write a video")
    add("--show", action="store_true", help="show the frames in a window; q or Esc ends the program")
    add_format_options(parser)
    add_part_options(parser.add_argument_group("frames to process"))
    add_motion_options(parser.add_argument_group("tracking and smoothing"))
    add_look_options(parser)
    add_network_options(parser)
    add_grouping_option(parser)
    add_set_option(parser)
    return parser.parse_args(arguments)


def add_part_options(parser: Options) -> None:
    """Add the options for the frames of the source that are processed."""
    add = parser.add_argument
    add("--start", type=seconds, metavar="TIME", help="begin at this time: seconds, or H:M:S")
    add("--end", type=seconds, metavar="TIME", help="end before this time: seconds, or H:M:S")
    add("--every", type=int, default=1, metavar="N", help="process only every Nth frame (default: 1)")
    add("--fps", type=float, metavar="N", help="frames a second of a folder of frames (default: 25)")


def seconds(text: str) -> float:
    """Return the seconds of a time such as ``90.5``, ``1:30.5`` or ``0:01:30.5``."""
    parts = text.split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"\d+(\.\d*)?", part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; give seconds such as 90.5, or 1:30.5")
    time_read = 0.0
    for part in parts:
        time_read = 60 * time_read + float(part)
    return time_read


def add_motion_options(parser: Options) -> None:
    """Add the options that work over successive frames: tracking, smoothing and gaps."""
    from openpose_lab.tracking import DEFAULT_TRACKER, TRACKERS

    add = parser.add_argument
    add(
        "--tracker",
        default=DEFAULT_TRACKER,
        help=f"the tracker, which gives people their identities: {', '.join(TRACKERS)}, or a Python file with update "
        f"(default: {DEFAULT_TRACKER})",
    )
    add("--smooth", action="store_true", help="smooth each keypoint over time with a Butterworth low-pass of 6 Hz")
    add("--fill-gaps", type=float, metavar="S", help="interpolate keypoints that are missing for at most S seconds")


def process(options: argparse.Namespace) -> None:
    """Process the source with a progress bar, and print a summary."""
    from openpose_lab.job.video_run import VideoRun
    from openpose_lab.lab.sandbox.isolated import Isolated
    from openpose_lab.lab.sandbox.isolated_tracker import IsolatedTracker
    from openpose_lab.networks.loading import network_config
    from openpose_lab.sources import open_source
    from openpose_lab.sources.live import LiveSource
    from openpose_lab.sources.videos import check_part

    check_part(options.every, options.start, options.end)
    (config,) = apply_settings(options.set, network_config(options.network, options.weights))
    with ExitStack() as stack:
        isolated = stack.enter_context(Isolated(options.grouping))
        isolated_tracker = stack.enter_context(IsolatedTracker(options.tracker, config.layout))
        source = stack.enter_context(open_source(options.source, options.fps))
        outputs, video, mend = outputs_of(options, source), video_of(options, source), mending(options, source)
        inputs = [
            ("source", source.path),
            ("grouping file", isolated.source),
            ("tracker file", isolated_tracker.source),
        ]
        check_files(outputs, video, [*inputs, ("weights file", options.weights)])
        estimator, _ = load_estimator(options, config, isolated)
        tracker = isolated_tracker.load()
        writer = stack.enter_context(begin_video(video, source, options)) if video else None
        window = stack.enter_context(open_window(source)) if is_shown(options, source) else None
        written = [*([video] if video else []), *outputs.files.values(), *outputs.tables.values()]
        report = Report(expected_frames(options, source), written)
        run = VideoRun(
            str(source.path or source.name),  # source.name of a file is shortened for messages
            partial(source.frames, options.every, options.start, options.end, options.rotate),
            partial(report.follow, identifying(options, source, tracker)),
            outputs,
            writer,
            window,
            mend,
            look_of(options),
            options.keypoint_scale,
            source.is_live,
        )
        is_stopped = stack.enter_context(first_signal_waits())

        def is_over() -> bool:
            return is_stopped() or (window is not None and window.closed)

        if isinstance(source, LiveSource):
            source.is_over = is_over

        def end_calls() -> None:
            isolated.end_calls()
            isolated_tracker.end_calls()

        try:
            with writer or nullcontext():  # the video gets its final name before the report
                run.run(estimator, is_over, report.watch, report.tick, on_stop=end_calls)
                if writer:
                    writer.close(stopped=is_over())
        finally:
            report.print(source)


class Report:
    """Counts frames and identities, shows a progress bar, and prints a summary."""

    def __init__(self, expected: int | None, paths: Sequence[Path]) -> None:
        """Begin. ``expected`` is the number of frames, or None if unknown. ``paths`` are the possible outputs."""
        self._expected = expected
        self._before = {path: _state(path) for path in paths}
        self._frames = 0
        self._seconds = 0.0
        self._identities: set[int] = set()

    def watch(self, frames: Iterable[Any], what: str) -> Iterator[Any]:
        """Yield the frames unchanged, and show their number and rate in a progress bar."""
        from tqdm import tqdm

        began = time.monotonic()
        try:
            yield from tqdm(frames, what, self._expected, unit="frame", disable=None)
        finally:
            self._seconds += time.monotonic() - began

    def tick(self) -> None:
        """Count a frame."""
        self._frames += 1

    def follow(self, identify: Callable[[Iterable[Found]], Iterator[Found]], found: Iterable[Found]) -> Iterator[Found]:
        """Yield the identified frames unchanged, and note their identities."""
        for frame, people in identify(found):
            self._identities.update(people.person_ids.tolist())
            yield frame, people

    def print(self, source: MovingSource) -> None:
        """Print the frames, the identities, and which outputs were written."""
        from estimation.skeletons import NO_IDENTITY

        if not self._frames:
            return
        rate = f" ({self._frames / self._seconds:.1f} a second)" if self._seconds else ""
        print(f"frames       {self._frames}{rate}")
        if source.dropped:
            print(f"dropped      {source.dropped} frames, because they came faster than they could be processed")
        print(f"identities   {len(self._identities - {NO_IDENTITY})}")
        for path, before in self._before.items():
            if _state(path) not in (None, before):
                print(f"wrote {shown(path)}{os.sep if path.is_dir() else ''}")


def _state(path: Path) -> tuple[int, int] | None:
    """Return a value that changes when a file, or a file in a folder, is written; None if the path is missing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def outputs_of(options: argparse.Namespace, source: MovingSource) -> VideoOutputs:
    """Return the paths for keypoints: a file per frame, and tables."""
    from openpose_lab.job.video_run import VideoOutputs

    return VideoOutputs(stem_of(source), *split_formats(options, "the frames"))


def stem_of(source: MovingSource) -> str:
    """Return the first part of output names: the file's stem, or the source's name with only safe characters."""
    if source.path is not None:
        return source.path.stem
    return re.sub(r"[^\w.-]+", "_", Path(source.name).stem).strip("_.") or "video"


def video_of(options: argparse.Namespace, source: MovingSource) -> Path | None:
    """Return the video to write: ``--output``, or NAME_rendered.mp4 for a file that is not shown; None for no video."""
    if options.output is not None or not options.draw or options.show or source.is_live:
        return options.output if options.draw else None
    return Path(f"{stem_of(source)}_rendered.mp4")


def is_shown(options: argparse.Namespace, source: MovingSource) -> bool:
    """Return whether to open a window: if it was requested, or if a live source has no other output."""
    return options.show or (source.is_live and options.output is None and not formats_asked_for(options))


def check_files(outputs: VideoOutputs, video: Path | None, inputs: Sequence[tuple[str, Path | None]]) -> None:
    """Make the output folders. Raises OpenPoseLabError if an output cannot be written or is also an input."""
    from openpose_lab.job.outputs import make_folder

    for name in [*outputs.files, *outputs.tables]:
        FORMATS[name].check()
    for folder in outputs.files.values():
        make_folder(folder)
    claim_outputs([*([video] if video else []), *outputs.tables.values()], inputs)


def begin_video(path: Path, source: MovingSource, options: argparse.Namespace) -> VideoWriter:
    """Open the output video for writing."""
    from openpose_lab.job.video_file import writer_of

    return writer_of(path, source, options.every, options.start, options.end, options.rotate)


def open_window(source: MovingSource) -> Window:
    """Open the window."""
    from openpose_lab.job.window import Window

    return Window(source.name, source.is_live)


def identifying(
    options: argparse.Namespace, source: MovingSource, tracker: CheckedTracker
) -> Callable[[Iterable[Found]], Iterator[Found]]:
    """Return a function that gives identities frame by frame. With ``--smooth``, it also smooths a live source."""
    from openpose_lab.tracking import identify

    if not (options.smooth and source.reads_once):
        return partial(identify, tracker=tracker)
    from openpose_lab.tracking.smoothing import CausalSmoother

    smoother = CausalSmoother()

    def identify_and_smooth(found: Iterable[Found]) -> Iterator[Found]:
        for frame, people in identify(found, tracker):
            yield frame, smoother.update(people, frame.timestamp or 0.0, frame.pixels.shape[1::-1])

    return identify_and_smooth


def mending(
    options: argparse.Namespace, source: MovingSource
) -> Callable[[Callable[[], Iterator[Record]]], Iterator[Record]] | None:
    """Return a function that fills gaps and smooths after the last frame, or None if neither is requested.

    Raises OpenPoseLabError if the source or the tracker does not allow a requested option.
    """
    if options.tracker == "none" and (options.smooth or options.fill_gaps is not None):
        raise OpenPoseLabError(
            "--smooth and --fill-gaps need the identities of people; give a --tracker other than none"
        )
    if options.smooth and source.rate is not None:
        from openpose_lab.tracking.smoothing import check_rate

        check_rate(float(source.rate) / options.every)
    if source.reads_once:
        if options.fill_gaps is not None:
            raise OpenPoseLabError(
                "--fill-gaps needs the frames after a gap, so it does not work with a camera or stream; remove it"
            )
        if options.smooth and options.blur_faces:
            raise OpenPoseLabError(
                "--smooth makes skeletons lag behind the faces of a camera or stream, so --blur-faces would miss them; "
                "give only one of them"
            )
        return None
    if not (options.smooth or options.fill_gaps is not None):
        return None
    from openpose_lab.tracking.motion import refined

    return partial(refined, gap_seconds=options.fill_gaps, smooth=options.smooth)


def expected_frames(options: argparse.Namespace, source: MovingSource) -> int | None:
    """Return the number of frames to process, by the source's frame count and duration; None if unknown."""
    frames: float | None = source.frame_count
    if frames is None or not source.duration:
        return None
    seconds = min(options.end or source.duration, source.duration) - (options.start or 0)
    return max(0, math.ceil(frames * float(seconds) / source.duration / int(options.every)))
