"""Read NumPy archives (.npz) with bounded memory."""

from __future__ import annotations

import zipfile
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from openpose_lab.zip_files import READ_IN_PARTS, ShortReads


def read_npz(file: BinaryIO, most_bytes: int) -> dict[str, NDArray[Any]]:
    """Read the arrays of a NumPy archive.

    Args:
        file: The archive.
        most_bytes: The largest total size of the arrays in bytes.

    Returns:
        The arrays by name.

    Raises:
        ValueError: The file is not a NumPy archive, is damaged or too large, or contains pickled objects.
    """
    try:
        with zipfile.ZipFile(cast(BinaryIO, ShortReads(file))) as archive:
            members = archive.infolist()
        if sum(member.file_size for member in members) > most_bytes:  # `zipfile` never reads more than these sizes
            raise ValueError(f"the arrays are larger than {most_bytes} bytes")
        if any(member.compress_type not in READ_IN_PARTS for member in members):
            raise ValueError("the compression is unusual")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name]) for name in arrays.files}
    except ValueError:
        raise
    except Exception as error:  # NumPy and zipfile raise many kinds of errors
        raise ValueError(f"the archive is damaged: {error}") from error
