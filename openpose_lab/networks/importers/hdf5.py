"""HDF5 files: several forms of weights are HDF5 files."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.trained_weights import Array, Budget, check_size, shown

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MOST_LEVELS = 16
_PARTS_OF_AN_OBJECT = 10
_MOST_VALUES, _LARGEST_ATTRIBUTE = 100, 1 << 16  # of an attribute; bytes
_GZIP, _SHUFFLE, _FLETCHER32 = 1, 2, 3


def datasets(file: h5py.File, budget: Budget) -> dict[str, h5py.Dataset]:
    """Find the numeric datasets in a file. Links are not followed, so nothing outside the file is read.

    Args:
        file: An open HDF5 file.
        budget: The limits of size that the file must keep.

    Returns:
        The datasets by their path, not read yet.

    Raises:
        OpenPoseLabError: The file has too many groups, or groups that are nested too deeply.
    """
    import h5py

    found = {}
    seen = set()
    waiting = [""]
    while waiting:
        path = waiting.pop()
        item = file[path] if path else file
        budget.parts(_PARTS_OF_AN_OBJECT)
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:  # reached through another hard link
            continue
        seen.add(address)
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            found[path] = item
        elif isinstance(item, h5py.Group):
            if path.count("/") >= _MOST_LEVELS:
                raise OpenPoseLabError("is damaged: its groups are nested more deeply than those of any weights")
            names = []
            for name in item:
                budget.parts(_PARTS_OF_AN_OBJECT)
                if isinstance(item.get(name, getlink=True), h5py.HardLink):
                    names.append(f"{path}/{name}" if path else name)
            waiting += reversed(names)
    return found


def read_array(name: str, dataset: h5py.Dataset, budget: Budget) -> Array:
    """Read a dataset.

    Args:
        name: The dataset's path in the file, for error messages.
        dataset: The dataset.
        budget: The limits of size that the file must keep.

    Returns:
        The dataset's numbers.

    Raises:
        OpenPoseLabError: The dataset stores its numbers in another file, is too large, or is compressed in a way that
            is not supported.
    """
    if dataset.external or dataset.is_virtual:
        raise OpenPoseLabError(f"stores {shown(name)} in another file, which is not read; save all weights in one file")
    if dataset.shape is None:
        raise OpenPoseLabError(f"is damaged: {shown(name)} has no numbers")
    budget.array(name, dataset.shape, dataset.dtype)
    if dataset.chunks:
        check_size(name, dataset.chunks, dataset.dtype)
        budget.parts(math.prod(-(-size // chunk) for size, chunk in zip(dataset.shape, dataset.chunks)))
        _check_compression(name, dataset)
    return np.asarray(dataset)


def attribute(item: h5py.Group, name: str) -> Any:
    """Read a small attribute of a group. Return None if the group has no attribute of this name.

    Raises:
        OpenPoseLabError: The attribute is larger than any attribute of a weights file.
    """
    import h5py

    if name not in item.attrs:
        return None
    stored = h5py.h5a.open(item.id, name.encode())
    if math.prod(stored.shape or (1,)) > _MOST_VALUES or stored.get_storage_size() > _LARGEST_ATTRIBUTE:
        raise OpenPoseLabError(f"is damaged: its attribute {shown(name)} is too large")
    return item.attrs[name]


def _check_compression(name: str, dataset: h5py.Dataset) -> None:
    """Check that no compressed chunk expands beyond its stated size. HDF5 itself expands chunks without a limit."""
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    if not {_GZIP, _SHUFFLE, _FLETCHER32}.issuperset(filters) or filters.count(_GZIP) > 1:
        raise OpenPoseLabError(
            f"compresses {shown(name)} in a way that is not supported; save it with gzip or without compression"
        )
    if _GZIP not in filters:
        return
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    for number in range(dataset.id.get_num_chunks()):
        chunk = dataset.id.get_chunk_info(number)
        mask, stored = dataset.id.read_direct_chunk(chunk.chunk_offset)
        if mask >> filters.index(_GZIP) & 1:  # this chunk is not compressed
            continue
        if len(zlib.decompressobj().decompress(stored, chunk_bytes + 1)) > chunk_bytes:
            raise OpenPoseLabError(f"is damaged: {shown(name)} expands to more than its stated size")
