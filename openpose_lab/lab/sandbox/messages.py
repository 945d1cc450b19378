"""Messages between the process that checks a merge and the process that runs it: a JSON header, then bytes.

The process that runs the merge is not trusted. So nothing from it is unpickled, and every length has a limit.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from estimation.errors import one_line
from estimation.grouping.contract import plain_answer

LARGEST_HEADER, LARGEST_DATA = 128 << 10, 4 << 20
_COLUMNS = 20  # of the lab's rows
_LONGEST_NAME = 60  # letters, of a type
_LENGTHS = struct.Struct("<II")


class MessageError(Exception):
    """The bytes from the pipe are not a message."""


def send(stream: IO[bytes], header: dict[str, Any], data: bytes = b"") -> None:
    """Write one message."""
    text = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(text), len(data)) + text + data)
    stream.flush()


def receive(stream: IO[bytes], largest: int = LARGEST_DATA) -> tuple[dict[str, Any], bytes] | None:
    """Read one message.

    Args:
        stream: the pipe.
        largest: the limit of the message's data in bytes.

    Returns:
        The header and the data, or None at the end of the stream.

    Raises:
        MessageError: The bytes are not a message, or the message is too long.
    """
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_length, data_length = _LENGTHS.unpack(lengths)
    if header_length > LARGEST_HEADER or data_length > largest:
        raise MessageError("a message is too long")
    text, data = stream.read(header_length), stream.read(data_length)
    if len(text) < header_length or len(data) < data_length:
        return None
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageError("a message has no header") from None
    if not isinstance(header, dict):
        raise MessageError("a message has no header")
    return header, data


def encode_rows(rows: NDArray[np.float64]) -> tuple[dict[str, Any], bytes]:
    """Encode the rows that a merge is given. Their number has no limit."""
    return {"kind": "array", "type": "ndarray", "dtype": rows.dtype.str, "shape": list(rows.shape)}, rows.tobytes()


def encode_value(value: Any) -> tuple[dict[str, Any], bytes]:
    """Encode a return value for a message.

    Args:
        value: the return value. An array of numbers is sent whole. A list or tuple that can be read as rows is sent
            whole too. For any other value, only the type is sent.

    Returns:
        The header and the bytes.
    """
    kind = "None" if value is None else type(value).__name__
    if isinstance(value, list | tuple) and len(value) <= LARGEST_DATA // (8 * _COLUMNS):
        try:
            value = np.array(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            return {"kind": "other", "type": kind}, b""
    if not isinstance(value, np.ndarray):
        return {"kind": "other", "type": kind}, b""
    if value.nbytes > LARGEST_DATA:
        return {"kind": "other", "type": f"array of {value.nbytes >> 20} megabytes"}, b""
    value = plain_answer(value)
    header = {"kind": "array", "type": kind, "dtype": value.dtype.str, "shape": list(value.shape)}
    if value.dtype.kind not in "biuf":
        return header, b""
    return header, np.ascontiguousarray(value).tobytes()


def decode_value(header: dict[str, Any], data: bytes) -> tuple[Any, str]:
    """Decode a return value from a message.

    Args:
        header: the header of the message.
        data: the bytes of the message.

    Returns:
        The value and the name of its type. A value that was not sent whole becomes an empty array or object of its
        type.

    Raises:
        MessageError: The message holds no value.
    """
    try:
        name = one_line(str(header["type"]), _LONGEST_NAME)
        if header["kind"] == "other":
            return (None if name == "None" else type(name, (), {})()), name
        shape = tuple(int(length) for length in header["shape"])
        dtype = np.dtype(str(header["dtype"]))
        if dtype.kind not in "biuf":
            return np.broadcast_to(
                np.empty((), dtype), shape
            ), name  # takes no memory, whatever size the message claims
        array: NDArray[Any] = np.frombuffer(data, dtype).reshape(shape).copy()
    except Exception as error:  # a merge may send any message
        raise MessageError("a message holds no answer") from error
    return array, name
