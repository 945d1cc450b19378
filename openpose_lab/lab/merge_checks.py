"""One list of named checks of a merge, for students, tests and graders.

``Bench`` calls a merge, in the sandbox or in this process, and keeps its replies. With it, ``run_checks`` runs
the contract's checks (``estimation.grouping.contract``), and the lab's own checks: cases, scores, speed and memory.
``accuracy.py`` measures accuracy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18, Config
from estimation.grouping.contract import (
    ANSWER_CHECKS,
    ANY_ORDER,
    FINISHED_STAY,
    KEEPS_INPUT,
    NO_PEOPLE_IN_NOTHING,
    PRINTS_NOTHING,
    REPLY_CHECKS,
    RETURNS,
    SAME_AGAIN,
    Failure,
    Rows,
    any_order,
    ask,
    find_fault,
    find_no_people,
    finished_people_stay,
    no_people_in_nothing,
    peak_sets_of_answer,
    reordered,
    same_again,
)
from estimation.subset import MISSING, SCORE, ids_of, peak_sets, slots_of_rows
from openpose_lab.lab.cases import CASES, HANDOUT, NO_PRUNING, TIES, Case, make_rows
from openpose_lab.lab.random_rows import SHRINK_SECONDS, any_rows, find_failing, peaceful_rows
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import SandboxReply, answer_of

CATEGORIES = ("contract", "correctness", "order", "conflicts", "speed")
LITTLE_MEMORY = "needs little memory"
COMES_BACK = "returns in time"
KEEPS_TO_ITSELF = "uses no files, network or programs"
_TOLERANCE = 1e-6  # of a score
_MOST_ENDS = 20  # if merge's process ends this many times, merge is not called again
_CROWD = 34  # people with nine rows each: 306 rows
_SECONDS_FOR_CROWD = 2.0
"""The time limit for the rows of ``_CROWD`` people. The project's own merge takes 2 to 4 milliseconds. A merge in plain
Python that compares all pairs of rows again after each change takes a second."""


@dataclass(frozen=True)
class Patience:
    """How often a merge may exceed its time limit, and how long each call may then take.

    Attributes:
        full: the number of stopped calls after which each further call gets less time.
        most: the number of stopped calls after which the merge is not called again.
        after: the time limit in seconds of each call after ``full`` calls were stopped.
    """

    full: int
    most: int
    after: float


QUICK = Patience(full=1, most=3, after=0.25)
"""For a person who waits: if no call ends, the result comes about a second after the first call was stopped."""
FAIR = Patience(full=2, most=6, after=0.5)
"""For grading: more stopped calls are allowed, because a busy machine may delay a call."""

NO_ANSWER = Failure("no call returned an answer, so this check could not run", judged=False)


class CallsMerge(Protocol):
    """An object that calls a merge: the sandbox's ``Runner``, or ``ThisProcess``."""

    limits: Limits

    def call(self, rows: Rows, **options: float) -> SandboxReply:
        """Call the merge with a copy of the rows."""
        ...


