"""The output folder of a job, on this machine or behind an address.

    batch.json                          the settings of the job
    plan.parquet                        the items and their parts
    failures/part-000000.parquet        the photos and videos of a part that failed; missing if none failed
    people/part-000000.parquet          the people of a part; a part with this file is finished

Only the program that the user started writes here. So a worker that Ray starts again cannot write a part twice.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError
from estimation.files import cannot_write
from openpose_lab.batch import plan as plans
from openpose_lab.batch.plan import Plan
from openpose_lab.batch.rows import to_parquet
from openpose_lab.batch.stores import LocalStore, MissingError, open_store
from openpose_lab.file_locks import busy, try_lock
from openpose_lab.job.outputs import make_folder

if TYPE_CHECKING:
    import pyarrow

SETTINGS, PLAN, PEOPLE, FAILURES = "batch.json", "plan.parquet", "people", "failures"
_LOCK = ".lock"
_VERSION = "1"
_NAME = re.compile(r"part-(\d{6,9})\.parquet")


class Output:
    """The output folder of a job. As a context manager, it keeps other programs of this machine out."""

    def __init__(self, place: str) -> None:
        """Open a folder, which need not exist, by its path or address."""
        self._store = open_store(place)
        self._lock: IO[bytes] | None = None
        self._again: set[int] = set()

    @property
    def shown(self) -> str:
        """The folder, for messages."""
        return self._store.shown

    def __enter__(self) -> Output:
        if isinstance(self._store, LocalStore):
            make_folder(self._store.root)
            path = self._store.root / _LOCK
            try:
                self._lock = path.open("ab")
            except OSError as error:
                raise cannot_write(path, error) from error
            if not try_lock(self._lock):
                self._lock.close()
                raise busy(self._store.root)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            self._lock.close()

    def begin(self, settings: Mapping[str, str]) -> Plan:
        """Begin or continue a job.

        Args:
            settings: The settings that change the results, by name.

        Returns:
            The plan of the earlier run; an empty plan for a new job.

        Raises:
            OpenPoseLabError: The folder holds other files, or a job with other settings.
        """
        try:
            names = self._store.list_files()
        except MissingError:
            names = []
        names = [name for name in names if name != _LOCK]
        if SETTINGS not in names:
            if names:
                raise OpenPoseLabError(
                    f"{self.shown} holds other files, such as {names[0]}; give an empty folder, or a new one"
                )
            self._store.write(SETTINGS, json.dumps({"version": _VERSION, **settings}, indent=2).encode())
            return plans.empty_plan()
        self._check_same(settings)
        if PLAN not in names:
            if any(name.startswith(f"{PEOPLE}/") for name in names):
                raise OpenPoseLabError(f"{PLAN} is missing in {self.shown}, which holds people; give a new folder")
            return plans.empty_plan()
        try:
            return plans.from_bytes(self._store.read(PLAN, "plan"))
        except (ValueError, OSError) as error:  # ArrowInvalid is a ValueError
            raise OpenPoseLabError(f"{PLAN} in {self.shown} is damaged; give a new folder") from error

    def keep_plan(self, plan: Plan) -> None:
        """Write the plan."""
        self._store.write(PLAN, plans.to_bytes(plan))

    def finished(self) -> set[int]:
        """Return the parts that are finished."""
        self._again = self._parts_in(PEOPLE)
        return set(self._again)

    def with_failures(self) -> set[int]:
        """Return the finished parts with failures."""
        return self._parts_in(FAILURES) & self.finished()

    def failures(self, parts: Sequence[int]) -> list[dict[str, Any]]:
        """Return the rows of failures of finished parts, in order."""
        import pyarrow.parquet

        rows = []
        for part in sorted(parts):
            data = self._store.read(f"{FAILURES}/{_part(part)}", "table")
            rows += pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
        return rows

    def write_part(self, part: int, people: Sequence[pyarrow.Table], failures: Sequence[pyarrow.Table]) -> None:
        """Write the files of a part.

        The file of people comes last, because it marks the part as finished. But if the part was finished before
        (``--retry-failed``), the file of people comes first. In the other order, a kill between the two files would
        lose the photos that failed before and succeed now.
        """
        about = {"part": str(part)}
        failed = [table for table in failures if len(table)]
        files = [(f"{PEOPLE}/{_part(part)}", to_parquet(people, about))]
        if failed:
            files.insert(
                len(files) if part in self._again else 0, (f"{FAILURES}/{_part(part)}", to_parquet(failed, about))
            )
        for name, data in files:
            self._store.write(name, data)
        if not failed and part in self._again:
            self._store.delete(f"{FAILURES}/{_part(part)}")

    def _parts_in(self, folder: str) -> set[int]:
        names: list[str] = []
        with suppress(MissingError):  # no part is written yet
            names = self._store.list_files(folder)
        matches = (_NAME.fullmatch(Path(name).name) for name in names)
        return {int(match[1]) for match in matches if match}

    def _check_same(self, settings: Mapping[str, str]) -> None:
        try:
            before = json.loads(self._store.read(SETTINGS, "file of settings"))
            before = {str(name): str(value) for name, value in before.items()}
        except (ValueError, AttributeError) as error:
            raise OpenPoseLabError(f"{SETTINGS} in {self.shown} is damaged; give a new folder") from error
        for name, value in {"version": _VERSION, **settings}.items():
            if before.get(name) != value:
                raise OpenPoseLabError(
                    f"{self.shown} holds a job with another {name} ({before.get(name)}, now {value}); give the same "
                    "options to continue it, or a new folder"
                )


def _part(part: int) -> str:
    return f"part-{part:06}.parquet"
