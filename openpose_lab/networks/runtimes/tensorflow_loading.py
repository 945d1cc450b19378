"""TensorFlow, loaded late, with the right Keras backend, without its notices, and without what it can do without."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from estimation.quiet import silent_stderr
from openpose_lab.extras import require
from openpose_lab.networks.runtimes.forks import check_process


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, so that later imports of them are instant and silent."""
    if "tensorflow" in sys.modules and "keras" in sys.modules:
        return
    require("tensorflow", "running a network with Keras, or importing weights,")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's own Keras settings say
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_stderr(), _hidden("matplotlib"):  # TensorFlow 2.21 greets there whatever its log level
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


def use_tensorflow() -> None:
    """Load TensorFlow and check that this process can use it.

    Raises:
        OpenPoseLabError: This process was forked from one that has used TensorFlow.
    """
    load_tensorflow()
    check_process("TensorFlow")


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Let a package seem not to be installed. Keras imports matplotlib wherever it is, for plots that nobody asks for
    here, and on its first import matplotlib looks at every font of the machine."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
