"""The pictures of docs/explain.md: the page that explain writes for the sample photo, as a browser shows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from estimation.errors import OpenPoseLabError
from estimation.files import check_writable, encode_picture, write_whole
from estimation.photos import read_photo
from openpose_lab.commands import explain
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.paths import ROOT

EXAMPLES = """example:
  python -m scripts.draw_explain
"""
FOLDER = ROOT / "docs" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PICTURES = {"lab_explain.jpg": ("", 1080, 840), "lab_stages.jpg": ("#stages", 1080, 930)}
"""Each picture: the part of the page to open, and the browser's width and height in pixels."""
_SECONDS = 120


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_explain", __doc__, EXAMPLES)
    parser.add_argument(
        "--out", type=Path, default=FOLDER, metavar="DIR", help="the folder to write to (default: that of the page)"
    )
    options = parser.parse_args(arguments)
    browser = find_browser()
    if browser is None:
        raise OpenPoseLabError(f"no browser to show the page; install one of {', '.join(BROWSERS)}")
    for name in PICTURES:
        check_writable(options.out / name)
    with TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        explain.main(["--output", str(page)])
        for name, (part, width, height) in PICTURES.items():
            screenshot = Path(folder, "screenshot.png")
            look(browser, page.as_uri() + part, width, height, screenshot)
            picture = options.out / name
            write_whole(picture, encode_picture(picture, read_photo(screenshot)))
            print(f"wrote {shown(picture)}")


def find_browser() -> str | None:
    """Return the path of a browser without a window, or None if no such browser is installed."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def look(browser: str, address: str, width: int, height: int, picture: Path) -> None:
    """Save a page as the browser shows it, as PNG.

    Args:
        browser: The program's path.
        address: The address of the page.
        width: Width of the browser's window in pixels.
        height: Height of the window in pixels.
        picture: The file to write.

    Raises:
        OpenPoseLabError: If the browser writes no picture.
    """
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={picture.parent / 'profile'}", f"--window-size={width},{height}"]
    command += [f"--screenshot={picture}", address]
    try:
        subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise OpenPoseLabError(f"{browser} cannot show the page: {error}") from error


if __name__ == "__main__":
    sys.exit(start("draw_explain", main, sys.argv[1:]))
