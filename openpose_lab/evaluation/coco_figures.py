"""COCO's own figures of keypoints, and who of the people found is whom, all as pycocotools has it."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estimation.layouts.human import sigmas_of
from openpose_lab.formats.coco import COCO_KEYPOINTS, PERSON

if TYPE_CHECKING:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

FIGURES = ("AP", "AP .5", "AP .75", "AP medium", "AP large", "AR", "AR .5", "AR .75", "AR medium", "AR large")
MOST_PEOPLE = 20
"""COCO counts only so many of the people found in a photo, the surest."""
SIGMAS = np.array(sigmas_of(COCO_KEYPOINTS))
"""(17,): how far people differ in where they see each of COCO's keypoints, in roots of the person's area."""
_PAIR_OKS = 0.1  # from here on somebody found is taken for the person annotated, however badly they were found


def counts(person: dict[str, Any]) -> bool:
    """Whether COCO counts this annotation: of one person, with keypoints. Finding others is no error."""
    return not person["iscrowd"] and person["num_keypoints"] > 0


def score(truth: COCO, results: list[dict[str, Any]]) -> list[float]:
    """COCO's ten keypoint figures, in the order of ``FIGURES``; -1 where there is nobody to find."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluate(truth, results, MOST_PEOPLE)
        evaluation.summarize()
    return [float(figure) for figure in evaluation.stats]


def average_precision(truth: COCO, results: list[dict[str, Any]], most_people: int) -> tuple[float, float]:
    """AP and AR alone, with at most ``most_people`` of each photo counted; 0 if nobody was found."""
    if not results:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        found = _evaluate(truth, results, most_people).eval
    of_all_sizes = found["precision"][..., 0, 0], found["recall"][..., 0, 0]
    precision, recall = (float(np.mean(figures[figures > -1])) for figures in of_all_sizes)
    return precision, recall


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % confidence interval of a figure, or of a difference, from bootstrap draws of it."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def bootstrap(truth: COCO, results: list[dict[str, Any]], rounds: int = 200) -> NDArray[np.float64]:
    """Compute AP on bootstrap draws: as many photos, drawn with replacement.

    Args:
        truth: the annotations.
        results: the people found, in COCO's form.
        rounds: the number of draws.

    Returns:
        (n,) AP of each draw. Draws without an annotated person are left out. Results for the same annotations get the
        same draws, so the difference of two such arrays is the paired difference.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluate(truth, results, MOST_PEOPLE)
        count = len(evaluation.params.imgIds)
        of_all_sizes = evaluation.evalImgs[:count]
        for params in (evaluation.params, evaluation._paramsEval):
            params.imgIds, params.areaRng, params.areaRngLbl = list(range(count)), params.areaRng[:1], ["all"]
        rng = np.random.default_rng(0)
        drawn = []
        for _ in range(rounds):
            evaluation.evalImgs = [of_all_sizes[photo] for photo in rng.integers(count, size=count)]
            evaluation.accumulate()
            precision = evaluation.eval["precision"]
            if (precision > -1).any():  # a photo with people was drawn
                drawn.append(np.mean(precision[precision > -1]))
    return np.array(drawn, dtype=np.float64)


def match_people(truth: COCO, results: list[dict[str, Any]]) -> tuple[dict[int, int], list[int]]:
    """Who of the people found is whom, as COCO decides it, from an OKS of 0.1 on.

    Returns the index among ``results`` of the person found for each annotation that counts, by its id, -1 if there is
    none; and the indices of those found who are nobody. Who is taken for a crowd or for somebody without keypoints, and
    who is not among the ``MOST_PEOPLE`` surest of a photo, is neither.
    """
    matches, false = {}, []
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _prepare(truth, results, MOST_PEOPLE)
        evaluation.params.iouThrs = np.array([_PAIR_OKS])
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.evaluate()
    for photo in filter(None, evaluation.evalImgs):
        for annotation, found, ignored in zip(photo["gtIds"], photo["gtMatches"][0].tolist(), photo["gtIgnore"]):
            if not ignored:
                matches[annotation] = int(found) - 1  # ids of results count from 1, and 0 is nobody
        for found, annotation, ignored in zip(photo["dtIds"], photo["dtMatches"][0], photo["dtIgnore"][0]):
            if not annotation and not ignored:
                false.append(found - 1)
    return matches, false


def _prepare(truth: COCO, results: list[dict[str, Any]], most_people: int) -> COCOeval:
    from pycocotools.cocoeval import COCOeval

    # loadRes adds to the entries it is given, and reads what it added the next time.
    evaluation = COCOeval(truth, truth.loadRes([dict(person) for person in results]), "keypoints")
    evaluation.params.maxDets = [most_people]
    evaluation.params.catIds = [PERSON]
    return evaluation


def _evaluate(truth: COCO, results: list[dict[str, Any]], most_people: int) -> COCOeval:
    evaluation = _prepare(truth, results, most_people)
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation
