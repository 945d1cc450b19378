"""PyTorch state dicts (.pth), the zipped files of today and those from before 1.6, read without PyTorch.

Their pickle may name only what tensors are made of. Everything else in it is refused, so nothing is run.
"""

from __future__ import annotations

import io
import math
import mmap
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.archive import members, read_member
from openpose_lab.networks.importers.trained_weights import (
    Array,
    TrainedWeights,
    Weights,
    from_caffe,
    kernel_from_oihw,
    put,
    slopes,
)

FORM = "PyTorch state dict"

_PICKLE = "/data.pkl"
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_HEAD = b"\x80\x02\x8a\x0a" + _OLD_MAGIC.to_bytes(10, "little")
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}


class _Storage(NamedTuple):
    """Where the numbers of tensors are: a key into the file, their dtype and how many."""

    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def recognises(path: Path, head: bytes) -> bool:
    """Today's are zip archives with a data.pkl; the older begin with a magic number."""
    return head.startswith(_OLD_HEAD) or any(name.endswith(_PICKLE) for name in members(path, head))


def read(path: Path) -> TrainedWeights:
    """Every kernel, bias and slope, by the last name but one: model0.conv1_1.weight is conv1_1/kernel."""
    with path.open("rb") as file:
        old = file.read(len(_OLD_HEAD)) == _OLD_HEAD
    state, storages = _read_old(path) if old else _read_zipped(path)
    tensors = {name: tensor for name, tensor in _tensors(state) if tensor.storage.dtype[1] == "f"}
    return from_caffe(_named({name: _array(tensor, storages) for name, tensor in tensors.items()}))


def _named(tensors: dict[str, Array]) -> Weights:
    weights: Weights = {}
    for path, array in tensors.items():
        *_, layer, variable = ("", *path.split("."))
        if variable == "weight" and array.ndim == 4:
            put(weights, f"{layer}/kernel", kernel_from_oihw(array), path)
        elif variable == "weight" and array.ndim == 1:
            put(weights, f"{layer}/alpha", slopes(array), path)
        elif variable == "bias":
            put(weights, f"{layer}/bias", array, path)
    return weights


def _read_zipped(path: Path) -> tuple[Any, Callable[[_Storage], bytes]]:
    with path.open("rb") as file:
        name = next(name for name in members(path, file.read(4)) if name.endswith(_PICKLE))
    folder = name.removesuffix(_PICKLE)
    state = _Unpickler(io.BytesIO(read_member(path, name))).load()
    return state, lambda storage: read_member(path, f"{folder}/data/{storage.key}")


def _read_old(path: Path) -> tuple[Any, Callable[[_Storage], bytes]]:
    """Pickles of a magic number, a version, the machine, the state dict and the storages' keys; then each storage."""
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as file:
        _, _, _, state, keys = [_Unpickler(file).load() for _ in range(5)]
        storages = {tensor.storage.key: tensor.storage for _, tensor in _tensors(state)}
        data = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            data[key] = file.read(count * np.dtype(storages[key].dtype).itemsize)
    return state, lambda storage: data[storage.key]


def _tensors(state: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, _Tensor]]:
    """The tensors in nested dicts, by their dotted path; training files have the state dict among other things."""
    if isinstance(state, _Tensor):
        yield path, state
    elif isinstance(state, dict) and depth < 5:
        for name, value in state.items():
            yield from _tensors(value, f"{path}.{name}" if path else str(name), depth + 1)


def _array(tensor: _Tensor, storages: Callable[[_Storage], bytes]) -> Array:
    data = np.frombuffer(storages(tensor.storage), tensor.storage.dtype)
    if min((tensor.offset, *tensor.shape, *tensor.strides), default=0) < 0 or len(tensor.shape) != len(tensor.strides):
        raise OpenPoseLabError("is damaged: a tensor has a negative size")
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides))
    if 0 not in tensor.shape and max(last, math.prod(tensor.shape) - 1) >= len(data):
        raise OpenPoseLabError("is cut short, or damaged: a tensor is larger than its numbers")
    strides = [stride * data.itemsize for stride in tensor.strides]
    return np.array(np.lib.stride_tricks.as_strided(data[tensor.offset :], tensor.shape, strides, writeable=False))


class _Unpickler(pickle._Unpickler):
    """The standard library's, let near nothing but the stand-ins below. The one in Python, whose memory is bounded."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, tuple(shape), tuple(strides))
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if (module, name) == ("torch", "Size"):
            return tuple
        if module == "torch" and name in _DTYPES:
            return name
        raise OpenPoseLabError(
            f"asks for {module}.{name}, which is not run or read here; save the state_dict alone, in 32 bits"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count, *_ = pid
        return _Storage(str(key), _DTYPES[kind], int(count))
