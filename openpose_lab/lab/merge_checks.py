"""The checks of a merge, as one list of named ones: for students, tests and graders alike.

A check calls the merge with rows, and gives a ``Failure`` that says in plain words what was given, what came back, and
what was expected; or nothing. How right a merge is apart from that, ``tools/lab/accuracy.py`` tells.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.config import COCO_18
from estimation.grouping.checks import CHECKS as CONTRACT_CHECKS
from estimation.subset import MISSING, SCORE, ids_of, slots_of_rows
from openpose_lab.lab.cases import CASES, EVERYBODY, HANDOUT, TIES, Case, make_rows
from openpose_lab.lab.random_rows import any_rows, find_failing, peaceful_rows, shuffled
from openpose_lab.lab.sandbox.runner import Answer, Runner

CATEGORIES = ("contract", "correctness", "order", "conflicts", "speed")
Rows = NDArray[np.float64]
_TOLERANCE = 1e-6  # of a score
_STOPS_IN_FULL, _MOST_STOPS, _SECONDS_AFTER = 2, 6, 0.5
_MOST_ENDS = 20
_CROWD = 34
_SECONDS_FOR_CROWD = 2.0
"""For a crowd of so many, 306 rows. The project's own takes 2 to 4 milliseconds; looking at all pairs of rows again
after each change, in plain Python, takes a second."""


@dataclass(frozen=True, eq=False)
class Failure:
    """What went wrong.

    sentence: in plain words. rows: arrays of rows by what they are, as given, came back, expected.
    """

    sentence: str
    rows: dict[str, Any] = field(default_factory=dict)


NO_ANSWER = Failure("there was no answer at all, so there is nothing to look at")


class Bench:
    """Calls a merge, and remembers all that it answered, so that several checks can look at it.

    loaded: what came of loading it. hung: the answer to all further calls, once it has had its time.
    """

    def __init__(self, runner: Runner, loaded: Answer, seconds: float = math.inf) -> None:
        """seconds: that all of it together may take, judging included."""
        self.runner, self.loaded = runner, loaded
        self.answers: list[tuple[Rows, Answer]] = []
        self.hung: Answer | None = None
        self._seconds, self._until = seconds, time.monotonic() + seconds
        self._known: dict[tuple[bytes, tuple[tuple[str, float], ...]], Answer] = {}
        self._stops = self._ends = 0

    def call(self, rows: Rows, **options: float) -> Answer:
        """The answer to these rows; the same one, if they were asked before."""
        key = rows.tobytes(), tuple(sorted(options.items()))
        if key not in self._known:
            answer = self.again(rows, **options)
            if answer is self.hung:
                return answer
            self._known[key] = answer
            self.answers.append((rows, answer))
        return self._known[key]

    def again(self, rows: Rows, **options: float) -> Answer:
        """The answer to the same rows a second time. Who had to be stopped twice gets less time from then on, and who
        had to be stopped too often, ends too often, or has had all the time there is, is asked no more."""
        if self.hung:
            return self.hung
        answer = self.runner.call(rows, **options)
        self._stops += answer.slow
        self._ends += answer.fatal
        if self._stops == _STOPS_IN_FULL:
            limits = self.runner.limits
            self.runner.limits = replace(limits, seconds=min(limits.seconds, _SECONDS_AFTER))
        if self._stops == _MOST_STOPS or self._ends == _MOST_ENDS:
            self.hung = answer
        elif time.monotonic() > self._until:
            self.hung = Answer(error=f"all calls together took longer than {self._seconds:g} seconds", slow=True)
        return answer

    def smallest_first(self) -> list[tuple[Rows, Answer]]:
        """All rows so far and the answers to them, the fewest rows first; at the end that it had all its time."""
        asked = sorted(self.answers, key=lambda asked: len(asked[0]))
        return [*asked, (HANDOUT[:0], self.hung)] if self.hung else asked


@dataclass(frozen=True)
class Check:
    """A named check. run: gives a failure, or nothing. random: whether on random rows, which takes longer."""

    name: str
    category: str
    run: Callable[[Bench], Failure | None]
    random: bool = False


def run_checks(
    checks: Sequence[Check], bench: Bench, advance: Callable[[], object] = lambda: None
) -> dict[str, Failure]:
    """What fails, by the name of the check. advance: called after each check."""
    failures = {}
    # What looks at all answers comes last, and is told first.
    for check in sorted(checks, key=lambda check: check.category == "contract"):
        failure = check.run(bench)
        if check.category == "contract" and not failure and all(answer.error for _, answer in bench.answers):
            failure = NO_ANSWER
        if failure:
            failures[check.name] = failure
        advance()
    return {check.name: failures[check.name] for check in checks if check.name in failures}


def people_of(value: Any) -> set[frozenset[int]] | None:
    """Each person as the set of their peaks; None if the value does not hold people at all. Counts, scores and columns
    too many are not looked at here: they have checks of their own."""
    parts = len(COCO_18.body_parts)
    if isinstance(value, np.ndarray) and value.size == 0:
        return set()
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.shape[1] < parts or value.dtype.kind not in "iuf":
        return None
    return {frozenset(int(i) for i in row if i != MISSING and np.isfinite(i)) for row in value[:, :parts].tolist()}


def scores_of(value: NDArray[Any]) -> dict[frozenset[int], float]:
    """The score of each person, by their peaks."""
    column = len(COCO_18.body_parts)
    if value.ndim != 2 or value.shape[1] <= column:
        return {}
    people = [frozenset(int(i) for i in row[:column] if i != MISSING and np.isfinite(i)) for row in value.tolist()]
    return dict(zip(people, value[:, column].tolist()))


def _answers(bench: Bench, rows: Rows, **options: float) -> tuple[Answer, Failure | None]:
    """The answer, and the failure if it holds no people to look at."""
    answer = bench.call(rows, **options)
    if answer.error:
        return answer, Failure(f"there was no answer: {answer.error}", {"given": rows})
    if people_of(answer.value) is None:
        return answer, Failure("what came back holds no people", {"given": rows, "came back": answer.value})
    return answer, None


def case_check(case: Case, bench: Bench) -> Failure | None:
    """The rows of a case, in the order they stand there and in the opposite one."""
    for rows in (case.rows, case.rows[::-1]):
        answer, failure = _answers(bench, rows, **case.options)
        if failure:
            return failure
        wanted = [frozenset(person.values()) for person in case.people]
        shown = {"given": rows, "came back": answer.value, "expected": _expected(case)}
        if people_of(answer.value) != set(wanted) or len(answer.value) != len(wanted):
            return Failure(f"these are not the people: {case.why}", shown)
    return None


def _expected(case: Case) -> Rows:
    scores = case.scores or [np.nan] * len(case.people)
    return make_rows(*zip(case.people, scores))


def _contract(name: str, bench: Bench) -> Failure | None:
    """One check of estimation/grouping/checks.py, on every answer so far that passes those before it."""
    for rows, answer in bench.smallest_first():
        if not answer.error:
            failed, complaint = _complaint(rows, answer)
            if failed == name:
                return Failure(complaint, {"given": rows, "came back": answer.value})
    return None


def _complaint(rows: Rows, answer: Answer) -> tuple[str | None, str]:
    """The first check of the contract that an answer to these rows fails, and what it says."""
    value = answer.value
    if isinstance(value, np.ndarray) and answer.type in ("list", "tuple"):
        value = [] if answer.type == "list" else ()  # it could be read, but is none
    elif isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        value = np.asarray(value, dtype=np.float64)
    for name, check in CONTRACT_CHECKS.items():
        if complaint := check(COCO_18, value, slots_of_rows(rows)):
            return name, complaint
    return None, ""


def _answered(bench: Bench) -> Failure | None:
    for rows, answer in bench.smallest_first():
        if answer.error and not answer.memory and not answer.slow:
            return Failure(f"instead of returning people, merge failed: {answer.error}", {"given": rows})
    return None


def _little_memory(bench: Bench) -> Failure | None:
    for rows, answer in bench.smallest_first():
        if answer.memory:
            return Failure(
                f"merge wants more memory than {bench.runner.limits.memory} MB: {answer.error}", {"given": rows}
            )
    return None


def _leaves_input(bench: Bench) -> Failure | None:
    for rows, answer in bench.smallest_first():
        if answer.changed:
            return Failure(
                "merge changed the rows it was given; begin with a copy: subset = subset.copy()", {"given": rows}
            )
    return None


def _prints_nothing(bench: Bench) -> Failure | None:
    for rows, answer in [(HANDOUT[:0], bench.loaded), *bench.smallest_first()]:
        if answer.printed:
            first = " ".join(answer.beginning.split())[:60]
            return Failure(
                f"merge printed {answer.printed} characters, beginning {first!r}; take its print calls out",
                {"given": rows} if len(rows) else {},
            )
    return None


def _keeps_to_itself(bench: Bench) -> Failure | None:
    for rows, answer in [(HANDOUT[:0], bench.loaded), *bench.smallest_first()]:
        if answer.tried:
            return Failure(
                f"merge tried to {answer.tried}; it needs nothing but its rows, so take that out",
                {"given": rows} if len(rows) else {},
            )
    return None


def _same_in_any_order(rows_to_try: Iterable[Rows], bench: Bench) -> Failure | None:
    for rows in rows_to_try:
        answer, failure = _answers(bench, rows, **EVERYBODY)
        if failure:
            return failure
        for other_rows in shuffled(rows, 3):
            other, failure = _answers(bench, other_rows, **EVERYBODY)
            if failure:
                return failure
            if people_of(other.value) != people_of(answer.value):
                return Failure(
                    "the same rows in another order make other people; go through the rows in an order of your own, "
                    "such as the best score first",
                    {"given": rows, "came back": answer.value, "reordered": other_rows, "then": other.value},
                )
    return None


def any_order(rows: Rows, bench: Bench) -> Failure | None:
    """The same people, whatever order the rows come in."""
    return _same_in_any_order([rows], bench)


def _same_scores_in_any_order(bench: Bench) -> Failure | None:
    answer, failure = _answers(bench, HANDOUT)
    if failure:
        return failure
    for rows in shuffled(HANDOUT, 20):
        other, failure = _answers(bench, rows)
        if failure:
            return failure
        if people_of(other.value) != people_of(answer.value) or not _alike(
            scores_of(answer.value), scores_of(other.value)
        ):
            return Failure(
                "the handout's rows in another order make another person, or another score",
                {"given": rows, "came back": other.value, "before": answer.value},
            )
    return None


def _alike(one: dict[frozenset[int], float], other: dict[frozenset[int], float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[person] - other[person]) <= _TOLERANCE for person in one)


def _same_again(bench: Bench) -> Failure | None:
    for case in CASES:
        first, failure = _answers(bench, case.rows, **case.options)
        if failure:
            return failure
        second = bench.again(case.rows, **case.options)
        if second.error or people_of(second.value) != people_of(first.value):
            return Failure(
                "the same rows a second time make other people; nothing may be left over from the call before",
                {"given": case.rows, "came back": first.value, "then": second.error or second.value},
            )
    return None


def _settled(rows: Rows, bench: Bench) -> Failure | None:
    """Merging people again changes nothing."""
    answer, failure = _answers(bench, rows, **EVERYBODY)
    if failure or _complaint(rows, answer)[0]:
        return failure
    again, failure = _answers(bench, np.asarray(answer.value, dtype=np.float64), **EVERYBODY)
    if failure:
        return failure
    if people_of(again.value) != people_of(answer.value):
        return Failure(
            "with its own answer as its input, where nothing is left to merge, merge gives other people",
            {"given": rows, "came back": answer.value, "and of that": again.value},
        )
    return None


def is_subset(value: Any) -> bool:
    """Whether a value is an array of rows that a merge could be given."""
    is_array = isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iuf"
    return bool(is_array and value.shape[1] == HANDOUT.shape[1])


def _settled_cases(bench: Bench) -> Failure | None:
    return next(filter(None, (_settled(case.rows, bench) for case in CASES)), None)


def connected(rows: Rows, bench: Bench) -> Failure | None:
    """Where nothing clashes, people are whoever is connected, by way of however many rows."""
    answer, failure = _answers(bench, rows, **EVERYBODY)
    if failure:
        return failure
    label = _components(rows)
    people: dict[int, set[int]] = {}
    for peak, component in label.items():
        people.setdefault(component, set()).add(peak)
    wanted = {frozenset(peaks) for peaks in people.values()}
    if people_of(answer.value) != wanted or len(answer.value) != len(wanted):
        found = len(answer.value)
        what = f"{found} came back" if found != len(wanted) else "those that came back have other peaks"
        return Failure(
            f"nothing clashes here, so whoever is connected is one person: there are {len(wanted)}, but {what}",
            {"given": rows, "came back": answer.value},
        )
    return None


def summed(rows: Rows, bench: Bench) -> Failure | None:
    """A person's score is the sum of those of their rows. Who are no such people, ``connected`` tells."""
    answer, failure = _answers(bench, rows, **EVERYBODY)
    if failure:
        return failure
    label = _components(rows)
    sums: dict[int, float] = {}
    for row in rows.tolist():
        component = label[next(int(i) for i in row[:SCORE] if i != MISSING)]
        sums[component] = sums.get(component, 0.0) + row[SCORE]
    found = scores_of(answer.value)
    for component, wanted in sums.items():
        score = found.get(frozenset(peak for peak in label if label[peak] == component), wanted)
        if not abs(score - wanted) <= _TOLERANCE:
            return Failure(
                f"a person's score is {score:.4f}, expected {wanted:.4f}: the sum of the scores of their rows, each "
                f"counted once",
                {"given": rows, "came back": answer.value},
            )
    return None


