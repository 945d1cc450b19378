"""Calls and checks a merge in this process, for notebooks. The sandbox's ``Runner`` does the same for a file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from estimation.config import COCO_18
from estimation.grouping import Grouping
from estimation.grouping.contract import Rows
from estimation.grouping.plugin import call_grouping
from openpose_lab.lab.merge_checks import CHECKS, KEEPS_TO_ITSELF, LITTLE_MEMORY, Bench, Patience, run_checks
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.results import Result, measure
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.messages import decode_value, encode_value
from openpose_lab.lab.sandbox.runner import SandboxReply
from openpose_lab.lab.waiting import find_waiting

NOT_TRIED = (KEEPS_TO_ITSELF, LITTLE_MEMORY)
"""The checks that need a separate process for the merge."""
CHECKS_HERE = tuple(check for check in CHECKS if check.name not in NOT_TRIED)
_PATIENCE = Patience(
    full=1, most=1, after=Limits.seconds
)  # a slow call cannot be stopped, so the merge is not called again


@dataclass
class ThisProcess:
    """Calls a merge in this process, as ``Runner`` does in another one.

    A call cannot be stopped. If it takes longer than the limit, it counts as slow when it returns.

    Attributes:
        grouping: the merge.
        limits: the limits of its calls. Only the time limit is used.
    """

    grouping: Grouping
    limits: Limits = field(default_factory=Limits)

    def call(self, rows: Rows, **options: float) -> SandboxReply:
        """Call the merge with a copy of the rows, and keep what it prints.

        Args:
            rows: (n, 20) float64.
            **options: more arguments of the merge.

        Returns:
            The reply. Its value has the form that the sandbox would give it.
        """
        start = time.perf_counter()
        reply = call_grouping(self.grouping, COCO_18, rows, options)
        seconds = time.perf_counter() - start
        facts = {name: getattr(reply, name) for name in ("error", "changed", "printed", "beginning", "cause")}
        found = SandboxReply(**facts, seconds=seconds, inside=seconds)
        if seconds > self.limits.seconds:
            error = f"it took {seconds:.1f} seconds, longer than {self.limits.seconds:g} seconds"
            return replace(found, error=error, slow=True)
        if reply.error:
            return found
        value, kind = decode_value(*encode_value(reply.value))
        return replace(found, value=value, type=kind)


def check_here(grouping: Grouping, limits: Limits) -> Result:
    """Check and measure a merge in this process.

    Args:
        grouping: the merge.
        limits: the limits of each call, checked after it returns.

    Returns:
        The result of ``CHECKS_HERE``.
    """
    bench = Bench(ThisProcess(grouping, limits), SandboxReply(), patience=_PATIENCE)
    failures = run_checks(CHECKS_HERE, bench)
    return measure(bench, CHECKS_HERE, Outcome(failures, find_waiting(failures)))