class Bench:
    """Calls a merge for the checks, as a ``contract.Caller``. It keeps the replies, so that several checks share them.

    The runner decides where the merge runs: in the sandbox, or in this process.

    Attributes:
        loaded: what the runner answered when it loaded the file.
        replies: the rows and the reply of each call of ``call``.
        hung: None while the merge may still be called. After too many stopped calls, after its process ended too
            often, or after the time limit of all calls together, the merge is not called again. ``hung`` is then the
            reply to every further call.
        shrink_seconds: if random rows fail, a check searches for fewer rows that also fail. This is the time limit of
            the search in seconds.
    """

    config: Config = COCO_18
    nothing: Rows = HANDOUT[:0]
    shrink_seconds = SHRINK_SECONDS

    def __init__(
        self, runner: CallsMerge, loaded: SandboxReply, seconds: float = math.inf, patience: Patience = QUICK
    ) -> None:
        """Take a runner that has loaded its merge. ``seconds`` limits all calls and checks together."""
        self.runner, self.loaded = runner, loaded
        self._patience, self._whole = patience, runner.limits
        self.replies: list[tuple[Rows, SandboxReply]] = []
        self.hung: SandboxReply | None = None
        self._seconds, self._until = seconds, time.monotonic() + seconds
        self._known: dict[tuple[bytes, tuple[tuple[str, float], ...]], SandboxReply] = {}
        self._stops = self._ends = 0

    def call(self, given: Rows, **options: float) -> SandboxReply:
        """Call the merge, or return the reply to an earlier call with the same rows and options."""
        key = given.tobytes(), tuple(sorted(options.items()))
        if key not in self._known:
            reply = self.again(given, **options)
            if reply is self.hung:
                return reply
            self._known[key] = reply
            self.replies.append((given, reply))
        return self._known[key]

    def again(self, given: Rows, **options: float) -> SandboxReply:
        """Call the merge, even if it was called with these rows before.

        ``Patience`` limits a merge that exceeds its time: after ``full`` stopped calls, each later call gets less
        time. The merge is not called again after too many stopped calls, or after its process ended too often (for
        example, by a crash). It is also not called again after the time limit of all calls together.
        """
        if self.hung:
            return self.hung
        reply = self.runner.call(given, **options)
        if reply.slow and self.runner.limits != self._whole:
            error = (
                f"it was stopped after {self.runner.limits.seconds:g} seconds, because an earlier call took longer "
                f"than {self._whole.seconds:g} seconds; look for a loop that never ends"
            )
            reply = replace(reply, error=error)
        self._stops += reply.slow
        self._ends += reply.fatal
        if self._stops == self._patience.full:
            self.runner.limits = replace(self._whole, seconds=min(self._whole.seconds, self._patience.after))
        if self._stops == self._patience.most:
            times = f"it was stopped {self._stops} times, so it was not called again"
            self.hung = replace(reply, error=times) if self._stops > 1 else reply
        elif self._ends == _MOST_ENDS:
            self.hung = reply
        elif time.monotonic() > self._until:
            self.hung = SandboxReply(error=f"all calls together took longer than {self._seconds:g} seconds", slow=True)
        return reply

    def smallest_first(self) -> list[tuple[Rows, SandboxReply]]:
        """Return the rows and the reply of each call so far, fewest rows first, and ``hung`` last if it is set."""
        replies = sorted(self.replies, key=lambda rows_and_reply: len(rows_and_reply[0]))
        return [*replies, (self.nothing, self.hung)] if self.hung else replies


@dataclass(frozen=True)
class MergeCheck:
    """A named check of a merge.

    Attributes:
        name: the name that students see.
        category: one of ``CATEGORIES``.
        run: returns a failure, or None if the check passes.
        random: whether the check uses random rows, which takes longer.
    """

    name: str
    category: str
    run: Callable[[Bench], Failure | None]
    random: bool = False


def run_checks(
    checks: Sequence[MergeCheck], bench: Bench, advance: Callable[[], object] = lambda: None
) -> dict[str, Failure]:
    """Run checks on a merge.

    Args:
        checks: the checks.
        bench: the caller of the merge.
        advance: a function that is called after each check.

    Returns:
        The failures by check name, in the order of the checks.
    """
    failures = {}
    # The contract's checks need the replies of all other checks, so they run last.
    for check in sorted(checks, key=lambda check: check.category == "contract"):
        failure = check.run(bench)
        if check.category == "contract" and not failure and all(reply.error for _, reply in bench.replies):
            failure = NO_ANSWER
        if failure:
            failures[check.name] = failure
        advance()
    return {check.name: failures[check.name] for check in checks if check.name in failures}


def scores_of(value: NDArray[Any]) -> dict[frozenset[int], float]:
    """Return the score of each person by the ids of their peaks."""
    column = len(COCO_18.body_parts)
    if value.ndim != 2 or value.shape[1] <= column:
        return {}
    return dict(zip(peak_sets(value[:, :column]), value[:, column].tolist()))


def case_check(case: Case, bench: Bench) -> Failure | None:
    """Check that a merge finds the people of a case, from its rows in order and in reverse."""
    for rows in (case.rows, case.rows[::-1]):
        reply, failure = ask(bench, rows, **case.options)
        if failure:
            return failure
        if failure := judge_people(case, rows, reply.value):
            return failure
    return None


def judge_people(case: Case, rows: Rows, value: NDArray[Any]) -> Failure | None:
    """Check that an answer has the people of a case. ``rows`` are the case's rows, in any order."""
    wanted = [frozenset(person.values()) for person in case.expected]
    if peak_sets_of_answer(COCO_18, value) == set(wanted) and len(value) == len(wanted):
        return None
    scores = case.scores or [np.nan] * len(case.expected)
    shown = {"given": rows, "came back": value, "expected": make_rows(*zip(case.expected, scores))}
    return Failure(f"these are not the expected people: {case.why}", shown)