def _summed_in_cases(bench: Bench) -> Failure | None:
    peaceful = [case.rows for case in CASES if case.scores]
    return next(filter(None, (summed(rows, bench) for rows in peaceful)), None)


def _components(rows: Rows) -> dict[int, int]:
    """The connected component of each peak, found by passing the least label on until nothing changes."""
    label = {int(peak): int(peak) for peak in ids_of(rows).ravel().tolist() if peak != MISSING}
    changed = True
    while changed:
        changed = False
        for row in ids_of(rows).tolist():
            peaks = [int(peak) for peak in row if peak != MISSING]
            least = min(label[peak] for peak in peaks)
            changed |= any(label[peak] != least for peak in peaks)
            label |= dict.fromkeys(peaks, least)
    return label


def any_rows_keep_the_contract(rows: Rows, bench: Bench) -> Failure | None:
    """People who keep the contract, whatever the rows."""
    answer, failure = _answers(bench, rows, **EVERYBODY)
    if failure:
        return failure
    failed, complaint = _complaint(rows, answer)
    return Failure(complaint, {"given": rows, "came back": answer.value}) if failed else None


def no_more_score(rows: Rows, bench: Bench) -> Failure | None:
    """All people together have no more score than all rows."""
    answer, failure = _answers(bench, rows, **EVERYBODY)
    if failure:
        return failure
    given, found = float(rows[:, SCORE].sum()), sum(scores_of(answer.value).values())
    if not found <= given + _TOLERANCE:
        return Failure(
            f"the scores of all people together are {found:.4f}, more than those of all rows, {given:.4f}",
            {"given": rows, "came back": answer.value},
        )
    return None


