"""The files that a run over many photos writes, and the checks that they can be written."""

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
"""The name of the journal in a folder, or the ending of its name beside a table."""


@dataclass(frozen=True)
class Outputs:
    """The paths of a run's outputs.

    Attributes:
        pictures: The folder of the pictures; None for no pictures.
        picture_ending: The ending of the pictures' names, such as ``.jpg``.
        files: The folder of each format with one file per photo, by the format's name.
        tables: The file of each format with one file for all photos, by the format's name.
    """

    pictures: Path | None
    picture_ending: str = ".jpg"
    files: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)

    @property
    def folders(self) -> list[Path]:
        """The folders for the outputs of each photo, without repetition."""
        return list(dict.fromkeys([*([self.pictures] if self.pictures else []), *self.files.values()]))

    @property
    def journal(self) -> Path:
        """The path of the journal: in the first folder, or beside the first table."""
        if self.folders:
            return self.folders[0] / JOURNAL
        beside = [path.with_name(f"{path.name}.{JOURNAL}") for path in self.tables.values() if is_plain(path)]
        return next(filter(os.path.lexists, beside), beside[0])  # an earlier run with fewer tables may have one

    def picture_of(self, photo: PhotoFile) -> Path | None:
        """Return the path of a photo's picture, named as by OpenPose; None for no picture."""
        return None if self.pictures is None else self.pictures / f"{photo.name}{DRAWN}{self.picture_ending}"

    def files_of(self, photo: PhotoFile) -> dict[str, Path]:
        """Return the path of a photo's file in each format, named as by OpenPose."""
        return {name: folder / f"{photo.name}_keypoints.{name}" for name, folder in self.files.items()}

    def all_of(self, photo: PhotoFile) -> list[Path]:
        """Return the paths of all files of a photo."""
        picture = self.picture_of(photo)
        return [*([picture] if picture else []), *self.files_of(photo).values()]


def is_plain(path: Path) -> bool:
    """Return whether a path is an ordinary file or does not exist yet, so that other files can lie beside it."""
    return open_descriptor(path) is None and (not os.path.exists(path) or os.path.isfile(path))


def check_places(
    outputs: Outputs, photos: Sequence[PhotoFile], inputs: Iterable[tuple[str, Path | None]], replace: bool
) -> None:
    """Make the folders of a run, and check that all its files can be written.

    Args:
        outputs: The paths of the outputs.
        photos: The photos.
        inputs: Other files that the run reads, as for ``check_outputs``.
        replace: Whether existing files may be replaced.

    Raises:
        OpenPoseLabError: A folder or a file cannot be written, already exists, or is an input.
    """
    for name in [*outputs.files, *outputs.tables]:
        FORMATS[name].check()
    if not outputs.folders and not any(map(is_plain, outputs.tables.values())):
        raise OpenPoseLabError(
            "a run over several photos needs an output; give --output DIR, or the path of a table such as --csv FILE"
        )
    for folder in outputs.folders:  # before the check of tables, which may lie in these folders
        make_folder(folder)
    sources = [("photo", photo.path) for photo in photos]
    check_outputs([*outputs.tables.values(), outputs.journal], [*inputs, *sources])
    check_place_of_files(outputs.journal)
    _check_no_source(outputs, photos)
    if not replace:
        _check_absent([path for photo in photos for path in outputs.all_of(photo)])
        _check_absent([path for path in [*outputs.tables.values(), outputs.journal] if is_plain(path)])


def _check_no_source(outputs: Outputs, photos: Sequence[PhotoFile]) -> None:
    """Raise OpenPoseLabError if an output is one of the photos, for example if letter case makes no difference."""
    sources = {_identity(photo.path) for photo in photos if photo.path is not None} - {None}
    for path in (path for photo in photos for path in outputs.all_of(photo)):
        if _identity(path) in sources:
            raise OpenPoseLabError(
                f"{path} is one of the photos, and would be overwritten; choose another --output DIR"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """Return a key that is equal for two paths of one file; None if the path does not exist."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def make_folder(folder: Path) -> None:
    """Make a folder and its parents. Raises OpenPoseLabError if it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OpenPoseLabError(f"cannot write into {folder}: it is not a folder; choose another place") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OpenPoseLabError(f"cannot make the folder {folder}: {reason}; choose another place") from error


def _check_absent(paths: list[Path]) -> None:
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" and {len(there) - 1} more outputs exist already" if len(there) > 1 else " exists already"
        raise OpenPoseLabError(
            f"{one_line(str(there[0]), 200)}{more}; give --resume to skip finished photos, --overwrite to process all "
            "again, or another --output DIR"
        )
