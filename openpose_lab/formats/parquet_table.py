"""The table of people as Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from openpose_lab.formats.format import TableFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from estimation.layouts import Layout
    from openpose_lab.formats.record import Record

ROWS = 4096
"""A row group is written after this number of people, or of photos. Memory holds one row group, and one photo's people.
"""


def _write(records: Iterable[Record], layout: Layout, file: BinaryIO, unit: str) -> None:
    import pyarrow.parquet

    from openpose_lab.formats.tables import people_columns

    with pyarrow.parquet.ParquetWriter(file, _schema(layout, unit)) as writer:
        waiting: list[dict[str, NDArray[Any]]] = []
        count = 0
        for record in records:
            waiting.append(people_columns(record, layout, unit))
            count += len(record.skeletons)
            if count >= ROWS or len(waiting) >= ROWS:
                _write_group(writer, waiting)
                waiting, count = [], 0
        if count:
            _write_group(writer, waiting)


def _schema(layout: Layout, unit: str) -> Any:
    import numpy as np
    import pyarrow

    from openpose_lab.formats.tables import column_types

    columns = [
        (name, pyarrow.string() if dtype is object else pyarrow.from_numpy_dtype(np.dtype(dtype)))
        for name, dtype in column_types(layout, unit).items()
    ]
    about = {"layout": layout.name, "body_parts": json.dumps(layout.body_parts), "unit": unit}
    return pyarrow.schema(columns, metadata=about)


def _write_group(writer: Any, photos: list[dict[str, NDArray[Any]]]) -> None:
    import numpy as np
    import pyarrow

    arrays = [
        pyarrow.array(np.concatenate([columns[name] for columns in photos]), kind, from_pandas=True)  # NaN is null
        for name, kind in zip(writer.schema.names, writer.schema.types)
    ]
    writer.write_table(pyarrow.Table.from_arrays(arrays, schema=writer.schema))


FORMAT = TableFormat(
    "parquet", "also write the people of all photos or frames as Parquet, one row per person", _write, library="pyarrow"
)
