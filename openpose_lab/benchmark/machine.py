"""The machine and the software that a benchmark ran on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import Any

from openpose_lab.evaluation.versions import library_version, versions
from openpose_lab.extras import is_installed
from openpose_lab.networks.runtimes.openvino_loading import load_openvino
from openpose_lab.overlap import count_cores

_LIBRARIES = ("onnx", "onnxruntime", "tf2onnx")


@dataclass(frozen=True)
class Machine:
    """The machine and its software.

    Attributes:
        processor: The processor's name.
        cores: The number of processor cores that this process may use.
        computes_in: The data types that OpenVINO computes in on this processor. Empty without OpenVINO.
        system: The operating system.
        busy: The load average of the minute before: the mean number of processes that run or wait to run. None if the
            system does not report it.
        versions: The versions of the software, by name.
    """

    processor: str
    cores: int
    computes_in: tuple[str, ...]
    system: str
    busy: float | None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """The machine in words, one sentence per line."""
        types = f"; OpenVINO computes in {', '.join(self.computes_in)}" if self.computes_in else ""
        busy = "" if self.busy is None else f"; load average {self.busy:.1f} in the minute before"
        return [
            f"{self.processor}, {self.cores} cores{types}",
            f"{self.system}{busy}",
            ", ".join(f"{name} {number}" for name, number in self.versions.items()),
        ]

    def json(self) -> dict[str, Any]:
        """Return the machine as JSON values for other programs."""
        return {
            "processor": self.processor,
            "cores": self.cores,
            "computes_in": list(self.computes_in),
            "system": self.system,
            "busy": self.busy,
            "versions": self.versions,
        }


def describe_machine() -> Machine:
    """Describe this machine and its software."""
    if is_installed("openvino"):
        processor, computes_in = _by_openvino()
    else:
        processor, computes_in = platform.processor() or platform.machine(), ()
    software = versions() | {name: library_version(name) for name in _LIBRARIES if library_version(name)}
    return Machine(processor, count_cores(), computes_in, platform.platform(), _busy(), software)


def _by_openvino() -> tuple[str, tuple[str, ...]]:
    """Return the processor's name, and the data types that OpenVINO computes in."""
    load_openvino()
    import openvino as ov

    core = ov.Core()
    types = sorted(map(str, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")))
    return str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip(), tuple(types)


def _busy() -> float | None:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no load average
        return None
