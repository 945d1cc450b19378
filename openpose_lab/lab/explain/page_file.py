"""The page of openpose_lab.commands.explain as a file, and the messages to an open page with ``--watch``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.files import write_whole
from estimation.pipeline import Estimate
from openpose_lab.lab.explain.data import Told, explain
from openpose_lab.lab.explain.page import make_page
from openpose_lab.lab.explain.stages import Stages


class Page:
    """The page of one photo.

    While it is watched, a small script lies beside it and names the newest version of the page. The open page loads
    this script each second, because a page opened from a file may load scripts but may not read files.

    Args:
        path: the page's file.
        name: the photo's name.
        photo: (h, w, 3) BGR uint8.
        config: the configuration.
        found: the output of the stages.
        stages: the maps after each stage of the network.
    """

    def __init__(
        self, path: Path, name: str, photo: NDArray[np.uint8], config: Config, found: Estimate, stages: Stages | None
    ) -> None:
        self.path = path
        self.script = script_of(path)
        self._seen = photo, name, config, found
        self._stages = stages
        self._watched = False
        self._version = ""
        self._told: Sequence[Told] = ()

    def write(self, told: Sequence[Told]) -> int:
        """Write the page whole.

        Args:
            told: the film of each grouping.

        Returns:
            The size of the page in bytes.

        Raises:
            OpenPoseLabError: The page cannot be written.
        """
        self._told = told
        self._version = f"{time.time_ns()}"
        data = explain(*self._seen, told, self._stages)
        if self._watched:
            data["watch"] = {"script": self.script.name, "version": self._version, "time": time.strftime("%H:%M:%S")}
        page = make_page(data).encode()
        write_whole(self.path, page)
        if self._watched:  # after the page, which loads itself again when the script names a new version
            self.note("")
        return len(page)

    def note(self, problem: str) -> None:
        """Tell the open page why it shows an older version of the grouping. Empty if it shows the newest."""
        newest = json.dumps({"version": self._version, "problem": problem})
        write_whole(self.script, f"openPoseLab({newest});\n".encode())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let the open page follow ``write`` and ``note`` inside the block. Afterwards it is an ordinary page."""
        self._watched = True
        try:
            yield
        finally:
            self._watched = False
            self.script.unlink(missing_ok=True)
            if self._told:
                self.write(self._told)


def script_of(path: Path) -> Path:
    """Return the path of the script beside a watched page."""
    return path.with_suffix(".watch.js")