def _answer_check(name: str, bench: Bench) -> Failure | None:
    """Run one of ``ANSWER_CHECKS`` on each answer so far.

    Skip answers that fail an earlier check of ``ANSWER_CHECKS``. The failure shows the simplest failing
    rows: if possible, rows without a conflict and without peak 0.
    """
    failing = []
    for rows, reply in bench.smallest_first():
        fault = _find_fault(rows, reply)
        if fault and fault[0] == name:
            oddness = (has_conflict(rows), has_zero(rows))
            failing.append((oddness, Failure(fault[1], {"given": rows, "came back": reply.value})))
            if not any(oddness):
                break
    return min(failing, key=lambda found: found[0])[1] if failing else None


def _find_fault(rows: Rows, reply: SandboxReply) -> tuple[str, str] | None:
    """Return the name of the first of ``ANSWER_CHECKS`` that the answer fails, and the sentence that explains why.

    Return None if no check fails, or if there is no answer.
    """
    if reply.error:
        return None
    return find_fault(COCO_18, answer_of(reply), slots_of_rows(rows))


def _reply_check(name: str, bench: Bench) -> Failure | None:
    """Run one of the contract's ``REPLY_CHECKS`` on each reply so far.

    A call that took too much memory or time passes here, because ``LITTLE_MEMORY`` and ``COMES_BACK`` report it.
    """
    for rows, reply in [(None, bench.loaded), *bench.smallest_first()]:
        sentence = REPLY_CHECKS[name]("merge", reply)
        if sentence and not (name == RETURNS and (reply.memory or reply.slow)):
            printed = f" (it printed {reply.printed} characters, beginning {_shortened(reply.beginning)!r})"
            return Failure(f"merge {sentence}{printed if name == PRINTS_NOTHING else ''}", _given(rows))
    return None


def _shortened(text: str) -> str:
    return " ".join(text.split())[:60]


def _given(rows: Rows | None) -> dict[str, Any]:
    """Return the rows of a failure, or none if it happened while the file was loaded."""
    return {} if rows is None else {"given": rows}


def _little_memory(bench: Bench) -> Failure | None:
    for rows, reply in bench.smallest_first():
        if reply.memory:
            limit = bench.runner.limits.memory
            return Failure(f"merge needs more memory than {limit} MB: {reply.error}", {"given": rows})
    return None


def _keeps_to_itself(bench: Bench) -> Failure | None:
    for rows, reply in [(None, bench.loaded), *bench.smallest_first()]:
        if reply.tried:
            return Failure(f"merge tried to {reply.tried}; it needs only its rows, so remove this call", _given(rows))
    return None


def in_any_order(rows: Rows, bench: Bench) -> Failure | None:
    """Check that the rows give the same people in any order."""
    return any_order(bench, rows, **NO_PRUNING)


def _finished_stay(rows: Rows, bench: Bench) -> Failure | None:
    return finished_people_stay(bench, rows, **NO_PRUNING)


def _on_each(
    property_of: Callable[[Rows, Bench], Failure | None], tried: Iterable[Rows], bench: Bench
) -> Failure | None:
    """Run one check (``property_of``) on several arrays of rows, and return the first failure, or None."""
    return next(filter(None, (property_of(rows, bench) for rows in tried)), None)


def _same_scores_in_any_order(bench: Bench) -> Failure | None:
    reply, failure = ask(bench, HANDOUT)
    if failure:
        return failure
    for rows in reordered(HANDOUT, 20):
        other, failure = ask(bench, rows)
        if failure:
            return failure
        if not _alike(scores_of(reply.value), scores_of(other.value)):
            return Failure(
                "the handout's rows in another order give another person or another score; join rows until no two "
                "people share a peak, whatever the order",
                {"given": rows, "came back": other.value, "before": reply.value},
            )
    return None


def _alike(one: dict[frozenset[int], float], other: dict[frozenset[int], float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[peaks] - other[peaks]) <= _TOLERANCE for peaks in one)


def _same_again(bench: Bench) -> Failure | None:
    return next(filter(None, (same_again(bench, case.rows, **case.options) for case in CASES)), None)


