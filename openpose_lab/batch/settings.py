"""The settings of a job that its Ray processes need. They travel as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from estimation.config import Config
from estimation.quality import Views
from openpose_lab.networks.published import Precision


@dataclass(frozen=True)
class Settings:
    """The settings of a job.

    Attributes:
        network: The name of the network.
        weights: The weights file, which each machine must have.
        runtime: The runtime that executes the network.
        precision: The precision of the network.
        views: The views of each photo that the network sees.
        grouping: The name or the file of the grouping, which each machine must have.
        config: The layout and all thresholds.
        every: Take every Nth frame of a video.
        threads: The number of photos that a worker computes at once.
        folder: The absolute path or the address of the folder that the names of items are relative to.
        column: The column of Parquet files that holds the photos.
        most_frames: Stop after this number of frames of each video; None for all frames.
    """

    network: str
    weights: Path
    runtime: str
    precision: Precision | None
    views: Views
    grouping: str
    config: Config
    every: int = 1
    threads: int = 1
    folder: str = ""
    column: str | None = None
    most_frames: int | None = None

    def of(self, folder: str, column: str | None) -> Settings:
        """Return the settings for a source: its folder, and the column of its Parquet files."""
        return replace(self, folder=folder, column=column)
