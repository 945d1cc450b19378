"""COCO's keypoint figures, and the matches of people found with annotated people. pycocotools computes both."""

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
"""COCO counts at most this many people in a photo: those with the highest scores."""
SIGMAS = np.array(sigmas_of(COCO_KEYPOINTS))
"""(17,) standard deviation of human annotators for each of COCO's keypoints, in square roots of the person's area."""
_PAIR_OKS = 0.1  # least OKS of a match; it is low, so that inaccurate skeletons are matched too


def counts(person: dict[str, Any]) -> bool:
    """Return whether COCO counts this annotation: it is one person with keypoints.

    COCO ignores the other annotations, and the people found there.
    """
    return not person["iscrowd"] and person["num_keypoints"] > 0


def score(truth: COCO, results: list[dict[str, Any]]) -> list[float]:
    """Compute COCO's ten keypoint figures, in the order of ``FIGURES``.

    A figure is -1 if no annotated person counts for it.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = _evaluate(truth, results, MOST_PEOPLE)
        evaluation.summarize()
    return [float(figure) for figure in evaluation.stats]


def average_precision(truth: COCO, results: list[dict[str, Any]], most_people: int) -> tuple[float, float]:
    """Compute only AP and AR, with at most ``most_people`` people of each photo. Both are 0 if no people were found."""
    if not results:
        return 0.0, 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        found = _evaluate(truth, results, most_people).eval
    of_all_sizes = found["precision"][..., 0, 0], found["recall"][..., 0, 0]
    precision, recall = (float(np.mean(figures[figures > -1])) for figures in of_all_sizes)
    return precision, recall


def interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a figure, or of a difference, from its bootstrap draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def bootstrap(truth: COCO, results: list[dict[str, Any]], rounds: int = 200) -> NDArray[np.float64]:
    """Compute AP on bootstrap draws. Each draw has as many photos as the annotations, drawn with replacement.

    Args:
        truth: The annotations.
        results: The people found, in COCO's form.
        rounds: The number of draws.

    Returns:
        (n,) AP of each draw. Draws without an annotated person are left out. All results for the same annotations get
        the same draws, so the difference of two such arrays is the paired difference.
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
            if (precision > -1).any():  # else the draw contains no annotated person
                drawn.append(np.mean(precision[precision > -1]))
    return np.array(drawn, dtype=np.float64)


def match_people(truth: COCO, results: list[dict[str, Any]]) -> tuple[dict[int, int], list[int]]:
    """Match the people found with the annotated people, as COCO does at an OKS threshold of 0.1.

    COCO ignores people found that match a crowd or a person without keypoints, and people beyond the ``MOST_PEOPLE``
    highest scores of a photo. They are neither matches nor false positives.

    Args:
        truth: The annotations.
        results: The people found, in COCO's form.

    Returns:
        The index in ``results`` of the match of each annotation that counts, by annotation id, -1 without a match.
        The indices of the false positives.
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
                matches[annotation] = int(found) - 1  # ids of results count from 1, and 0 is no match
        for found, annotation, ignored in zip(photo["dtIds"], photo["dtMatches"][0], photo["dtIgnore"][0]):
            if not annotation and not ignored:
                false.append(found - 1)
    return matches, false


def _prepare(truth: COCO, results: list[dict[str, Any]], most_people: int) -> COCOeval:
    from pycocotools.cocoeval import COCOeval

    # The entries are copied, because loadRes adds keys to them, and a later loadRes would read these keys.
    evaluation = COCOeval(truth, truth.loadRes([dict(person) for person in results]), "keypoints")
    evaluation.params.maxDets = [most_people]
    evaluation.params.catIds = [PERSON]
    return evaluation


def _evaluate(truth: COCO, results: list[dict[str, Any]], most_people: int) -> COCOeval:
    evaluation = _prepare(truth, results, most_people)
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation
