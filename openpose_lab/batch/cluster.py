"""Start Ray on this machine, or join a cluster, and check that the workers fit."""

from __future__ import annotations

import logging
import os
import signal
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import floor
from typing import Any

from estimation.errors import OpenPoseLabError, one_line
from estimation.quiet import silent_stderr
from openpose_lab.overlap import count_cores

BLOCK = 16 << 20
"""The size of a block of decoded photos in bytes: 18 photos of 640x480. A larger photo is a block of its own."""
READING_SHARE = 0.125
"""The share of each core that Ray reserves for the tasks that decode photos. They may use more, if a core is idle."""
SMALLEST_STORE = 80
"""The smallest object store in MB. Ray refuses less than 75 MiB."""
_SECONDS = 5.0
"""How long to wait for an answer from the address of a cluster."""


_RAY, _WORKER, _READER = 1200, 350, 150
"""MB of memory: Ray and the program, a worker, and a process that decodes photos. See ``memory_bound``."""
_ITEM = 0.001
"""MB of memory for each photo and video in the list of items."""
_COPIES = 4
"""The number of copies of a photo that a thread may hold: the file, the decoded pixels, a view, and its maps."""


@dataclass(frozen=True)
class Resources:
    """The part of a machine or a cluster that a job uses.

    Attributes:
        workers: The number of workers.
        threads: The number of photos that each worker computes at once.
        gpus: Whether each worker has a GPU.
        store: The size of the object store on this machine in MB. A cluster has its own.
        address: The address of a cluster; None starts Ray on this machine.
    """

    workers: int
    threads: int
    gpus: bool = False
    store: int = 1000
    address: str | None = None

    @property
    def cpus_a_worker(self) -> float:
        """The number of cores that Ray reserves for a worker."""
        return self.threads * (1 - READING_SHARE)


def memory_bound(resources: Resources, cores: int, photo: float = BLOCK >> 20, items: int = 0) -> float:
    """Return the memory that a job on this machine needs at most, in MB.

    Decoded photos wait in the object store, which Ray keeps below its size. Only the list of items grows with their
    number. The numbers were measured on Linux with the network ``lightweight``: Ray and the program, a worker, and a
    process that decodes photos. A decoded photo and its copies are in the memory of each thread, too.

    Args:
        resources: The workers, and the size of the object store.
        cores: The number of cores of this machine.
        photo: The size of the largest decoded photo in MB: width x height x 3 bytes.
        items: The number of photos and videos.
    """
    worker = _WORKER + (resources.threads + 1) * _COPIES * photo
    readers = cores * (_READER + _COPIES * photo)
    return _RAY + resources.store + resources.workers * worker + readers + items * _ITEM


@contextmanager
def ray_started(resources: Resources) -> Iterator[None]:
    """Start Ray or join a cluster for the time of the block.

    Raises:
        OpenPoseLabError: Ray does not start, the cluster does not answer, or the workers do not fit.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # messages of its C++ code, which no option hides
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if resources.address:
        _check_address(resources.address)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _start(resources)
        signal.signal(signal.SIGTERM, handler)  # Ray sets its own, which ends the program without its clean-up
        check_fit(resources, nodes(), free_cores())
        yield
    finally:
        ray.shutdown()


def _start(resources: Resources) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    where: dict[str, Any] = {"address": resources.address}
    if not resources.address:
        cores = max(count_cores(), resources.workers * resources.threads)
        where = {
            "address": "local",
            "num_cpus": cores,
            "object_store_memory": resources.store << 20,
            "include_dashboard": False,
        }
    # pipeline.py needs this argument. Set the filter before Ray starts threads, because they may restore older filters.
    warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
    # Reports of lost processes would go to the standard output, also with log_to_driver=False.
    setattr(ray._private.worker, "print_to_stdstream", lambda *_, **__: None)  # noqa: B010
    try:
        with silent_stderr():  # Ray's C++ code prints that its messages are switched off
            ray.init(**where, **quiet)
    except (ConnectionError, TimeoutError, RuntimeError, ValueError, OSError) as error:
        reason = one_line(str(error), 200)
        if resources.address:
            raise OpenPoseLabError(
                f"Ray cannot join the cluster at {resources.address} ({reason}); check that it runs there"
            ) from error
        raise OpenPoseLabError(f"Ray cannot start on this machine ({reason}); look into /tmp/ray for more") from error


def _check_address(address: str) -> None:
    """Raise OpenPoseLabError if a cluster does not answer. Ray itself would wait for a long time."""
    if address == "auto":
        return
    if "://" in address:
        raise OpenPoseLabError(
            f"{one_line(address, 100)} is for Ray's client, which cannot run this; run the command on the cluster, for "
            "example with `ray job submit`, with --address auto"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise OpenPoseLabError(
            f"{one_line(address, 100)} is not the address of a cluster; give HOST:PORT, such as 10.0.0.5:6379, or auto"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
    except (OSError, OverflowError) as error:
        raise OpenPoseLabError(
            f"no cluster answers at {one_line(address, 100)} ({error}); check the address, and whether Ray runs there"
        ) from error


def nodes() -> list[dict[str, float]]:
    """Return the resources of each machine of the running cluster, such as ``{"CPU": 8.0, "GPU": 1.0}``."""
    import ray

    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in found if node["Alive"]]


def free_cores() -> float:
    """Return the number of cores of the running cluster that no other job has reserved."""
    import ray

    return float(ray.available_resources().get("CPU", 0))  # type: ignore[no-untyped-call]


def check_fit(resources: Resources, machines: Sequence[Mapping[str, float]], free: float) -> None:
    """Check that the workers fit. Otherwise Ray would wait for more machines without an end.

    Args:
        resources: The workers.
        machines: The resources of each machine, from ``nodes``.
        free: The number of cores that are free, from ``free_cores``.

    Raises:
        OpenPoseLabError: The workers do not fit.
    """
    need = {"CPU": resources.cpus_a_worker, **({"GPU": 1.0} if resources.gpus else {})}
    room = sum(min(floor(machine.get(name, 0) / share + 1e-6) for name, share in need.items()) for machine in machines)
    where = "the cluster" if resources.address else "this machine"
    cores, gpus = (sum(machine.get(name, 0) for machine in machines) for name in ("CPU", "GPU"))
    wanted = f"{resources.workers} workers of {resources.threads} cores{' and a GPU' if resources.gpus else ''}"
    needed = resources.workers * resources.cpus_a_worker + READING_SHARE  # one task must be able to decode photos
    if room < resources.workers or cores < needed:
        has = f"{cores:g} cores{f' and {gpus:g} GPUs' if resources.gpus else ''} on {len(machines)} machines"
        raise OpenPoseLabError(f"{wanted} do not fit: {where} has {has}; give fewer --workers or --threads")
    if free < needed:
        raise OpenPoseLabError(
            f"{wanted} do not fit now: only {free:g} of {cores:g} cores of {where} are free; wait for other jobs, or "
            "give fewer --workers"
        )
