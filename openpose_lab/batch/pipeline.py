"""The dataset of Ray that reads photos, finds people, and hands the results to the program that writes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import ray.data
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask
from ray.exceptions import RayError

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.batch.cluster import BLOCK, READING_SHARE, Resources
from openpose_lab.batch.items import ROWS
from openpose_lab.batch.plan import section
from openpose_lab.batch.reading import read_task
from openpose_lab.batch.rows import Failure, failures_table, from_stream, people_table, to_stream
from openpose_lab.batch.worker import Worker
from openpose_lab.overlap import count_cores

if TYPE_CHECKING:
    import pyarrow

    from openpose_lab.batch.output import Output
    from openpose_lab.batch.plan import Plan
    from openpose_lab.batch.settings import Settings

_AHEAD = 2
"""The number of blocks that are given to a worker at once, so that it need not wait for the next one."""
_RETRIES = 3
"""How often Ray repeats the work of a process that was lost."""


class PhotoSource(Datasource):
    """The parts of a plan as a source of Ray Data. Each task becomes one Ray task that yields blocks of photos."""

    def __init__(self, tasks: Iterable[pyarrow.Table], settings: Settings) -> None:
        self._tasks = [to_stream(task) for task in tasks]
        self._settings = settings

    def get_name(self) -> str:
        """Return the name of the stage in Ray's dashboard."""
        return "DecodePhotos"

    def estimate_inmemory_data_size(self) -> int | None:
        """Return None: the size of the decoded photos is not known."""
        return None

    def get_read_tasks(self, *_: Any, **__: Any) -> list[ReadTask]:
        """Return the reading tasks, in order. Ray's wishes for their number are ignored."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None, input_files=None)
        return [ReadTask(partial(read_task, task, self._settings), unknown) for task in self._tasks]


@dataclass
class _Part:
    """The results of a part that is not finished yet."""

    left: int
    done: set[int] = field(default_factory=set)
    people: list[pyarrow.Table] = field(default_factory=list)
    failures: list[pyarrow.Table] = field(default_factory=list)


def results(
    tasks: Sequence[pyarrow.Table], settings: Settings, resources: Resources, ahead: int = _AHEAD
) -> Iterator[dict[str, Any]]:
    """Find the people in the photos and videos of tasks, with Ray.

    Args:
        tasks: Reading tasks, from ``Plan.tasks``.
        settings: The settings of the job.
        resources: The workers. Ray is started already.
        ahead: The number of blocks that are given to a worker at once.

    Yields:
        Rows of ``Worker.__call__``, in any order. The rows of a block are missing if each process that worked on it was
        lost, for example because a decoder crashed.

    Raises:
        OpenPoseLabError: The job must end, or Ray fails.
    """
    context = ray.data.DataContext.get_current()
    context.target_max_block_size = BLOCK
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # ``run`` does the photos of lost blocks one by one
    context.retried_io_errors = []  # stores.py repeats what can be repeated
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    read = ray.data.read_datasource(
        PhotoSource(tasks, settings),
        num_cpus=READING_SHARE,
        concurrency=None if resources.address else count_cores(),
        override_num_blocks=max(1, len(tasks)),
        ray_remote_args={"max_retries": _RETRIES},  # deprecated, but nothing else sets max_retries
    )
    found = read.map_batches(
        Worker,
        fn_constructor_args=(settings,),
        batch_size=None,
        batch_format="pyarrow",
        zero_copy_batch=True,
        num_cpus=resources.cpus_a_worker,
        num_gpus=1 if resources.gpus else None,
        compute=ray.data.ActorPoolStrategy(size=resources.workers, max_tasks_in_flight_per_actor=ahead),
        max_task_retries=_RETRIES,
        max_restarts=-1,
    )
    try:
        for block in found.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
            for row in block.to_pylist():
                if row["stop"] is not None:
                    raise OpenPoseLabError(row["stop"])
                yield row
    except RayError as error:
        raise OpenPoseLabError(f"Ray stopped the job: {_reason(error)}; run it again to continue") from error


def _reason(error: Exception) -> str:
    """Return the innermost reason of an error of Ray, which quotes whole tracebacks."""
    cause = getattr(error, "cause", None) or error
    lines = [line for line in str(cause).strip().splitlines() if line.strip()]
    return one_line(f"{type(cause).__name__}: {lines[-1] if lines else ''}", 200)


def run(
    plan: Plan,
    tasks: Sequence[pyarrow.Table],
    settings: Settings,
    resources: Resources,
    output: Output,
    tick: Callable[[int], object],
) -> int:
    """Process the parts that are not finished, and write each one as soon as it is complete.

    Args:
        plan: The plan of the job.
        tasks: The unfinished tasks of the plan.
        settings: The settings of the job.
        resources: The workers. Ray is started already.
        output: The output folder.
        tick: A function that is called with a number of finished photos and videos.

    Returns:
        The number of people that were found.

    Raises:
        OpenPoseLabError: The job must end, or a file cannot be written. Finished parts remain.
    """
    counts = plan.counts()
    waiting = {part: _Part(counts[part]) for task in tasks for part in dict.fromkeys(task["part"].to_pylist())}
    people = 0

    def take(row: dict[str, Any]) -> None:
        nonlocal people
        part = waiting.get(row["part"])
        if part is None or part.done.intersection(row["indexes"]):
            return  # Ray repeated a task of a worker that was lost after its result had arrived
        part.done.update(row["indexes"])
        part.people.append(from_stream(row["people"]))
        part.failures.append(from_stream(row["failures"]))
        tick(len(row["indexes"]))
        if len(part.done) == part.left:
            output.write_part(row["part"], part.people, part.failures)
            people += sum(map(len, part.people))
            del waiting[row["part"]]

    came = 0
    for row in results(tasks, settings, resources):
        take(row)
        came += 1
    if waiting and not came:
        raise OpenPoseLabError("Ray lost each process that worked; close other programs, or give fewer --workers")
    missing = one_by_one(tasks, {index for part in waiting.values() for index in part.done}, set(waiting))
    if missing:
        for row in results(missing, settings, resources, ahead=1):
            take(row)
    for task in missing:
        item = task.to_pylist()[0]
        part = waiting.get(item["part"])
        if part and item["index"] not in part.done:
            take(_crashed(item, settings))
    return people


def one_by_one(tasks: Sequence[pyarrow.Table], done: Collection[int], parts: Collection[int]) -> list[pyarrow.Table]:
    """Divide the rest of tasks into tasks of one photo or video each.

    Args:
        tasks: Reading tasks.
        done: The indexes of finished photos and videos.
        parts: The parts that are not finished.

    Returns:
        The tasks, in order.
    """
    import pyarrow as pa

    found = []
    for task in tasks:
        for item in task.to_pylist():
            for step in range(item["count"] if item["part"] in parts else 0):
                if item["index"] + step not in done:
                    found.append(pa.Table.from_pylist([section(item, step, 1)], schema=task.schema))
    return found


def _crashed(item: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return a result for a photo or video that no process could finish."""
    name = item["name"] if item["kind"] != ROWS else f"{item['name']}#{item['row']}"
    reason = f"each process that worked on {name} was lost; it may need too much memory, or crash its decoder"
    return {
        "part": item["part"],
        "indexes": [item["index"]],
        "people": to_stream(people_table([], settings.config.layout)),
        "failures": to_stream(failures_table([Failure(name, item["index"], reason)])),
    }
