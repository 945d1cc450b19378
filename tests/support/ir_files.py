"""OpenVINO IR, written by the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TYPES = {"float32": "f32", "float16": "f16", "int8": "i8", "int64": "i64"}


class Graph:
    """An IR under construction: nodes, edges, and the bytes of the .bin."""

    def __init__(self) -> None:
        self.layers, self.edges, self.binary, self.count = "", "", b"", 0

    def node(self, kind: str, name: str, *inputs: int, data: str = "") -> int:
        """Add a node that reads others, and return its number."""
        identity, self.count = self.count, self.count + 1
        self.layers += f'<layer id="{identity}" name="{name}" type="{kind}" version="opset1">{data}</layer>'
        for port, source in enumerate(inputs):
            self.edges += f'<edge from-layer="{source}" from-port="0" to-layer="{identity}" to-port="{port}"/>'
        return identity

    def constant(self, array: Any) -> int:
        """Add a constant."""
        array = np.asarray(array)
        shape = ",".join(map(str, array.shape))
        where = f'offset="{len(self.binary)}" size="{array.nbytes}"'
        self.binary += array.tobytes()
        data = f'<data element_type="{TYPES[str(array.dtype)]}" shape="{shape}" {where}/>'
        return self.node("Const", f"constant{self.count}", data=data)

    def convolution(
        self, kernel: int, bias: int | None = None, name: str = "a/b/WithoutBiases", kind: str = "Convolution"
    ) -> int:
        """Add a convolution of the input, and what is added to its output."""
        image = self.node("Parameter", "data")
        found = self.node(kind, name, image, kernel)
        return found if bias is None else self.node("Add", "any/name", found, bias)

    def xml(self) -> str:
        """The text of the .xml."""
        body = f"<layers>{self.layers}</layers><edges>{self.edges}</edges>"
        return f'<?xml version="1.0"?><net name="n" version="10">{body}</net>'

    def save(self, path: Path) -> Path:
        """Write both files, and return the path."""
        path.write_text(self.xml())
        path.with_suffix(".bin").write_bytes(self.binary)
        return path
