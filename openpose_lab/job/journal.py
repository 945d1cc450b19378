"""The journal of a run over many photos: one line for each photo that is done, from which all tables are written.

The first line holds the settings of the run. Each other line holds the name of a photo's outputs, a tab, and the record
in the exact form of ``formats/lines.py``. The run appends a line after all files of the photo are written, so a killed
run can continue. It drops an incomplete last line and processes that photo again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import cannot_write
from estimation.layouts import Layout
from openpose_lab.file_locks import busy, try_lock
from openpose_lab.formats.coco_results import image_ids
from openpose_lab.formats.lines import from_line, to_line
from openpose_lab.formats.record import Record
from openpose_lab.sources import PhotoFile

_VERSION = 2
_LONGEST_LINE = 64 << 20
"""Bytes, enough for about 20,000 people."""

Settings = Mapping[str, str]
"""The settings that change the records of a run, by the names of their options."""


class Journal:
    """An open journal. As a context manager, it closes its file at the end."""

    def __init__(self, path: Path, file: BinaryIO, layout: Layout, done: _Done) -> None:
        self._path, self._file, self._layout, self._done = path, file, layout, done

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError:  # ``append`` has already raised for the data that cannot be written
            if kind is None:
                raise

    def __contains__(self, photo: PhotoFile) -> bool:
        return self._done.names.get(photo.shown) == photo.name

    def owner_of(self, name: str) -> str | None:
        """Return the finished photo with this name of its outputs, or None."""
        return self._done.owners.get(name)

    def append(self, photo: PhotoFile, record: Record) -> None:
        """Record that a photo is done. Raises OpenPoseLabError if the file was deleted or cannot be written."""
        if not os.path.lexists(self._path):  # the outputs may be deleted, too
            raise OpenPoseLabError(
                f"the journal {one_line(str(self._path), 200)} was deleted during the run; run again with --resume"
            )
        try:
            place = self._file.seek(0, os.SEEK_END)
            self._file.write(json.dumps(photo.name).encode("ascii") + b"\t" + to_line(record))
            self._file.flush()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._done.add(photo.shown, photo.name, place)

    def forget(self, photo: PhotoFile) -> None:
        """Remove a photo from the tables, because its outputs no longer exist."""
        self._done.remove(photo.shown)

    def records(self, names: Sequence[str]) -> Iterator[Record]:
        """Yield the records of the photos that are done.

        Args:
            names: The photos of the run, in order. Unfinished photos are left out.

        Yields:
            Each record, with its index in ``names`` and its id from ``image_ids``.
        """
        for index, (name, image_id) in enumerate(zip(names, image_ids(names))):
            if name in self._done.places:
                self._file.seek(self._done.places[name])
                record = from_line(self._file.readline().partition(b"\t")[2], self._layout)
                yield replace(record, index=index, image_id=image_id)


def begin(path: Path, layout: Layout, settings: Settings) -> Journal:
    """Begin an empty journal, and delete the content of an old one.

    Args:
        path: The journal's file.
        layout: The layout of the skeletons.
        settings: The settings that change the records.

    Returns:
        The open journal.

    Raises:
        OpenPoseLabError: The file cannot be written, or another run is writing it.
    """
    return _begun(path, _open_alone(path), layout, settings)


def resume(path: Path, layout: Layout, settings: Settings) -> Journal:
    """Continue a journal, or begin one if the file does not exist.

    Args:
        path: The journal's file.
        layout: The layout of the skeletons.
        settings: The settings that change the records.

    Returns:
        The open journal, without an incomplete last line.

    Raises:
        OpenPoseLabError: The file is not a journal, cannot be written, or belongs to a run with other settings, or
            another run is writing it.
    """
    file = _open_alone(path)
    try:
        if header := file.readline(_LONGEST_LINE):
            shown = one_line(str(path), 200)
            _check_settings(shown, header, settings)
            return Journal(path, file, layout, _read_done(shown, file, layout))
    except BaseException:
        file.close()
        raise
    return _begun(path, file, layout, settings)  # a journal without a first line has no finished photos


def _open_alone(path: Path) -> BinaryIO:
    """Open a journal, or make an empty one, and lock it against other runs."""
    try:
        file = path.open("a+b")
    except OSError as error:
        raise cannot_write(path, error) from error
    if try_lock(file):
        return file
    file.close()
    raise busy(path)


def _begun(path: Path, file: BinaryIO, layout: Layout, settings: Settings) -> Journal:
    header = {"openpose_lab_journal": _VERSION, "settings": dict(settings)}
    try:
        file.truncate(0)
        file.write(json.dumps(header, separators=(",", ":")).encode("ascii") + b"\n")
        file.flush()
    except OSError as error:
        with suppress(OSError):
            file.close()
        raise cannot_write(path, error) from error
    return Journal(path, file, layout, _Done())


def _read_done(shown: str, file: BinaryIO, layout: Layout) -> _Done:
    """Read which photos are done, and remove an incomplete last line."""
    done = _Done()
    place = file.tell()
    while line := file.readline(_LONGEST_LINE):
        try:
            name, _, record = line.partition(b"\t")
            done.add(from_line(record, layout).name, str(json.loads(name)), place)
        except ValueError:
            if line.endswith(b"\n") or len(line) == _LONGEST_LINE:
                raise OpenPoseLabError(
                    f"the journal {shown} is damaged at byte {place}; delete it, and run again with --overwrite"
                ) from None
            break
        place = file.tell()
    file.truncate(place)
    return done


class _Done:
    """The photos that are done. If two photos have the same name of outputs, only the later one counts as done.

    Attributes:
        places: The byte at which the line of each photo begins, by photo.
        names: The name of each photo's outputs, by photo.
        owners: The photo of each name of outputs.
    """

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.names: dict[str, str] = {}
        self.owners: dict[str, str] = {}

    def add(self, photo: str, name: str, place: int) -> None:
        self.remove(photo)
        self.remove(self.owners.get(name, photo))
        self.places[photo], self.names[photo], self.owners[name] = place, name, photo

    def remove(self, photo: str) -> None:
        if photo in self.places:
            del self.places[photo], self.owners[self.names.pop(photo)]


def _check_settings(shown: str, line: bytes, settings: Settings) -> None:
    try:
        header = json.loads(line.decode("ascii"))
        before = header["settings"]
        if header["openpose_lab_journal"] != _VERSION or not isinstance(before, dict):
            raise ValueError("the line is not a header of this version")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OpenPoseLabError(
            f"{shown} is not the journal of a run; delete it, and run again with --overwrite"
        ) from None
    for name in {**before, **settings}:
        if before.get(name) != settings.get(name):
            values = [one_line(str(one.get(name, "nothing")), 80) for one in (before, settings)]
            raise OpenPoseLabError(
                f"the run in {shown} has another {name}: {values[0]} instead of {values[1]}; use the same option to "
                "continue, or run again with --overwrite"
            )
