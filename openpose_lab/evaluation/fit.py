"""Check that annotations fit their photos: pixels, size and orientation. If they do not, AP is 0 without a reason."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line
from openpose_lab.evaluation.coco_figures import counts
from openpose_lab.evaluation.photo_sizes import PhotoSize, photo_size

if TYPE_CHECKING:
    from pycocotools.coco import COCO

_FEWEST = 3
"""A photo with fewer labelled keypoints is not checked."""
_ROUNDING = 1
"""Largest difference of a size or a keypoint without a note, in pixels."""
_LARGEST_SIDE = 2**31
"""In pixels. No photo is larger."""


class Annotated(NamedTuple):
    """A photo with its size and its annotated keypoints.

    Attributes:
        image: The photo's entry in the annotations: ``id``, ``file_name``, and optionally ``width`` and ``height``.
        path: The photo's file.
        size: The photo's size. None if the file cannot be read.
        points: (n, 2) float, x and y in pixels of the labelled keypoints of all people.
    """

    image: dict[str, Any]
    path: Path
    size: PhotoSize | None
    points: NDArray[np.float64]


def check_units(truth: COCO) -> None:
    """Raise OpenPoseLabError if keypoints or areas are not in pixels. Warn if some people have no area."""
    for image in truth.dataset["images"]:
        check_pixels(image, _labelled(truth, image["id"]))
    people = list(filter(counts, truth.anns.values()))
    without = [person for person in people if person["area"] < 1]
    if not without:
        return
    first = _name(truth.imgs[without[0]["image_id"]])
    if len(without) == len(people):
        raise OpenPoseLabError(
            f"the 'area' of every person in the annotations is below 1 pixel (first in {first}), so COCO's measure "
            f"counts no person as found; give areas in square pixels, or leave out 'area' to use the area of the box"
        )
    note(
        f"the 'area' of {len(without)} of {len(people)} people is below 1 pixel (first in {first}), so COCO's measure "
        f"counts none of them as found"
    )


def check_pixels(image: dict[str, Any], points: NDArray[np.float64]) -> None:
    """Raise OpenPoseLabError if the keypoints (n, 2) of a photo are shares of its size instead of pixels."""
    if len(points) >= _FEWEST and points.min() >= 0 and points.max() <= 1:
        raise OpenPoseLabError(
            f"all keypoints of {_name(image)} in the annotations lie from 0 to 1; give them in pixels of the photo"
        )


def check_photos(truth: COCO, photos: dict[int, Path]) -> None:
    """Compare photos with the sizes and keypoints of their annotations.

    Args:
        truth: The annotations.
        photos: The photo of each image id. Unreadable photos are skipped, because a later stage reports them.

    Raises:
        OpenPoseLabError: A photo has another size than its annotations state, or most of its keypoints lie outside
            it. The message names the first such photo.
    """
    given = ((image, photos[image["id"]]) for image in truth.dataset["images"])
    compare_photos(Annotated(image, path, photo_size(path), _labelled(truth, image["id"])) for image, path in given)


def compare_photos(annotated: Iterable[Annotated]) -> None:
    """Compare photos with their annotations. Raises and warns as ``check_photos`` does."""
    uncertain, outside, beyond, ids_of_path = [], [], 0.0, dict[Path, int]()
    for image, path, size, points in annotated:
        if ids_of_path.setdefault(path, image["id"]) != image["id"]:
            note(
                f"the annotations list {_name(image)} twice, with the ids {ids_of_path[path]} and {image['id']}; "
                f"people annotated under one id are false positives under the other"
            )
        if size is None:
            continue
        stated = _stated_size(image)
        if stated and not _alike(stated, size.upright):
            raise OpenPoseLabError(_of_another_size(image, stated, size))
        over = _beyond(points, size.upright)
        far = over[over > _ROUNDING]
        if len(far) >= _FEWEST and 2 * len(far) > len(points):
            raise OpenPoseLabError(_mostly_outside(image, len(far), points, size))
        if len(far):
            outside += [_name(image)] * len(far)
            beyond = max(beyond, float(far.max()))
        if size.turned and (size.upright == size.stored or not stated):
            uncertain.append(_name(image))
    if outside:
        note(
            f"{len(outside)} labelled keypoints lie outside their photos, by up to {beyond:.0f} pixels (first in "
            f"{outside[0]}); check that the annotations belong to the photos"
        )
    if uncertain:
        others = f" and {len(uncertain) - 1} more photos" if len(uncertain) > 1 else ""
        note(
            f"EXIF turns {uncertain[0]}{others}, and no size shows whether the annotations belong to the upright "
            f"photo; this is assumed"
        )


def _of_another_size(image: dict[str, Any], stated: tuple[int, int], size: PhotoSize) -> str:
    if size.turned and _alike(stated, size.stored):
        return (
            f"{_name(image)} is {_times(size.upright)} after EXIF turns it upright, but the annotations are for "
            f"{_times(stated)}, the photo before; remove the EXIF orientation, or annotate the upright photo"
        )
    return (
        f"{_name(image)} is {_times(size.upright)}, but the annotations are for {_times(stated)}; give photos of that "
        f"size, or scale the annotations"
    )


def _mostly_outside(image: dict[str, Any], count: int, points: NDArray[np.float64], size: PhotoSize) -> str:
    fits_unturned = size.turned and (_beyond(points, size.stored) <= _ROUNDING).all()
    why = (
        "they fit the photo before EXIF turns it; remove the EXIF orientation, or annotate the upright photo"
        if fits_unturned
        else "check that the annotations belong to the photos"
    )
    return f"{count} of {len(points)} keypoints lie outside {_name(image)}, which is {_times(size.upright)}; {why}"


def _stated_size(image: dict[str, Any]) -> tuple[int, int] | None:
    """Return width and height in the annotations, or None if unknown. COCO's keypoint measure does not need them."""
    width, height = image.get("width"), image.get("height")
    if not (isinstance(width, int | float) and isinstance(height, int | float)):
        return None
    if not (0 < width < _LARGEST_SIDE and 0 < height < _LARGEST_SIDE):  # 0 or -1 stands for an unknown size
        return None
    return round(width), round(height)


def _alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= _ROUNDING


def _labelled(truth: COCO, image_id: int) -> NDArray[np.float64]:
    """Return (n, 2), x and y of the labelled keypoints of the people in a photo that COCO counts."""
    people = [person["keypoints"] for person in truth.imgToAnns[image_id] if counts(person)]
    keypoints = np.array(people, dtype=np.float64).reshape(-1, 3)
    return keypoints[keypoints[:, 2] > 0, :2]


def _beyond(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Return (n,), the distance in pixels of each point (n, 2) beyond the edge of a photo. 0 or less is inside."""
    over: NDArray[np.float64] = np.maximum(-points, points - np.array(size)).max(axis=1, initial=0)
    return over


def _name(image: dict[str, Any]) -> str:
    return one_line(image["file_name"], 60)


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def note(sentence: str) -> None:
    """Issue a warning. Its place is the line that called the caller of ``note``."""
    warnings.warn(sentence, OpenPoseLabWarning, stacklevel=3)
