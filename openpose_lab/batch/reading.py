"""Decode the photos of a reading task, in Ray tasks beside the workers that find people in them.

A block of a reading task has one row a photo: its pixels, or the reason why it cannot be read. A video is only named,
because the worker decodes it: its frames must stay in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.batch.items import ROWS, VIDEO
from openpose_lab.batch.rows import from_stream
from openpose_lab.batch.stores import Store, StoreError, is_address, locate, open_store
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
    items = from_stream(task).to_pylist()
    item = items[0]
    try:
        store = open_store(settings.folder)
        if item["kind"] == ROWS:
            yield from _read_rows(store, items, settings.column or "")
            return
        for item in items:
            if item["kind"] == VIDEO:
                yield _block(item, item["index"], item["name"], video=True)
            else:
                yield _read_photo(item, item["index"], item["name"], partial(_read_file, store, item["name"]))
    except (StoreError, MissingLibraryError) as error:
        yield _block(item, item["index"], item["name"], stop=str(error))


def _read_file(store: Store, name: str) -> bytes:
    if not is_address(name):
        return store.read(name)
    try:
        place, file = locate(store, name)
        return place.read(file)
    except StoreError as error:  # in a list, a wrong address is the failure of one photo
        raise OpenPoseLabError(str(error)) from error


def _read_photo(item: dict[str, Any], index: int, source: str, load: Any) -> pyarrow.Table:
    try:
        pixels = decode_any_photo(load(), source)
    except (StoreError, MissingLibraryError):
        raise
    except OpenPoseLabError as error:
        return _block(item, index, source, error=str(error))
    except MemoryError:
        return _block(item, index, source, error=f"not enough memory to decode {source}; make it smaller")
    except Exception as error:  # whatever a decoder does with a damaged photo, the others are done
        return _block(item, index, source, error=unexpected(source, error))
    return _block(item, index, source, pixels)


def _read_rows(store: Store, items: list[dict[str, Any]], column: str) -> Iterator[pyarrow.Table]:
    """Yield the photos in the rows of a row group, which is read once, piece by piece.

    Args:
        store: The folder of the Parquet file.
        items: Items of one row group, in order.
        column: The column with the photos.
    """
    name = items[0]["name"]
    rows = ((item, row) for item in items for row in range(item["row"], item["row"] + item["count"]))
    reason = f"{name} has fewer rows than before"
    waiting = next(rows, None)
    try:
        for number, value in _values(store, name, items[0]["group"], column):
            if waiting and number == waiting[1]:
                yield _read_row(*waiting, partial(_present, value, name))
                waiting = next(rows, None)
            if waiting is None:
                return
    except (StoreError, MissingLibraryError):
        raise
    except Exception as error:  # pyarrow has many kinds of errors for damaged files
        reason = f"the rows of {name} cannot be read: {one_line(str(error), 200)}"
    while waiting:
        yield _read_row(*waiting, partial(_raise, reason))
        waiting = next(rows, None)


def _read_row(item: dict[str, Any], row: int, load: Callable[[], bytes]) -> pyarrow.Table:
    return _read_photo(item, item["index"] + row - item["row"], f"{item['name']}#{row}", load)


def _values(store: Store, name: str, group: int, column: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield each row of a row group: its number in the file, from 0, and its value in a column."""
    import pyarrow.parquet

    with store.opened(name) as file:
        table = pyarrow.parquet.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
        number = sum(table.metadata.row_group(before).num_rows for before in range(group))
        is_field = table.schema_arrow.get_field_index(column) < 0  # of a structure, such as image.bytes
        for batch in table.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=[column]):
            values = batch.column(0).field(column.rpartition(".")[2]) if is_field else batch.column(0)
            for value in values:
                yield number, value.as_py()
                number += 1


def _present(data: bytes | None, name: str) -> bytes:
    if data is None:
        raise OpenPoseLabError(f"a row of {name} holds no photo: its value is empty")
    return data


def _raise(reason: str) -> NoReturn:
    raise OpenPoseLabError(reason)


def unexpected(source: str, error: Exception) -> str:
    """Return the reason of a failure for an error of a library."""
    return f"{source} cannot be processed ({one_line(f'{type(error).__name__}: {error}', 150)}); save it again"


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
