"""Fetch the COCO photos that the accuracy tables were measured on, with their annotations."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from estimation.files import write_whole
from openpose_lab.downloads import LARGEST_DOWNLOAD, DownloadInterruptedError, download, is_downloaded
from openpose_lab.evaluation.json_files import read_json
from openpose_lab.evaluation.photo_lists import ANNOTATIONS, PHOTOS, ListedPhoto, PhotoSet

LARGEST_PHOTO = 20 << 20
"""Bytes. COCO's photos have less than 1 MB."""
MAX_INTERRUPTED_IN_A_ROW = 3
"""After this many interrupted downloads in a row, the network is down or the disk is full."""


@dataclass(frozen=True)
class Archive:
    """A zip archive at COCO's home: its address and its checksum, ``algorithm:hexadecimal``."""

    url: str
    checksum: str


COCO_ANNOTATIONS = Archive(
    "http://images.cocodataset.org/annotations/annotations_trainval2017.zip",
    # Published in ParlAI, parlai/tasks/coco_caption/build_2017.py.
    "sha256:113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
)


def fetch_photo_set(photo_set: PhotoSet, folder: Path, archive: Archive = COCO_ANNOTATIONS) -> list[str]:
    """Fetch the photos of a set into ``folder/images`` and write ``folder/annotations.json``.

    Files from earlier runs are used again. An interrupted download continues where it stopped. The archive of all
    annotations stays in the folder until ``annotations.json`` is written.

    Args:
        photo_set: The set.
        folder: The folder to write to. It is made if it does not exist.
        archive: COCO's annotations of the split.

    Returns:
        One sentence for each file that could not be fetched. Empty if the set is complete.

    Raises:
        OpenPoseLabError: The folder cannot be used, or contains annotations of other photos.
    """
    _make_folder(folder / PHOTOS)
    annotated = _has_annotations(folder / ANNOTATIONS, photo_set)
    failures = _fetch_photos(photo_set.photos, folder / PHOTOS)
    if not annotated:
        try:
            _fetch_annotations(photo_set, folder, archive)
        except OpenPoseLabError as error:
            failures.append(str(error))
    return failures


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OpenPoseLabError(f"cannot make the folder {folder}: {error.strerror}; choose another folder") from error


def _has_annotations(path: Path, photo_set: PhotoSet) -> bool:
    """Return whether ``path`` exists. Raise OpenPoseLabError if it does not contain the annotations of the set."""
    if not path.exists():
        return False
    try:
        image_ids = [image["id"] for image in read_json(path, "annotations file", "COCO's")["images"]]
    except (OpenPoseLabError, LookupError, TypeError):
        image_ids = []
    if image_ids != [photo.image_id for photo in photo_set.photos]:
        raise OpenPoseLabError(
            f"{path} does not hold the annotations of {photo_set.name}; move it away or choose another folder"
        )
    return True


def _fetch_photos(photos: tuple[ListedPhoto, ...], folder: Path) -> list[str]:
    """Fetch the missing photos. Return one sentence per failure; raise if the network or the disk keeps failing."""
    failures = []
    interrupted = 0
    for photo in tqdm(photos, desc="photos", unit="photo", disable=None):
        try:
            _fetch_file(photo.coco_url, folder / photo.file_name, f"sha256:{photo.sha256}", False, LARGEST_PHOTO)
            interrupted = 0
        except OpenPoseLabError as error:
            failures.append(str(error))
            interrupted = interrupted + 1 if isinstance(error, DownloadInterruptedError) else 0
            if interrupted == MAX_INTERRUPTED_IN_A_ROW:
                raise OpenPoseLabError(f"{interrupted} downloads in a row failed; the last one: {error}") from error
    return failures


def _fetch_file(url: str, path: Path, expected: str, progress: bool, most_bytes: int = LARGEST_DOWNLOAD) -> None:
    if not is_downloaded(path, expected):
        download(url, path, expected, progress, most_bytes)


def _fetch_annotations(photo_set: PhotoSet, folder: Path, archive: Archive) -> None:
    zip_path = folder / archive.url.rsplit("/", 1)[-1]
    _fetch_file(archive.url, zip_path, archive.checksum, progress=True)
    content = _read_annotations(zip_path, photo_set)
    write_whole(folder / ANNOTATIONS, json.dumps(content).encode())
    try:
        zip_path.unlink()
    except OSError as error:
        raise OpenPoseLabError(f"cannot delete {zip_path}: {error.strerror}; delete it, it is not needed") from error


def _read_annotations(zip_path: Path, photo_set: PhotoSet) -> dict[str, Any]:
    """Read COCO's annotations of a set's photos from the archive, in the order of the set's list."""
    member = f"annotations/person_keypoints_{photo_set.split}.json"
    order = {photo.image_id: number for number, photo in enumerate(photo_set.photos)}
    try:
        with zipfile.ZipFile(zip_path) as zipped:
            if member not in zipped.namelist():
                raise OpenPoseLabError(f"{zip_path} has no file {member}; delete it and run again")
            content = _parse_annotations(zipped.read(member), order.keys())
        images = sorted(content["images"], key=lambda image: order[image["id"]])
        people = sorted(content["annotations"], key=lambda person: order[person["image_id"]])
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise OpenPoseLabError(f"cannot read {zip_path}: {error}; delete it and run again") from error
    except (ValueError, LookupError, TypeError) as error:
        raise OpenPoseLabError(
            f"{member} in {zip_path} does not hold COCO's annotations; delete it and run again"
        ) from error
    missing = order.keys() - {image["id"] for image in images}
    if missing:
        raise OpenPoseLabError(
            f"{member} in {zip_path} lacks {len(missing)} of the {len(order)} photos, the first with the id "
            f"{min(missing)}; delete it and run again"
        )
    return {**content, "images": images, "annotations": people}


def _parse_annotations(data: bytes, image_ids: Set[int]) -> dict[str, Any]:
    """Parse an annotations file. Drop other photos while parsing, because train2017 would take over a gigabyte."""

    def keep(entry: dict[str, Any]) -> dict[str, Any] | None:
        image_id = entry["id"] if "coco_url" in entry else entry.get("image_id")
        return entry if image_id is None or image_id in image_ids else None

    content: dict[str, Any] = json.loads(data, object_hook=keep)
    for kind in ("images", "annotations"):
        content[kind] = [entry for entry in content[kind] if entry is not None]
    return content
