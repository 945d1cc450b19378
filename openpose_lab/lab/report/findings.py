"""Collects the findings of a report: a merge's answer to the lab's rows, its checks, its figures, and pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.errors import OpenPoseLabError, one_line
from estimation.field_maps import cells_to_pixels
from estimation.files import encode_picture, read_input
from estimation.grouping.contract import Failure, find_fault
from estimation.renderers import draw_skeletons
from estimation.skeletons import Skeletons
from estimation.subset import GroupingError, slots_of_rows
from openpose_lab.estimator import PoseEstimator
from openpose_lab.lab.cases import HANDOUT
from openpose_lab.lab.merge_checks import CHECKS
from openpose_lab.lab.notebook_code import LARGEST_NOTEBOOK
from openpose_lab.lab.results import check_file, python_file
from openpose_lab.lab.row_tables import is_subset
from openpose_lab.lab.sandbox.isolated import Isolated
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import SandboxReply, answer_of
from openpose_lab.networks import DEFAULT_NETWORK
from openpose_lab.networks.loading import load_network
from openpose_lab.sources import PhotoFile

STEPS = len(CHECKS) + 1
"""The number of calls of ``advance``, without one call for each photo."""
_NOT_CALLED = "merge was stopped, or ended its process, too often in the checks, so it was not called again"
_WIDE = 1280  # pixels of a picture's longer side


@dataclass(frozen=True)
class Drawn:
    """A photo with its people drawn on it.

    Attributes:
        name: the name of the photo.
        picture: a JPEG; None if the merge gave no answer.
        people: the number of people.
        parts: the number of parts of all people.
        rows: the number of rows of limbs that the merge was given.
        milliseconds: the time of the grouping.
        problem: the reason why the picture is missing; None if it is not.
    """

    name: str
    picture: bytes | None = None
    people: int = 0
    parts: int = 0
    rows: int = 0
    milliseconds: float = 0.0
    problem: str | None = None


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings about a merge.

    Attributes:
        file: the name of the merge's file.
        sha256: the SHA-256 checksum of the file, hexadecimal.
        problem: the reason why nothing could be measured; None if it could.
        answer: (n, 20), the answer to the handout's nine rows; None without an answer of this shape.
        fault: what is wrong with this answer, or why it is missing; None if it is right.
        failures: the failures by check name.
        waiting: the more basic check, by the name of each failed check that waits for it.
        not_graded: the reason why the grader would refuse the file; None if it would accept it.
        f1: the F1 of the pairs of parts on the rows of real photos; None if an answer breaks the contract.
        milliseconds: the time of the merge for these rows.
        usual_milliseconds: the approximate time of the project's own merge on this machine.
        photos: the drawn photos.
    """

    file: str
    sha256: str
    problem: str | None = None
    answer: NDArray[np.float64] | None = None
    fault: str | None = None
    failures: Mapping[str, Failure] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    not_graded: str | None = None
    f1: float | None = None
    milliseconds: float | None = None
    usual_milliseconds: float | None = None
    photos: Sequence[Drawn] = ()

    @property
    def lacking(self) -> str | None:
        """The reason why a part of the report is missing; None if the report is complete."""
        undrawn = (drawn.problem for drawn in self.photos if drawn.picture is None)
        return self.problem or (self.fault if self.answer is None else None) or next(undrawn, None)


def find(file: Path, photos: Sequence[PhotoFile], advance: Callable[[], object] = lambda: None) -> Findings:
    """Measure a merge in its own process, and draw its people.

    Args:
        file: The merge's Python file, or a notebook. Of a notebook, the code that the grader takes is used.
        photos: The photos to draw.
        advance: A function that is called after each step.

    Returns:
        The findings, as far as the merge works.

    Raises:
        OpenPoseLabError: The file or a photo cannot be read, or the network cannot be loaded.
    """
    data = read_input(file, "Python file or notebook", LARGEST_NOTEBOOK)
    about = Findings(one_line(file.name), hashlib.sha256(data).hexdigest())
    with python_file(file) as (path, locate):

        def told(sentence: str | None) -> str | None:
            return _without_path(sentence and locate(sentence), file)

        found = _find(about, path, photos, advance)
        drawn = [replace(one, problem=told(one.problem)) for one in found.photos]
        failures = {name: replace(one, sentence=locate(one.sentence)) for name, one in found.failures.items()}
        found = replace(found, problem=told(found.problem), fault=told(found.fault), not_graded=told(found.not_graded))
        return replace(found, failures=failures, photos=drawn)


