"""The limits of a merge in the sandbox: a light module, which the options of programs need."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS, MEMORY = (0.1, 3600.0), (200, 1_000_000)
"""The ranges of the values of ``Limits``. Python itself needs about 100 megabytes."""


@dataclass(frozen=True)
class Limits:
    """seconds: that a call may take. memory: megabytes of addresses. processor: seconds in all."""

    seconds: float = 5.0
    memory: int = 1500
    processor: int = 120


WHOLE_RUN = 1_000_000
"""Seconds of the processor for a plug-in that is called with each photo or frame of a long run."""
