"""The steps of the lab's task. Each check of a merge belongs to one step, and each step has a pytest marker."""

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
        title: what the step adds to the merge.
        checks: the names of its checks, in the order to work on them.
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
        "the stronger row wins, whatever the ids are",
        "a limb does not join two people in conflict",
        "the people have no more score than the rows",
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
        "a call ends and has no side effects",
        (
            COMES_BACK,
            SAME_AGAIN,
            KEEPS_INPUT,
            PRINTS_NOTHING,
            "uses no files, network or programs",
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
        ("a score is the sum of the rows, each once", "scores add up with random rows, too"),
    ),
    Step(
        "prune",
        "small and unlikely people are pruned",
        (
            "people of fewer than 4 parts are dropped",
            "people with a score of less than 0.4 per part are dropped",
            "min_num_body_parts and min_score are used",
        ),
    ),
    Step(
        "many_people",
        "many people at once",
        ("306 rows are 34 people", "connected rows are one person", "306 rows in 2 seconds"),
    ),
    Step(
        "order",
        "the order of the rows does not matter",
        (
            "the handout's rows in any order",
            "conflicts end the same in any order",
            "rows of equal score in any order",
            ANY_ORDER,
        ),
    ),
    _CONFLICTS,
    Step(
        "loser_keeps_rest",
        "the loser of a conflict keeps the rest",
        (
            "a person who loses a peak keeps their other parts",
            "a peak that three people claim goes to one",
            "answers to random rows keep the contract",
            FINISHED_STAY,
        ),
    ),
)
"""All steps. Pruning comes before conflicts, because a conflict may leave a person with one part."""


def step_of(name: str) -> Step:
    """Return the step that a check belongs to."""
    return next(step for step in STEPS if name in step.checks)


def due_step(name: str, failure: Failure) -> Step:
    """Find the step in which a student corrects a failure.

    The contract's checks look at all rows. A merge may keep the contract on simple rows, and break it only on rows with
    peak 0 or with a conflict. Its failure belongs to the later step that is about these rows.

    Args:
        name: the name of the check.
        failure: the failure of the check.

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
    """Find the failed check to correct first: by step, the first that waits for no other. None if no check failed."""
    order = [name for step in STEPS for name in step.checks]
    return min(
        outcome.own,
        key=lambda name: (STEPS.index(due_step(name, outcome.failures[name])), order.index(name)),
        default=None,
    )


def pytest_settings() -> str:
    """Return pytest settings that declare the steps' markers, for a folder without pyproject.toml."""
    markers = "".join(f"    {step.marker}: {step.title}\n" for step in STEPS)
    return f"[pytest]\ntestpaths = tests\naddopts = --strict-markers -ra\nmarkers =\n{markers}"
