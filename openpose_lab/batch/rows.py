"""The two tables of a job: one row a person, and one row a photo or video that failed."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.layouts import Layout
from estimation.skeletons import NO_IDENTITY, Skeletons
from openpose_lab.formats.points import best_first

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Found:
    """The people of a photo or of a video frame.

    Attributes:
        source: The photo or video.
        index: The position of a photo in the data set, or the number of a frame in its video, from 0.
        timestamp: Seconds from the start of the video; None for a photo.
        width: Width of the photo in pixels.
        height: Height of the photo in pixels.
        skeletons: The people.
    """

    source: str
    index: int
    timestamp: float | None
    width: int
    height: int
    skeletons: Skeletons


@dataclass(frozen=True)
class Failure:
    """A photo or video that failed.

    Attributes:
        source: The photo or video.
        index: Its position in the data set.
        reason: One sentence. The people of a video's frames before the failure are kept.
    """

    source: str
    index: int
    reason: str


def people_schema(layout: Layout) -> Any:
    """Return the schema of the table of people.

    The names of the body parts are in the metadata of the schema and of the fields ``keypoints`` and ``scores``, as
    JSON.
    """
    import pyarrow as pa

    parts = len(layout.body_parts)
    names = {"body_parts": json.dumps(layout.body_parts)}
    fields = [
        pa.field("source", pa.string(), nullable=False),
        pa.field("index", pa.int64(), nullable=False),
        pa.field("timestamp_s", pa.float64()),
        pa.field("width_px", pa.int32(), nullable=False),
        pa.field("height_px", pa.int32(), nullable=False),
        pa.field("person", pa.int32(), nullable=False),
        pa.field("person_id", pa.int64()),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("keypoints", pa.list_(pa.float32(), 2 * parts), nullable=False, metadata={**names, "unit": "pixels"}),
        pa.field("scores", pa.list_(pa.float32(), parts), nullable=False, metadata=names),
    ]
    return pa.schema(fields, metadata={"layout": layout.name, **names})


def failures_schema() -> Any:
    """Return the schema of the table of failures."""
    import pyarrow as pa

    return pa.schema([("source", pa.string()), ("index", pa.int64()), ("reason", pa.string())])


def people_table(found: Sequence[Found], layout: Layout) -> pyarrow.Table:
    """Return the people of photos or frames, one row a person, sorted by person score within each photo.

    Args:
        found: The people of each photo.
        layout: The layout of the skeletons.

    Returns:
        A table with the schema of ``people_schema``. ``keypoints`` holds x, y of each body part in turns, in pixels;
        x, y and the score of a missing part are NaN, NaN and 0.
    """
    import pyarrow as pa

    people = [best_first(one.skeletons) for one in found]
    counts = [len(one) for one in people]
    parts = len(layout.body_parts)

    def each(values: Sequence[Any]) -> list[Any]:
        return [value for value, count in zip(values, counts) for _ in range(count)]

    def joined(arrays: Sequence[Any], width: int = 1) -> Any:
        flat = [np.asarray(array, np.float32).reshape(-1, width) for array in arrays]
        return np.concatenate([np.zeros((0, width), np.float32), *flat]).ravel()

    identities = [identity for one in people for identity in one.person_ids.tolist()]
    columns = {
        "source": each([one.source for one in found]),
        "index": each([one.index for one in found]),
        "timestamp_s": each([one.timestamp for one in found]),
        "width_px": each([one.width for one in found]),
        "height_px": each([one.height for one in found]),
        "person": [person for count in counts for person in range(count)],
        "person_id": [None if identity == NO_IDENTITY else identity for identity in identities],
        "score": joined([one.person_scores for one in people]),
        "keypoints": pa.FixedSizeListArray.from_arrays(joined([one.keypoints for one in people], 2 * parts), 2 * parts),
        "scores": pa.FixedSizeListArray.from_arrays(joined([one.scores for one in people], parts), parts),
    }
    schema = people_schema(layout)
    arrays = [
        columns[field.name].cast(field.type)
        if isinstance(columns[field.name], pa.Array)
        else pa.array(columns[field.name], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def failures_table(failures: Sequence[Failure]) -> pyarrow.Table:
    """Return failures as a table with the schema of ``failures_schema``."""
    import pyarrow as pa

    columns = {name: [getattr(one, name) for one in failures] for name in ("source", "index", "reason")}
    return pa.table(columns, schema=failures_schema())


def to_stream(table: pyarrow.Table) -> bytes:
    """Return a table as bytes of Arrow's stream format, to send it between processes."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def from_stream(data: bytes) -> pyarrow.Table:
    """Read a table from the bytes that ``to_stream`` returned."""
    import pyarrow as pa

    return pa.ipc.open_stream(data).read_all()


def to_parquet(tables: Sequence[pyarrow.Table], about: Mapping[str, str]) -> bytes:
    """Join tables, sort the rows by ``index`` (of equal ones, the order stays), and return a Parquet file.

    Args:
        tables: Tables of one schema.
        about: Texts to add to the metadata of the schema.
    """
    import pyarrow as pa
    import pyarrow.parquet

    joined = pa.concat_tables(tables)
    order = np.argsort(joined["index"].to_numpy(), kind="stable")
    sorted_rows = joined.take(order) if len(joined) else joined
    file = io.BytesIO()
    pyarrow.parquet.write_table(
        sorted_rows.replace_schema_metadata({**(joined.schema.metadata or {}), **about}), file, compression="zstd"
    )
    return file.getvalue()
