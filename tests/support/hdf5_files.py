"""Small weights files in HDF5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

KERNEL = np.arange(54, dtype=np.float32).reshape(3, 3, 3, 2)
BIAS = np.array([1, 2], np.float32)


def write(path: Path, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a file with one data set for each array."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
