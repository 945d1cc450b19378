"""Run the contract's checks on a grouping in this process, with the limbs of a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimation.config import Config
from estimation.connections import Candidates, Connections
from estimation.coordinates import Coordinates
from estimation.grouping.contract import (
    ANSWER_CHECKS,
    CALL_CHECKS,
    REPLY_CHECKS,
    RETURNS,
    ROWS_ONLY,
    SAME_AGAIN,
    Reply,
    find_fault,
)
from estimation.grouping.division import Division
from estimation.grouping.plugin import Grouping, Input, call_grouping, input_of, slots_of_input
from estimation.subset import row_length


@dataclass(frozen=True, eq=False)
class InProcess:
    """A ``contract.Caller`` that calls a grouping in this process."""

    grouping: Grouping
    config: Config

    @property
    def nothing(self) -> Input:
        """The input for no limbs."""
        if self.grouping.door == "merge":
            return np.empty((0, row_length(self.config)))
        return _no_connections(self.config)

    def call(self, given: Input, **options: float) -> Reply:
        """Call the grouping with a copy of the input."""
        reply = call_grouping(self.grouping, self.config, given, options)
        return replace(reply, value=_rows_in(reply.value))

    again = call


def check_grouping(grouping: Grouping, config: Config, connections: Connections) -> dict[str, str]:
    """Run the contract's checks on a grouping.

    A check is skipped if an earlier failure makes it meaningless. If the answer breaks the contract, no answers are
    compared. If a second call gives other people, the order of the rows and finished people are not checked.

    Args:
        grouping: the grouping.
        config: the configuration that the limbs were found with.
        connections: the limbs of one photo.

    Returns:
        The sentence of each check that fails, by the check's name.
    """
    caller, given = InProcess(grouping, config), input_of(grouping, config, connections)
    reply = caller.call(given)
    sentences = {name: check(grouping.door, reply) for name, check in REPLY_CHECKS.items()}
    failures = {name: f"{grouping.door} {sentence}" for name, sentence in sentences.items() if sentence}
    if not reply.error and (fault := find_fault(config, reply.value, slots_of_input(given))):
        failures[fault[0]] = fault[1]
    if failures.keys() & {RETURNS, *ANSWER_CHECKS}:
        return failures
    for name, check in CALL_CHECKS.items():
        if (grouping.door == "merge" or name not in ROWS_ONLY) and (failure := check(caller, given)):
            failures[name] = failure.sentence
            if name == SAME_AGAIN:
                break
    return failures


def _rows_in(answer: Any) -> Any:
    return answer.subset if isinstance(answer, Division) else answer


def _no_connections(config: Config) -> Connections:
    ids, scores = np.empty(0, dtype=np.intp), np.empty(0)
    peaks = Coordinates(np.empty((0, 2), np.float32), scores.astype(np.float32), ids, config.body_parts)
    pairs = Candidates(ids, np.empty((0, 2), dtype=np.intp), np.empty((0, 2)), scores, scores)
    return Connections(pairs, ids, peaks, len(config.limbs))
