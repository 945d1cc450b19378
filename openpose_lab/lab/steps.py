"""The lab's task in steps: each check of a merge belongs to one, and each step has a pytest marker of its own."""

from __future__ import annotations

from dataclasses import dataclass

from estimation.grouping.contract import (
    ANSWER_CHECKS,
    ANY_ORDER,
    FINISHED_STAY,
    KEEPS_INPUT,
    NO_PEOPLE_IN_NOTHING,
    PRINTS_NOTHING,
    RETURNS,
    SAME_AGAIN,
    Failure,
)
from openpose_lab.lab.merge_checks import COMES_BACK, LITTLE_MEMORY, has_conflict, has_zero
from openpose_lab.lab.outcomes import Outcome


@dataclass(frozen=True)
class Step:
    """A step of the task.

    Attributes:
        marker: the pytest marker of its checks.
        title: what is done in it.
        checks: the names of its checks, in the order in which to look at them.
    """

    marker: str
    title: str
    checks: tuple[str, ...]


_ZERO = Step("id_zero", "0 is an id like any other", ("peak 0 counts", "the handout's nine rows are one person"))
_CONFLICTS = Step(
    "conflicts",
    "the stronger row wins",
    (
        "an elbow with two wrists keeps the stronger one",
        "the stronger wins, not the larger or the smaller id",
        "a limb between two people who clash joins nobody",
        "no score out of nothing",
    ),
)
STEPS = (
    Step(
        "one_limb",
        "one limb is one person",
        (
            RETURNS,
            "rows of the right length",
            "plain, finite numbers",
            "ids that exist, in their own slots",
            "no empty person",
            NO_PEOPLE_IN_NOTHING,
        ),
    ),
    Step(
        "no_side_effects",
        "a call ends, and does nothing else",
        (
            COMES_BACK,
            SAME_AGAIN,
            KEEPS_INPUT,
            PRINTS_NOTHING,
            "keeps to itself: no files, network or programs",
            LITTLE_MEMORY,
        ),
    ),
    Step(
        "share_a_peak",
        "rows that share a peak are one person",
        (
            "no peak in two people",
            "people who share no peak stay apart",
            "goes on until nothing changes",
            "a limb within a person adds its score, and no part",
        ),
    ),
    _ZERO,
    Step("counts", "each part is counted once", ("counts that are true",)),
    Step(
        "scores",
        "a score is the sum of the rows",
        ("a score is the sum of the rows, each once", "any scores are such sums"),
    ),
    Step(
        "prune",
        "small and unlikely people are left out",
        (
            "people of fewer than 4 parts are dropped",
            "people with a score of less than 0.4 a part are dropped",
            "min_num_body_parts and min_score are heeded",
        ),
    ),
    Step(
        "many_people",
        "many people at once",
        ("306 rows are 34 people", "whoever is connected is one person", "306 rows in 2 seconds"),
    ),
    Step(
        "order",
        "the order of the rows does not matter",
        (
            "the handout's rows in any order",
            "conflicts are settled alike in any order",
            "rows of equal score in any order",
            ANY_ORDER,
        ),
    ),
    _CONFLICTS,
    Step(
        "loser_keeps_rest",
        "the loser of a conflict keeps the rest",
        (
            "who loses a conflict keeps their other parts",
            "three people who want one peak come to terms",
            "any rows make people who keep the contract",
            FINISHED_STAY,
        ),
    ),
)
"""All steps. Pruning comes before conflicts, because a conflict may leave a person of one part."""


def step_of(name: str) -> Step:
    """The step that a check belongs to."""
    return next(step for step in STEPS if name in step.checks)


def due_step(name: str, failure: Failure) -> Step:
    """Find the step at which a failure is to be corrected.

    The contract's checks look at all rows. If it is kept on the plain ones, and broken on rows with peak 0 or with a
    conflict alone, there is nothing to correct before the step that deals with these.

    Args:
        name: the check's name.
        failure: its failure.

    Returns:
        The check's own step, or a later one.
    """
    own = step_of(name)
    if name not in ANSWER_CHECKS or "given" not in failure.rows:
        return own
    rows = failure.rows["given"]
    later = _CONFLICTS if has_conflict(rows) else _ZERO if has_zero(rows) else own
    return max(own, later, key=STEPS.index)


def next_check(outcome: Outcome) -> str | None:
    """The failed check to correct first: one that waits for no other, of the first step. None if no check failed."""
    order = [name for step in STEPS for name in step.checks]
    return min(
        outcome.own,
        key=lambda name: (STEPS.index(due_step(name, outcome.failures[name])), order.index(name)),
        default=None,
    )


def pytest_settings() -> str:
    """The settings with which pytest knows the steps' markers, for a folder without pyproject.toml."""
    markers = "".join(f"    {step.marker}: {step.title}\n" for step in STEPS)
    return f"[pytest]\ntestpaths = tests\naddopts = --strict-markers -ra\nmarkers =\n{markers}"
