"""The plan of a job: the items in their order, divided into parts. Each part becomes one file of people."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openpose_lab.batch.items import PHOTO, PHOTOS_A_PART, ROWS, VIDEO, Item

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Plan:
    """The items of a job.

    Attributes:
        table: One row for each item, sorted by part: ``part``, the number of its part; ``kind``, ``name``, ``row``,
            ``count`` and ``group``, as in ``Item``; and ``index``, the number of photos and videos before the item.
    """

    table: pyarrow.Table

    @property
    def parts(self) -> int:
        """The number of parts."""
        return self.table["part"][-1].as_py() + 1 if len(self.table) else 0

    @property
    def photos(self) -> int:
        """The number of photos and videos."""
        return self.table["index"][-1].as_py() + self.table["count"][-1].as_py() if len(self.table) else 0

    def counts(self) -> list[int]:
        """Return the number of photos and videos in each part."""
        import numpy as np

        parts, counts = self.table["part"].to_numpy(), self.table["count"].to_numpy()
        return np.bincount(parts, counts, self.parts).astype(int).tolist() if len(parts) else []

    def photos_in(self, parts: Collection[int]) -> int:
        """Return the number of photos and videos in some parts. Parts beyond the plan are left out."""
        counts = self.counts()
        return sum(counts[part] for part in parts if part < len(counts))

    def kinds(self) -> dict[str, int]:
        """Return the number of photos (also those in rows) and of videos, by kind."""
        import pyarrow.compute as compute

        videos = compute.sum(compute.equal(self.table["kind"], VIDEO)).as_py() or 0
        return {PHOTO: self.photos - videos, VIDEO: videos}

    def names(self, ending: str | tuple[str, ...]) -> Iterator[str]:
        """Yield the names of items that end with ``ending``, also in capital letters. ``ending`` is in lower case."""
        for name in self.table["name"].to_pylist():
            if name.lower().endswith(ending):
                yield name

    def tasks(self, done: Collection[int] = ()) -> list[pyarrow.Table]:
        """Divide the items into reading tasks. A part is a task, but all parts of a Parquet row group are one task.

        Args:
            done: The parts to leave out.

        Returns:
            Slices of ``table``, in order.
        """
        import numpy as np

        parts = self.table["part"].to_numpy()
        if not len(parts):
            return []
        starts = np.flatnonzero(np.diff(parts, prepend=-1))
        ends = [*starts[1:], len(parts)]
        found: list[tuple[int, int, Any]] = []
        for start, end in zip(starts, ends):
            if int(parts[start]) in done:
                continue
            first = self.table.slice(start, 1).to_pylist()[0] if self.table["kind"][start].as_py() == ROWS else None
            group = (first["name"], first["group"]) if first else None
            if found and group and found[-1][2] == group:
                found[-1] = found[-1][0], int(end), group
            else:
                found.append((int(start), int(end), group))
        tables = [self.table.slice(start, end - start) for start, end, _ in found]
        return [_without(table, done) for table in tables]

    def extended(self, items: Sequence[Item], photos_a_part: int = PHOTOS_A_PART) -> Plan:
        """Return a longer plan: this plan, then the items that it lacks, in new parts. Old parts stay as they are.

        Args:
            items: All items of the source.
            photos_a_part: The largest number of photos in a new part. Videos have a part each.
        """
        import pyarrow

        old = self.table
        known = set(zip(old["kind"].to_pylist(), old["name"].to_pylist(), old["row"].to_pylist()))
        new = [item for item in dict.fromkeys(items) if (item.kind, item.name, item.row) not in known]
        columns: dict[str, list[Any]] = {name: [] for name in old.schema.names}
        part, index, filled = self.parts - 1, self.photos, 0
        for item in new:
            if item.kind != PHOTO or filled in (0, photos_a_part):
                part, filled = part + 1, 0
            filled = filled + 1 if item.kind == PHOTO else 0
            values = part, index, item.kind, item.name, item.row, item.count, item.group
            for column, value in zip(columns.values(), values):
                column.append(value)
            index += item.count
        return Plan(pyarrow.concat_tables([old, pyarrow.table(columns, schema=old.schema)]).combine_chunks())


def empty_plan() -> Plan:
    """Return a plan without items."""
    return Plan(_schema().empty_table())


def to_bytes(plan: Plan) -> bytes:
    """Return a plan as a Parquet file."""
    import pyarrow.parquet

    file = io.BytesIO()
    pyarrow.parquet.write_table(plan.table, file)
    return file.getvalue()


def from_bytes(data: bytes) -> Plan:
    """Read a plan from a Parquet file. Raises ValueError if it is damaged."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(io.BytesIO(data))
    if table.schema.names != _schema().names:
        raise ValueError(f"a plan has the columns {_schema().names}")
    return Plan(table.cast(_schema()).combine_chunks())


def _schema() -> Any:
    import pyarrow as pa

    whole = pa.int64()
    text = pa.string()
    columns = {"part": pa.int32(), "index": whole, "kind": text, "name": text, "row": whole, "count": whole}
    return pa.schema([*columns.items(), ("group", pa.int32())])


def _without(table: Any, done: Collection[int]) -> Any:
    import pyarrow

    keep = [part not in done for part in table["part"].to_pylist()]
    return table if all(keep) else table.filter(pyarrow.array(keep))


def section(item: dict[str, Any], start: int, count: int) -> dict[str, Any]:
    """Return a row of ``Plan.table`` for ``count`` photos of an item, from number ``start`` on."""
    return {**item, "index": item["index"] + start, "row": item["row"] + start, "count": count}
