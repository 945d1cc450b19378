"""PyTorch state dicts (.pth), read without PyTorch: today's zip archives and the files from before PyTorch 1.6.

The pickle in a file may only name the parts of tensors. Every other name is refused, so a file cannot run code.
"""

from __future__ import annotations

import itertools
import math
import mmap
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from estimation.errors import OpenPoseLabError
from openpose_lab.networks.importers.archive import Archive, members
from openpose_lab.networks.importers.trained_weights import (
    MOST_BYTES,
    Array,
    Budget,
    TrainedWeights,
    Weights,
    from_caffe,
    kernel_from_oihw,
    put,
    shown,
    slopes,
)

FORM = "PyTorch state dict"

_PICKLE = "/data.pkl"
_MOST_PICKLED = 2 << 20
"""The largest pickles of a file, in bytes. Pickles hold the names of tensors, but not their numbers."""
_MOST_LEVELS = 5
_LONGEST_NAME = 300
_LARGEST_NUMBER = 1 << 48
_OPCODES = b"".join(
    [
        *(pickle.PROTO, pickle.FRAME, pickle.MARK, pickle.STOP, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE),
        *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINFLOAT),
        *(pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.BINUNICODE, pickle.SHORT_BINUNICODE),
        *(pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS),
        *(pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE),
        *(pickle.BINGET, pickle.LONG_BINGET, pickle.BINPERSID, pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE),
    ]
)
"""The opcodes in the pickles of state dicts and training files."""
_OTHERS = {
    "initial_stage.trunk.": "lightweight-human-pose-estimation.pytorch, which is not this project's network "
    "lightweight; for that, run `python -m openpose_lab weights fetch lightweight`",
}
"""The beginning of another project's layer names -> the end of a message after "is from"."""
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
    """The place of tensors' numbers: a key into the file, the dtype, and the count of the numbers."""

    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def recognises(path: Path, head: bytes) -> bool:
    """Return whether a file is a state dict: a zip archive with a data.pkl, or an older file with a magic number."""
    return head.startswith(_OLD_HEAD) or any(name.endswith(_PICKLE) for name in members(path, head))


def read(path: Path) -> TrainedWeights:
    """Read every kernel, bias and slope. The last two names make the key: model0.conv1_1.weight is conv1_1/kernel."""
    with path.open("rb") as file:
        old = file.read(len(_OLD_HEAD)) == _OLD_HEAD
    return from_caffe(_named(_read_old(path) if old else _read_zipped(path)))


def _named(tensors: dict[str, Array]) -> Weights:
    for beginning, other in _OTHERS.items():
        if any(f".{beginning}" in f".{path}" for path in tensors):
            raise OpenPoseLabError(f"is from {other}")
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


def _read_zipped(path: Path) -> dict[str, Array]:
    with Archive(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(_PICKLE))
        folder = name.removesuffix(_PICKLE)
        state = _Unpickler(_Pickles(memoryview(archive.whole(name, _MOST_PICKLED)))).load()
        return _arrays(state, lambda key: archive.whole(f"{folder}/data/{key}", MOST_BYTES))


def _read_old(path: Path) -> dict[str, Array]:
    """Read an old file: pickles (magic number, version, machine, state dict, storage keys), then the storages."""
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    pickles = _Pickles(data)
    _, _, _, state, keys = [_Unpickler(pickles).load() for _ in range(5)]
    dtypes = {tensor.storage.key: tensor.storage.dtype for _, tensor in _tensors(state)}
    storages = {}
    place = pickles.place
    for key in keys:
        start = place + 8
        count = int.from_bytes(data[place:start], "little")
        place = start + count * np.dtype(dtypes[key]).itemsize
        storages[key] = data[start:place]
    return _arrays(state, storages.__getitem__)


def _tensors(state: Any) -> Iterator[tuple[str, _Tensor]]:
    """Yield the tensors in nested dicts, with their dotted paths. Training files contain other things as well.

    Each dict is visited once, even if it occurs several times.
    """
    budget = Budget()
    seen = set()
    waiting = [("", state, 0)]
    while waiting:
        path, value, level = waiting.pop()
        budget.parts()
        if isinstance(value, _Tensor):
            yield path, value
        elif isinstance(value, dict) and level < _MOST_LEVELS and id(value) not in seen:
            seen.add(id(value))
            for name, item in reversed(value.items()):
                if isinstance(name, int) or (isinstance(name, str) and len(name) <= _LONGEST_NAME):
                    waiting.append((f"{path}.{name}" if path else str(name), item, level + 1))


