"""HDF5 files, which several forms are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.errors import OpenPoseLabError

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGEST_BYTES = 1 << 28


def datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Find the arrays of numbers in a file. Links are not followed, so nothing outside the file is read.

    Args:
        file: An open HDF5 file.

    Returns:
        The datasets by their path.

    Raises:
        OpenPoseLabError: A dataset keeps its numbers in another file, or is larger than any layer.
    """
    import h5py

    found = {}

    def add(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise OpenPoseLabError(f"keeps {name} in another file, which is not opened")
            if item.nbytes > _LARGEST_BYTES:
                raise OpenPoseLabError(f"has {item.nbytes} bytes in {name}, more than any layer here")
            found[name] = item

    file.visititems(add)
    return found
