"""Time the decoding and encoding of videos by PyAV, which the project uses, and by OpenCV.

The program makes clips of a moving photo, and times both libraries in turns. It prints the tables of docs/video.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from openpose_lab.benchmark.machine import describe_machine
from openpose_lab.benchmark.video import moving_photo
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import start
from openpose_lab.job.video_file import VideoWriter
from openpose_lab.sources.videos import open_video

EXAMPLES = """example:
  python -m scripts.measure_video --repeat 5
"""
SIZES = ((640, 480), (1920, 1080))
_RATE = 25

Photo = NDArray[np.uint8]


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.measure_video", __doc__, EXAMPLES)
    parser.add_argument("--frames", type=int, default=300, help="frames of each clip (default: 300)")
    parser.add_argument("--repeat", type=int, default=5, help="number of times that each task is timed (default: 5)")
    options = parser.parse_args(arguments)
    print("\n".join(describe_machine().sentences))
    print("\n| what | ms a frame | CPU ms a frame | MB | PSNR dB |\n| -- | -- | -- | -- | -- |")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            measure(moving_photo(size, options.frames), Path(folder), options.repeat)


def measure(frames: list[Photo], folder: Path, repeat: int) -> None:
    """Time both libraries on the frames, and print the rows of the table."""
    height, width = frames[0].shape[:2]
    h264, mpeg4 = folder / "pyav.mp4", folder / "opencv.mp4"
    tasks: dict[str, Callable[[], int]] = {
        "encode, PyAV (H.264)": lambda: write_by_pyav(h264, frames),
        "encode, OpenCV (MPEG-4)": lambda: write_by_opencv(mpeg4, frames),
        "decode, PyAV (H.264)": lambda: sum(1 for _ in open_video(h264)),
        "decode, OpenCV (H.264)": lambda: count_by_opencv(h264),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for _ in range(repeat):
        for name, task in tasks.items():
            began = time.perf_counter(), time.process_time()
            assert task() == len(frames), name
            ended = time.perf_counter(), time.process_time()
            times[name].append((ended[0] - began[0], ended[1] - began[1]))
    for name, found in times.items():
        wall, cpu = (1000 * np.median(found, axis=0) / len(frames)).tolist()
        written = {"encode, PyAV (H.264)": h264, "encode, OpenCV (MPEG-4)": mpeg4}.get(name)
        size = f"{written.stat().st_size / 1e6:.2f}" if written else ""
        quality = f"{psnr(written, frames):.1f}" if written else ""
        print(f"| {name}, {width}x{height} | {wall:.2f} | {cpu:.2f} | {size} | {quality} |")


def write_by_pyav(path: Path, frames: Sequence[Photo]) -> int:
    """Write a video as the project does. Return the number of frames."""
    height, width = frames[0].shape[:2]
    with VideoWriter(path, width, height, rate=Fraction(_RATE)) as writer:
        for number, pixels in enumerate(frames):
            writer.write(pixels, number / _RATE)
    return writer.count


def write_by_opencv(path: Path, frames: Sequence[Photo]) -> int:
    """Write a video with OpenCV in MPEG-4, because its wheels have no H.264 encoder. Return the number of frames."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), _RATE, (width, height))
    for pixels in frames:
        writer.write(pixels)
    writer.release()
    return len(frames)


def count_by_opencv(path: Path) -> int:
    """Decode a video with OpenCV. Return the number of frames."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    capture.release()
    return count


def psnr(path: Path, frames: Sequence[Photo]) -> float:
    """Compute the mean peak signal-to-noise ratio of a video against its original frames, in dB."""
    return float(np.mean([cv2.PSNR(found.pixels, pixels) for found, pixels in zip(open_video(path), frames)]))


if __name__ == "__main__":
    sys.exit(start("measure_video", main, sys.argv[1:]))