def _arrays(state: Any, numbers_of: Callable[[str], bytes | memoryview]) -> dict[str, Array]:
    """Read the float tensors, keyed by their dotted paths. ``numbers_of`` reads the storage of a key."""
    tensors = {path: tensor for path, tensor in _tensors(state) if tensor.storage.dtype[1] == "f"}
    arrays: dict[str, Array] = {}
    read, made = Budget(), Budget()
    in_turn = sorted(tensors, key=lambda path: tensors[path].storage.key)  # so that memory holds one storage at a time
    for key, paths in itertools.groupby(in_turn, key=lambda path: tensors[path].storage.key):
        numbers = numbers_of(key)
        read.bytes(len(numbers))
        for path in paths:
            arrays[path] = _array(path, tensors[path], numbers, made)
    return {path: arrays[path] for path in tensors}


def _array(path: str, tensor: _Tensor, numbers: bytes | memoryview, budget: Budget) -> Array:
    dtype = np.dtype(tensor.storage.dtype)
    data = np.frombuffer(numbers, dtype, len(numbers) // dtype.itemsize)
    budget.array(path, tensor.shape, dtype)
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides))
    if max(last, math.prod(tensor.shape) - 1) >= len(data):
        raise OpenPoseLabError("is cut short, or damaged: a tensor needs more numbers than the file stores")
    strides = [stride * data.itemsize for stride in tensor.strides]
    return np.array(np.lib.stride_tricks.as_strided(data[tensor.offset :], tensor.shape, strides, writeable=False))


class _Pickles:
    """The pickles at the beginning of a file, as a file object for an unpickler."""

    def __init__(self, data: memoryview) -> None:
        self.data = data[:_MOST_PICKLED]
        self.place = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, up to ``size``."""
        found = bytes(self.data[self.place : self.place + size])
        self.place += len(found)
        return found

    def readline(self) -> bytes:
        """Return the next bytes to the end of the line. A line is the name of a module, class or function."""
        return self.read(bytes(self.data[self.place : self.place + _LONGEST_NAME]).find(b"\n") + 1)


def _push(reading: Any, items: list[Any]) -> None:
    reading.append(items)


class _Unpickler(pickle._Unpickler):
    """The standard library's Python unpickler with bounded memory. It calls only the stand-ins below.

    Tuples become lists, which cannot be hashed, because hashing deeply nested tuples can take forever.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **{code: pickle._Unpickler.dispatch[code] for code in _OPCODES},
        pickle.EMPTY_TUPLE[0]: lambda reading: reading.append([]),
        pickle.TUPLE[0]: lambda reading: _push(reading, reading.pop_mark()),
        pickle.TUPLE1[0]: lambda reading: _push(reading, [reading.stack.pop()]),
        pickle.TUPLE2[0]: lambda reading: _push(reading, [reading.stack.pop(-2), reading.stack.pop()]),
        pickle.TUPLE3[0]: lambda reading: _push(reading, [reading.stack.pop(place) for place in (-3, -2, -1)]),
        pickle.BUILD[0]: lambda reading: reading.stack.pop(),  # attributes of a state dict, such as its version
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if (module, name) == ("torch", "Size"):
            return list
        if module == "torch" and name in _DTYPES:
            return name
        asked = shown(f"{module}.{name}")
        raise OpenPoseLabError(f"needs {asked}, which is not supported; save only the state_dict, in 32 bits")

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, _, count, *_ = pid
        if not isinstance(key, str) or not isinstance(kind, str):
            raise OpenPoseLabError("is damaged: a storage has no name")
        return _Storage(key, _DTYPES[kind], _whole(count))


def _rebuilt(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage) or len(shape) != len(strides):
        raise OpenPoseLabError("is damaged: a tensor has no storage, or fewer strides than sizes")
    return _Tensor(storage, _whole(offset), tuple(map(_whole, shape)), tuple(map(_whole, strides)))


def _whole(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < _LARGEST_NUMBER:
        raise OpenPoseLabError("is damaged: a tensor has a negative or impossible size")
    return value
