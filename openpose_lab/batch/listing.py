"""List the items of a source: photos, videos, and photos in the rows of Parquet files.

A source is a folder, an address of a folder, one photo or video, a text file that lists paths, or a Parquet file. The
names of items are relative to the folder of the source, so a data set may move to another place between two runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from estimation.errors import OpenPoseLabError, one_line
from openpose_lab.batch.items import PHOTO, ROWS, VIDEO, Item
from openpose_lab.batch.stores import Store, is_address, open_store, split_file
from openpose_lab.formats.tables import encodable
from openpose_lab.sources.paths_in_order import natural_key
from openpose_lab.sources.photo_files import PHOTO_ENDINGS
from openpose_lab.sources.recognition import VIDEO_ENDINGS

PARQUET = (".parquet", ".pq")
_LISTS = (".txt", ".lst", ".list", "")
"""The endings of text files that list paths."""
_BYTES = "bytes"
"""The field that holds a photo in columns of Hugging Face, next to the field ``path``."""


@dataclass(frozen=True)
class Listing:
    """The items of a source.

    Attributes:
        folder: The path or the address of the folder that the names of items are relative to.
        items: The items, in natural order with the videos of a folder last, or in the order of a list.
        column: The column of Parquet files that holds the photos; None for other sources.
    """

    folder: str
    items: list[Item]
    column: str | None = None


def list_items(source: str, column: str | None, rows: int) -> Listing:
    """List the items of a source.

    Args:
        source: A folder, a photo or video, a text file with a path or an address a line, or a Parquet file. Or its
            address.
        column: The column of a Parquet file; None finds the only column that can hold photos.
        rows: The largest number of rows in an item of a Parquet file.

    Returns:
        The items. Folders are listed with all folders below them.

    Raises:
        OpenPoseLabError: The source is missing, holds no photo and no video, or cannot be read.
    """
    folder, name = _folder_and_file(source)
    store = open_store(folder)
    if name is None:
        listing = _of_folder(folder, store, column, rows)
    elif name.lower().endswith(PARQUET):
        listing = _of_parquet(folder, store, [name], column, rows)
    elif kind := _kind_of(name):
        listing = Listing(folder, [Item(kind, name)])
    elif PurePosixPath(name).suffix.lower() in _LISTS:
        listing = Listing(folder, list(_of_list(store, name)))
    else:
        raise OpenPoseLabError(
            f"{one_line(source, 200)} is neither a photo, a video, a list (.txt) nor a Parquet file; check the path"
        )
    if not listing.items:
        raise OpenPoseLabError(f"{one_line(name or store.shown, 200)} lists no photo and no video; check its content")
    return listing


def _folder_and_file(source: str) -> tuple[str, str | None]:
    """Return the folder of a source, and the name of its file; None for a folder."""
    if is_address(source):
        last = source.partition("?")[0].rpartition("/")[2]
        is_file = bool(_kind_of(last)) or last.lower().endswith((*PARQUET, *_LISTS[:-1]))
        return split_file(source) if is_file else (source, None)
    from pathlib import Path

    path = Path(source).absolute()  # other machines of a cluster have other current folders
    if not path.exists():
        raise OpenPoseLabError(f"there is no file or folder {one_line(source, 200)}; check the path")
    return (str(path), None) if path.is_dir() else split_file(str(path))


def _of_folder(folder: str, store: Store, column: str | None, rows: int) -> Listing:
    names = sorted(store.list_files(), key=lambda name: natural_key(PurePosixPath(name)))
    items = [Item(kind, encodable(name)) for name in names if (kind := _kind_of(name))]
    if items:
        items.sort(key=lambda item: item.kind == VIDEO)  # photos in between would have a part each
        return Listing(folder, items)
    tables = [name for name in names if name.lower().endswith(PARQUET)]
    if tables:
        return _of_parquet(folder, store, tables, column, rows)
    raise OpenPoseLabError(
        f"{store.shown} has no photo, no video and no Parquet file among its {len(names)} files; check the place"
    )


def _of_list(store: Store, name: str) -> Iterator[Item]:
    """Yield the items of a text file with a path or an address a line, without empty lines and comments (# ...)."""
    try:
        text = store.read(name, "list").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OpenPoseLabError(f"the list {one_line(name, 200)} is not text in UTF-8; save it as UTF-8") from None
    for line in map(str.strip, text.splitlines()):
        if is_address(line) and "@" in line.partition("://")[2].partition("/")[0]:
            raise OpenPoseLabError(
                f"the list {one_line(name, 200)} holds an address with a user name; give credentials in environment "
                "variables, because the output names each address"
            )
        if line and line != "#" and not line.startswith("# "):
            yield Item(_kind_of(line) or PHOTO, line)


def _of_parquet(folder: str, store: Store, names: list[str], column: str | None, rows: int) -> Listing:
    import pyarrow
    import pyarrow.parquet

    items: list[Item] = []
    for name in names:
        with store.opened(name) as file:
            try:
                table = pyarrow.parquet.ParquetFile(file)
                column = _photo_column(table.schema_arrow, column, name)
                if _holds_bytes(table.schema_arrow, column):
                    items += _row_items(name, table.metadata, rows)
                else:
                    paths = table.read([column])[column].to_pylist()
                    items += [Item(_kind_of(path or "") or PHOTO, path or "") for path in paths]
            except pyarrow.ArrowException as error:
                reason = one_line(str(error), 100)
                raise OpenPoseLabError(
                    f"{one_line(name, 200)} is not a Parquet file, or is damaged ({reason}); write it again"
                ) from error
    return Listing(folder, items, column)


def _row_items(name: str, metadata: Any, rows: int) -> Iterator[Item]:
    """Yield the rows of a Parquet file. An item lies in one row group, so that each group is read by one task."""
    start = 0
    for group in range(metadata.num_row_groups):
        end = start + metadata.row_group(group).num_rows
        for first in range(start, end, rows):
            yield Item(ROWS, name, first, min(rows, end - first), group)
        start = end


def _photo_column(schema: Any, wanted: str | None, name: str) -> str:
    columns = _columns(schema)
    if wanted is not None:
        if wanted not in columns:
            raise OpenPoseLabError(
                f"{one_line(name, 100)} has no column {one_line(wanted, 60)} of text or bytes; it has "
                f"{one_line(', '.join(columns) or 'none', 200)}"
            )
        return wanted
    for holds_bytes in (True, False):
        found = [column for column in columns if _holds_bytes(schema, column) == holds_bytes]
        if len(found) == 1:
            return found[0]
    raise OpenPoseLabError(
        f"the photos of {one_line(name, 100)} may be in any of these columns: "
        f"{one_line(', '.join(columns) or 'none', 200)}; give one with --column NAME"
    )


def _columns(schema: Any) -> list[str]:
    """Return the columns of text or bytes, and the fields ``bytes`` of structures as ``column.bytes``."""
    import pyarrow.types as types

    found = []
    for field in schema:
        if types.is_struct(field.type) and field.type.get_field_index(_BYTES) >= 0:
            found.append(f"{field.name}.{_BYTES}")
        elif _is_bytes(field.type) or types.is_string(field.type) or types.is_large_string(field.type):
            found.append(field.name)
    return found


def _holds_bytes(schema: Any, column: str) -> bool:
    index = schema.get_field_index(column)
    return index < 0 or _is_bytes(schema.field(index).type)  # a field of a structure is not a column


def _is_bytes(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _kind_of(name: str) -> str | None:
    ending = PurePosixPath(name.partition("?")[0] if is_address(name) else name).suffix.lower()
    return PHOTO if ending in PHOTO_ENDINGS else VIDEO if ending in VIDEO_ENDINGS else None
