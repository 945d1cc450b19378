"""Load OpenVINO late and silently, without its report to Intel and without parts that a run does not need."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from estimation.errors import OpenPoseLabError, one_line
from estimation.quiet import silent_stderr
from openpose_lab.networks.runtimes.forks import check_process
from openpose_lab.networks.runtimes.hiding import hidden

if TYPE_CHECKING:
    import openvino as ov

_TELEMETRY = "openvino_telemetry"
"""This package writes an identity into the home folder and reports each import to a web service. OpenVINO works without
it."""
_CONVERTER = "openvino.tools.ovc"
"""Importing this package takes longer than importing the rest of OpenVINO."""
_KEPT_KERNELS = "256"
"""Kernels that oneDNN, a library of OpenVINO, caches for recent input sizes. Its default of 1024 needs 150 MB more if
the photos of a folder have many sizes."""
_MOST_QUOTED = 90
"""The length of a library's quoted message, in letters."""


def load_openvino() -> None:
    """Import OpenVINO, so that later imports of it are instant and silent.

    Raises:
        OpenPoseLabError: OpenVINO cannot be imported.
    """
    if "openvino" in sys.modules:
        return
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KEPT_KERNELS)
    try:
        with silent_stderr(), hidden(_TELEMETRY, _CONVERTER):
            import openvino as ov
        ov.Tensor(np.zeros(1, np.uint8)).data  # noqa: B018  # first use here: two threads could deadlock in it later
    except Exception as error:  # for example, a system library is missing, or files of two versions are mixed
        raise OpenPoseLabError(
            f"OpenVINO is installed but cannot be loaded ({one_line(str(error), _MOST_QUOTED)}); reinstall it, or use "
            "--runtime keras"
        ) from error
    ov.convert_model = _convert_model


def use_openvino() -> None:
    """Load OpenVINO and check that this process can use it.

    Raises:
        OpenPoseLabError: OpenVINO cannot be imported, or this process was forked from one that has used it.
    """
    load_openvino()
    check_process("OpenVINO")


def _convert_model(*arguments: Any, **options: Any) -> ov.Model:
    """Call ``openvino.convert_model``, which is imported only when it is first called."""
    with hidden(_TELEMETRY):
        from openvino.tools.ovc import convert_model
    return convert_model(*arguments, **options)