def connected(rows: Rows, bench: Bench) -> Failure | None:
    """Check that rows without conflicts give one person for each set of peaks that are connected, directly or not."""
    reply, failure = ask(bench, rows, **NO_PRUNING)
    if failure:
        return failure
    component_of = _components(rows)
    components: dict[int, set[int]] = {}
    for peak, component in component_of.items():
        components.setdefault(component, set()).add(peak)
    wanted = set(map(frozenset, components.values()))
    if peak_sets_of_answer(COCO_18, reply.value) != wanted or len(reply.value) != len(wanted):
        found = len(reply.value)
        what = f"got {found}" if found != len(wanted) else "got people with other peaks"
        if found < len(wanted):
            what += "; two rows that both have -1 in a slot share no peak there"
        return Failure(
            f"no rows conflict here, so connected rows are one person: expected {_people(len(wanted))}, but {what}",
            {"given": rows, "came back": reply.value},
        )
    return None


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def summed(rows: Rows, bench: Bench) -> Failure | None:
    """Check that each person's score is the sum of the scores of their rows. ``connected`` checks the people."""
    reply, failure = ask(bench, rows, **NO_PRUNING)
    if failure:
        return failure
    component_of = _components(rows)
    sums: dict[int, float] = {}
    for row in rows.tolist():
        component = component_of[next(int(peak) for peak in row[:SCORE] if peak != MISSING)]
        sums[component] = sums.get(component, 0.0) + row[SCORE]
    found = scores_of(reply.value)
    for component, wanted in sums.items():
        score = found.get(frozenset(peak for peak in component_of if component_of[peak] == component), wanted)
        if not abs(score - wanted) <= _TOLERANCE:
            return Failure(
                f"a person's score is {_figure(score)}, expected {_figure(wanted)}: the sum of the scores of their "
                f"rows, each counted once",
                {"given": rows, "came back": reply.value},
            )
    return None


def _figure(score: float) -> str:
    return f"{score:.4f}" if abs(score) < 1e6 else f"{score:.4g}"  # 1e300 has 300 digits


def has_conflict(rows: Rows) -> bool:
    """Return whether connected peaks would fill a slot of a person twice."""
    slots = slots_of_rows(rows)
    filled = [(component, slots[peak]) for peak, component in _components(rows).items()]
    return len(set(filled)) < len(filled)


def has_zero(rows: Rows) -> bool:
    """Return whether rows hold the peak with id 0."""
    return bool((ids_of(rows) == 0).any())


def are_several(rows: Rows) -> bool:
    """Return whether rows have more than one connected component."""
    return len(set(_components(rows).values())) > 1


def _components(rows: Rows) -> dict[int, int]:
    """Label the connected component of each peak: rows pass on their smallest label until nothing changes."""
    rows_peaks = peak_sets(ids_of(rows))
    label = {peak: peak for peaks in rows_peaks for peak in peaks}
    changed = True
    while changed:
        changed = False
        for peaks in rows_peaks:
            least = min(label[peak] for peak in peaks)
            changed |= any(label[peak] != least for peak in peaks)
            label |= dict.fromkeys(peaks, least)
    return label


def answer_keeps_contract(rows: Rows, bench: Bench) -> Failure | None:
    """Check that the answer to some rows passes the contract's ``ANSWER_CHECKS``."""
    reply = bench.call(rows, **NO_PRUNING)
    failure = find_no_people(COCO_18, rows, reply)
    if failure or not (fault := _find_fault(rows, reply)):
        return failure
    return Failure(fault[1], {"given": rows, "came back": reply.value})


def no_more_score(rows: Rows, bench: Bench) -> Failure | None:
    """Check that the people's scores add up to no more than the rows' scores."""
    reply, failure = ask(bench, rows, **NO_PRUNING)
    if failure:
        return failure
    given, found = float(rows[:, SCORE].sum()), sum(scores_of(reply.value).values())
    if not found <= given + _TOLERANCE:
        return Failure(
            f"the people's scores add up to {_figure(found)}, but the rows' scores only to {_figure(given)}",
            {"given": rows, "came back": reply.value},
        )
    return None


def peaceful_crowd(count: int) -> Rows:
    """Repeat the handout's person ``count`` times with different ids, and shuffle the rows."""
    rows = np.tile(HANDOUT, (count, 1))
    ids = ids_of(rows)
    moved = np.repeat(100 * np.arange(count), len(HANDOUT))[:, None] + np.zeros(ids.shape)
    ids[ids != MISSING] += moved[ids != MISSING]
    return np.random.default_rng(1).permutation(rows)


