"""Decode the photos of a part, in Ray tasks beside the workers that find people in them.

A block of a reading task has one row a photo: its pixels, or the reason why it cannot be read. A video is only named,
because the worker decodes it: its frames must stay in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError
from openpose_lab.batch.items import ROWS, VIDEO
from openpose_lab.batch.rows import from_stream
from openpose_lab.batch.stores import Store, StoreError, locate, open_store
from openpose_lab.extras import MissingLibraryError
from openpose_lab.sources.photo_files import decode_any_photo

if TYPE_CHECKING:
    import numpy as np
    import pyarrow
    from numpy.typing import NDArray

    from openpose_lab.batch.settings import Settings

_ROWS_AT_ONCE = 16
"""The number of rows of a Parquet file that are read at once."""


def read_task(task: bytes, settings: Settings) -> Iterator[pyarrow.Table]:
    """Decode the photos of a task.

    Args:
        task: Rows of ``Plan.table``, from ``to_stream``.
        settings: The settings of the job.

    Yields:
        Tables of one row, with the columns of ``_block``.
    """
    store = open_store(settings.folder)
    for item in from_stream(task).to_pylist():
        try:
            if item["kind"] == VIDEO:
                yield _block(item, item["index"], item["name"], video=True)
            elif item["kind"] == ROWS:
                yield from _read_rows(store, item, settings.column or "")
            else:
                yield _read_photo(item, item["index"], item["name"], partial(_read_file, store, item["name"]))
        except (StoreError, MissingLibraryError) as error:
            yield _block(item, item["index"], item["name"], stop=str(error))
            return


def _read_file(store: Store, name: str) -> bytes:
    place, file = locate(store, name)
    return place.read(file)


def _read_photo(item: dict[str, Any], index: int, source: str, load: Any) -> pyarrow.Table:
    try:
        pixels = decode_any_photo(load(), source)
    except (StoreError, MissingLibraryError):
        raise
    except OpenPoseLabError as error:
        return _block(item, index, source, error=str(error))
    except MemoryError:
        return _block(item, index, source, error=f"not enough memory to decode {source}; make it smaller")
    return _block(item, index, source, pixels)


def _read_rows(store: Store, item: dict[str, Any], column: str) -> Iterator[pyarrow.Table]:
    """Yield the photos in successive rows of a Parquet file. A row group is read piece by piece."""
    import pyarrow

    done = 0
    reason = f"{item['name']} has fewer rows than before"
    try:
        for value in _values(store, item, column):
            source = _row_name(item, done)
            yield _read_photo(item, item["index"] + done, source, partial(_present, value, source))
            done += 1
    except (StoreError, MissingLibraryError):
        raise
    except (OpenPoseLabError, pyarrow.ArrowException, MemoryError) as error:
        reason = f"the rows of {item['name']} cannot be read: {error}"
    for row in range(done, item["count"]):
        yield _block(item, item["index"] + row, _row_name(item, row), error=reason)


def _row_name(item: dict[str, Any], row: int) -> str:
    return f"{item['name']}#{item['row'] + row}"


def _values(store: Store, item: dict[str, Any], column: str) -> Iterator[bytes | None]:
    """Yield the values of a column in an item's rows. Earlier rows of the row group are decoded, but not kept."""
    import pyarrow.parquet

    with store.opened(item["name"]) as file:
        table = pyarrow.parquet.ParquetFile(file, buffer_size=1 << 20)
        position = sum(table.metadata.row_group(group).num_rows for group in range(item["group"]))
        first, end = item["row"], item["row"] + item["count"]
        for batch in table.iter_batches(_ROWS_AT_ONCE, row_groups=[item["group"]], columns=[column]):
            values = batch.column(0)
            for name in column.split(".")[1:]:
                values = values.field(name)
            for value in values[max(0, first - position) : max(0, end - position)]:
                yield value.as_py()
            position += len(batch)
            if position >= end:
                return


def _present(data: bytes | None, source: str) -> bytes:
    if data is None:
        raise OpenPoseLabError(f"{source} holds no photo: its value is empty")
    return data


def _block(
    item: dict[str, Any],
    index: int,
    source: str,
    pixels: NDArray[np.uint8] | None = None,
    error: str | None = None,
    stop: str | None = None,
    video: bool = False,
) -> pyarrow.Table:
    """Return a table of one row.

    Its columns: ``part``, ``index`` and ``source``; ``pixels`` as bytes with ``height`` and ``width``; ``error``, why
    the photo cannot be read; ``stop``, why the job must end; ``video``, whether the worker has to decode a video.
    """
    import pyarrow as pa

    height, width = (0, 0) if pixels is None else pixels.shape[:2]
    columns = {
        "part": pa.array([item["part"]], pa.int32()),
        "index": pa.array([index], pa.int64()),
        "source": pa.array([source], pa.string()),
        "pixels": pa.array([None if pixels is None else pixels.tobytes()], pa.large_binary()),
        "height": pa.array([height], pa.int32()),
        "width": pa.array([width], pa.int32()),
        "error": pa.array([error], pa.string()),
        "stop": pa.array([stop], pa.string()),
        "video": pa.array([video], pa.bool_()),
    }
    return pa.table(columns)