def _find(about: Findings, file: Path, photos: Sequence[PhotoFile], advance: Callable[[], object]) -> Findings:
    try:
        result = check_file(file, Limits(), advance)
    except OpenPoseLabError as error:
        return replace(about, problem=str(error), photos=_undrawn(photos, str(error), advance))
    advance()
    outcome = result.outcome
    found = replace(about, failures=outcome.failures, waiting=outcome.waiting, not_graded=outcome.not_graded)
    found = _with_answer(found, result.of_handout)
    if result.figures is None:
        return replace(found, photos=_undrawn(photos, _NOT_CALLED, advance))
    if result.figures.f1 is not None:
        found = replace(
            found,
            f1=result.figures.f1,
            milliseconds=result.figures.milliseconds,
            usual_milliseconds=result.figures.others_milliseconds,
        )
    return replace(found, photos=_draw_all(file, photos, advance))


def _with_answer(found: Findings, reply: SandboxReply) -> Findings:
    """Add the answer to the handout's rows, and the fault of this answer."""
    if reply.error:
        return replace(found, fault=f"merge failed: {reply.error}")
    broken = find_fault(COCO_18, answer_of(reply), slots_of_rows(HANDOUT))
    answer = reply.value if is_subset(reply.value) else None
    return replace(found, answer=answer, fault=broken[1] if broken else None)


def _without_path(sentence: str | None, file: Path) -> str | None:
    """Shorten the path of the merge's file in a sentence to its name, because a report is read on other machines."""
    name = one_line(file.name)
    return sentence and sentence.replace(str(file.resolve()), name).replace(str(file), name)


def _undrawn(photos: Sequence[PhotoFile], problem: str, advance: Callable[[], object]) -> list[Drawn]:
    """Return the photos without pictures. Each photo is still read, so that the first run reports a broken one."""
    found = []
    for photo in photos:
        photo.read()
        found.append(Drawn(_name(photo), problem=problem))
        advance()
    return found


def _draw_all(file: Path, photos: Sequence[PhotoFile], advance: Callable[[], object]) -> list[Drawn]:
    with Isolated(str(file.resolve())) as isolated:  # it loads the file while this process loads the network
        network = load_network(DEFAULT_NETWORK)
        try:
            estimator = PoseEstimator(network, grouping=isolated.load())
        except GroupingError as error:
            return _undrawn(photos, str(error), advance)
        drawn, whole = [], 0.0
        for photo in photos:
            pixels = photo.read()
            before = isolated.milliseconds(whole)
            try:
                found = estimator.estimate(pixels)
            except GroupingError as error:
                drawn.append(Drawn(_name(photo), problem=str(error)))
            else:
                whole += found.milliseconds["grouping"]
                drawn.append(
                    Drawn(
                        _name(photo),
                        draw_people(estimator.config, pixels, found.skeletons),
                        len(found.skeletons),
                        int(found.skeletons.present.sum()),
                        len(found.connections.accepted),
                        isolated.milliseconds(whole) - before,
                    )
                )
            advance()
        return drawn


def draw_people(config: Config, photo: NDArray[np.uint8], skeletons: Skeletons) -> bytes:
    """Draw people on a photo at the size of a page.

    Args:
        config: The configuration of the people.
        photo: (h, w, 3) BGR uint8.
        skeletons: The people.

    Returns:
        A JPEG, 1280 pixels wide or high.
    """
    factor = _WIDE / max(photo.shape[:2])
    size = [max(1, round(factor * side)) for side in photo.shape[1::-1]]
    how = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    page = np.asarray(cv2.resize(photo, size, interpolation=how), np.uint8)
    moved = replace(skeletons, keypoints=cells_to_pixels(skeletons.keypoints, factor))
    return encode_picture(Path("picture.jpg"), draw_skeletons(config, page, moved))


def _name(photo: PhotoFile) -> str:
    return "standard input" if photo.path is None else one_line(photo.path.name)