def _no_more_score_in_cases(bench: Bench) -> Failure | None:
    return next(filter(None, (no_more_score(case.rows, bench) for case in CASES)), None)


def peaceful_crowd(people: int) -> Rows:
    """The handout's person so many times over, with other ids each time."""
    rows = np.tile(HANDOUT, (people, 1))
    ids = ids_of(rows)
    moved = np.repeat(100 * np.arange(people), len(HANDOUT))[:, None] + np.zeros(ids.shape)
    ids[ids != MISSING] += moved[ids != MISSING]
    return np.random.default_rng(1).permutation(rows)


def in_a_crowd(bench: Bench) -> Failure | None:
    """Conflicts among many others are settled as they are alone."""
    crowd = peaceful_crowd(30)
    ids = ids_of(crowd)
    ids[ids != MISSING] += 5000
    for case in CASES:
        if case.category == "conflicts":
            answer, failure = _answers(bench, np.concatenate([crowd, case.rows]))
            if failure:
                return failure
            people = people_of(answer.value) or set()
            missing = [person for person in case.people if frozenset(person.values()) not in people]
            if missing:
                shown = make_rows(*((person, np.nan) for person in missing))
                return Failure(
                    f"among the rows of 30 other people this goes wrong: {case.why}",
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
    """A property on random rows; if some fail, the fewest that do."""
    return find_failing(rows, lambda found: property_of(found, bench), examples, seed)


def _comes_back(bench: Bench) -> Failure | None:
    for rows, answer in bench.smallest_first():
        if answer.slow:
            return Failure(f"merge did not come back: {answer.error}", {"given": rows})
    return None


def _fast_enough(bench: Bench) -> Failure | None:
    rows = peaceful_crowd(_CROWD)
    bench.call(HANDOUT)  # what is loaded on first use does not count
    answer, failure = _answers(bench, rows, **EVERYBODY)
    if failure:
        return failure
    if answer.seconds > _SECONDS_FOR_CROWD:
        return Failure(
            f"{len(rows)} rows took {answer.seconds:.2f} seconds, more than {_SECONDS_FOR_CROWD:g} seconds; does it "
            f"look at every pair of rows again after each change?"
        )
    return None


CHECKS = (
    Check("returns people, and does not fail", "contract", _answered),
    *(Check(name, "contract", partial(_contract, name)) for name in CONTRACT_CHECKS),
    Check("leaves its input as it was", "contract", _leaves_input),
    Check("prints nothing", "contract", _prints_nothing),
    Check("keeps to itself: no files, network or programs", "contract", _keeps_to_itself),
    Check("gets by with little memory", "contract", _little_memory),
    *(Check(case.name, case.category, partial(case_check, case)) for case in CASES if case.category == "correctness"),
    Check("306 rows are 34 people", "correctness", partial(connected, peaceful_crowd(_CROWD))),
    Check("a score is the sum of the rows, each once", "correctness", _summed_in_cases),
    Check(
        "any scores are such sums",
        "correctness",
        partial(on_random_rows, peaceful_rows, summed),
        random=True,
    ),
    Check(
        "whoever is connected is one person",
        "correctness",
        partial(on_random_rows, peaceful_rows, connected),
        random=True,
    ),
    Check("the handout's rows in any order", "order", _same_scores_in_any_order),
    Check(
        "conflicts are settled alike in any order",
        "order",
        partial(_same_in_any_order, [case.rows for case in CASES if case.category == "conflicts"]),
    ),
    Check("rows of equal score in any order", "order", partial(_same_in_any_order, TIES)),
    Check(
        "any rows in any order",
        "order",
        partial(on_random_rows, any_rows, any_order),
        random=True,
    ),
    Check("the same again the second time", "order", _same_again),
    Check("merging again changes nothing", "order", _settled_cases),
    *(Check(case.name, case.category, partial(case_check, case)) for case in CASES if case.category == "conflicts"),
    Check("no score out of nothing", "conflicts", _no_more_score_in_cases),
    Check(
        "any rows make people who keep the contract",
        "conflicts",
        partial(on_random_rows, any_rows, any_rows_keep_the_contract),
        random=True,
    ),
    Check("comes back in time", "speed", _comes_back),
    Check("306 rows in 2 seconds", "speed", _fast_enough),
)
"""By category."""
