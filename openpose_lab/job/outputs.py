"""Which files a run over many photos writes, and whether they may be written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import check_outputs, check_place_of_files, open_descriptor
from openpose_lab.formats import FORMATS
from openpose_lab.sources import PhotoFile
from openpose_lab.sources.photo_files import DRAWN

JOURNAL = "journal.jsonl"
"""The name of the journal, or its ending beside a table."""


@dataclass(frozen=True)
class Outputs:
    """Where the outputs of a run go.

    Attributes:
        pictures: The folder of the pictures; None for no pictures.
        picture_ending: The ending of their names, such as ``.jpg``.
        files: The folder of each format that has one file a photo, by its name.
        tables: The file of each format that has one file for all photos, by its name.
    """

    pictures: Path | None
    picture_ending: str = ".jpg"
    files: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)

    @property
    def folders(self) -> list[Path]:
        """The folders that outputs of each photo go to, each once."""
        return list(dict.fromkeys([*([self.pictures] if self.pictures else []), *self.files.values()]))

    @property
    def journal(self) -> Path:
        """The file that says what is done: in the first folder, or beside the first table."""
        if self.folders:
            return self.folders[0] / JOURNAL
        beside = [path.with_name(f"{path.name}.{JOURNAL}") for path in self.tables.values() if is_plain(path)]
        return next(filter(os.path.lexists, beside), beside[0])  # that of an earlier run with fewer tables

    def picture_of(self, photo: PhotoFile) -> Path | None:
        """The picture of a photo, under OpenPose's name."""
        return None if self.pictures is None else self.pictures / f"{photo.name}{DRAWN}{self.picture_ending}"

    def files_of(self, photo: PhotoFile) -> dict[str, Path]:
        """The files of a photo in each format, under OpenPose's names."""
        return {name: folder / f"{photo.name}_keypoints.{name}" for name, folder in self.files.items()}

    def all_of(self, photo: PhotoFile) -> list[Path]:
        """Every file of a photo."""
        picture = self.picture_of(photo)
        return [*([picture] if picture else []), *self.files_of(photo).values()]


def is_plain(path: Path) -> bool:
    """Tell whether a path is that of a file, or of nothing yet, so that other files can lie beside it."""
    return open_descriptor(path) is None and (not os.path.exists(path) or os.path.isfile(path))


def check_places(
    outputs: Outputs, photos: Sequence[PhotoFile], inputs: Iterable[tuple[str, Path | None]], replace: bool
) -> None:
    """Make the folders of a run, and check that all its files can be written.

    Args:
        outputs: Where the outputs go.
        photos: The photos.
        inputs: Other files that the run reads, as ``check_outputs`` takes them.
        replace: Whether files that are there may be written anew.

    Raises:
        OpenPoseLabError: A folder or a file cannot be written, or is there already, or is an input.
    """
    for name in [*outputs.files, *outputs.tables]:
        FORMATS[name].check()
    if not outputs.folders and not any(map(is_plain, outputs.tables.values())):
        raise OpenPoseLabError(
            "a run over several photos needs a file to write; give --output DIR, or the path of a table"
        )
    for folder in outputs.folders:  # tables may go there
        make_folder(folder)
    sources = [("photo", photo.path) for photo in photos]
    check_outputs([*outputs.tables.values(), outputs.journal], [*inputs, *sources])
    check_place_of_files(outputs.journal)
    _check_no_source(outputs, photos)
    if not replace:
        _check_absent([path for photo in photos for path in outputs.all_of(photo)])
        _check_absent([path for path in [*outputs.tables.values(), outputs.journal] if is_plain(path)])


def _check_no_source(outputs: Outputs, photos: Sequence[PhotoFile]) -> None:
    """Raise OpenPoseLabError if an output is one of the photos, as ``A_rendered.jpg`` is where case does not count."""
    sources = {_identity(photo.path) for photo in photos if photo.path is not None} - {None}
    for path in (path for photo in photos for path in outputs.all_of(photo)):
        if _identity(path) in sources:
            raise OpenPoseLabError(
                f"{path} is one of the photos, and would be overwritten; choose another --output DIR"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """A key that is equal for two paths of one file; None where nothing is."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Raises OpenPoseLabError if that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OpenPoseLabError(f"cannot write into {folder}: it is no folder; choose another place") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpenPoseLabError(f"cannot make the folder {folder}: {reason}; choose another place") from error


def _check_absent(paths: list[Path]) -> None:
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" and {len(there) - 1} more of the outputs are" if len(there) > 1 else " is"
        raise OpenPoseLabError(
            f"{one_line(str(there[0]), 200)}{more} there already; --resume leaves out the photos that are done, "
            "--overwrite does all again, --output DIR chooses another folder"
        )
