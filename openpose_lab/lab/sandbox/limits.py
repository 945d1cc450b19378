"""The limits of a merge in the sandbox. This module imports little, because the options of programs need it."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS, MEMORY = (0.1, 3600.0), (200, 1_000_000)
"""The ranges of the values of ``Limits``. Python itself needs about 100 megabytes."""


@dataclass(frozen=True)
class Limits:
    """The limits of a merge.

    Attributes:
        seconds: the time limit of a call.
        memory: the limit of the address space in megabytes.
        processor: the limit of the processor time of all calls together, in seconds.
    """

    seconds: float = 5.0
    memory: int = 1500
    processor: int = 120


WHOLE_RUN = 1_000_000
"""The limit of processor time in seconds for a plug-in that is called with each photo or frame of a long run."""