def in_a_crowd(bench: Bench) -> Failure | None:
    """Check that conflicts have the same result with and without many other people."""
    crowd = peaceful_crowd(30)
    ids = ids_of(crowd)
    ids[ids != MISSING] += 5000
    for case in CASES:
        if case.category == "conflicts":
            reply, failure = ask(bench, np.concatenate([crowd, case.rows]))
            if failure:
                return failure
            found = peak_sets_of_answer(COCO_18, reply.value) or set()
            missing = [person for person in case.expected if frozenset(person.values()) not in found]
            if missing:
                shown = make_rows(*((person, np.nan) for person in missing))
                return Failure(
                    f"a person is missing if the rows of 30 other people are added: {case.why}",
                    {"given": case.rows, "not there": shown},
                )
    return None


def on_random_rows(
    rows: Callable[[], Any],
    property_of: Callable[[Rows, Bench], Failure | None],
    bench: Bench,
    examples: int = 100,
    seed: int = 0,
) -> Failure | None:
    """Run one check (``property_of``) on random rows. The failure shows the fewest failing rows that were found."""
    return find_failing(rows, lambda found: property_of(found, bench), examples, seed, bench.shrink_seconds)


def _comes_back(bench: Bench) -> Failure | None:
    for rows, reply in bench.smallest_first():
        if reply.slow:
            return Failure(f"merge did not return in time: {reply.error}", {"given": rows})
    return None


def _fast_enough(bench: Bench) -> Failure | None:
    rows = peaceful_crowd(_CROWD)
    bench.call(HANDOUT)  # so that loading libraries on first use does not count
    reply = bench.call(rows, **NO_PRUNING)
    failure = find_no_people(COCO_18, rows, reply)
    if not failure and reply.seconds > _SECONDS_FOR_CROWD:
        return Failure(
            f"{len(rows)} rows took {reply.seconds:.2f} seconds, more than {_SECONDS_FOR_CROWD:g} seconds; look for "
            f"code that compares all pairs of rows again after each change"
        )
    return failure


def _case_checks(category: str) -> list[MergeCheck]:
    return [MergeCheck(case.name, category, partial(case_check, case)) for case in CASES if case.category == category]


CHECKS = (
    MergeCheck(RETURNS, "contract", partial(_reply_check, RETURNS)),
    *(MergeCheck(name, "contract", partial(_answer_check, name)) for name in ANSWER_CHECKS),
    MergeCheck(KEEPS_INPUT, "contract", partial(_reply_check, KEEPS_INPUT)),
    MergeCheck(PRINTS_NOTHING, "contract", partial(_reply_check, PRINTS_NOTHING)),
    MergeCheck(KEEPS_TO_ITSELF, "contract", _keeps_to_itself),
    MergeCheck(LITTLE_MEMORY, "contract", _little_memory),
    *_case_checks("correctness"),
    MergeCheck(NO_PEOPLE_IN_NOTHING, "correctness", lambda bench: no_people_in_nothing(bench, HANDOUT)),
    MergeCheck("306 rows are 34 people", "correctness", partial(connected, peaceful_crowd(_CROWD))),
    MergeCheck(
        "a score is the sum of the rows, each once",
        "correctness",
        partial(_on_each, summed, [case.rows for case in CASES if case.scores]),
    ),
    MergeCheck(
        "scores add up with random rows, too",
        "correctness",
        partial(on_random_rows, peaceful_rows, summed),
        random=True,
    ),
    MergeCheck(
        "connected rows are one person",
        "correctness",
        partial(on_random_rows, peaceful_rows, connected),
        random=True,
    ),
    MergeCheck("the handout's rows in any order", "order", _same_scores_in_any_order),
    MergeCheck(
        "conflicts end the same in any order",
        "order",
        partial(_on_each, in_any_order, [case.rows for case in CASES if case.category == "conflicts"]),
    ),
    MergeCheck("rows of equal score in any order", "order", partial(_on_each, in_any_order, TIES)),
    MergeCheck(
        ANY_ORDER,
        "order",
        partial(on_random_rows, any_rows, in_any_order),
        random=True,
    ),
    MergeCheck(SAME_AGAIN, "order", _same_again),
    MergeCheck(FINISHED_STAY, "order", partial(_on_each, _finished_stay, [case.rows for case in CASES])),
    *_case_checks("conflicts"),
    MergeCheck(
        "the people have no more score than the rows",
        "conflicts",
        partial(_on_each, no_more_score, [case.rows for case in CASES]),
    ),
    MergeCheck(
        "answers to random rows keep the contract",
        "conflicts",
        partial(on_random_rows, any_rows, answer_keeps_contract),
        random=True,
    ),
    MergeCheck(COMES_BACK, "speed", _comes_back),
    MergeCheck("306 rows in 2 seconds", "speed", _fast_enough),
)
"""All checks of a merge, by category."""
