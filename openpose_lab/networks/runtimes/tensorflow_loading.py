"""Load TensorFlow late and silently, with the right Keras backend and without optional packages."""

from __future__ import annotations

import os
import sys

from estimation.quiet import silent_stderr
from openpose_lab.extras import require
from openpose_lab.networks.runtimes.forks import check_process
from openpose_lab.networks.runtimes.hiding import hidden


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, so that later imports of them are instant and silent."""
    if "tensorflow" in sys.modules and "keras" in sys.modules:
        return
    require("tensorflow", "running a network with Keras, or importing weights,")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # overrides the user's own Keras settings
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow 2.21 prints to standard error at every log level. Keras imports matplotlib if it is installed, for
    # plots that this project never draws, and the first import of matplotlib reads every font of the machine.
    with silent_stderr(), hidden("matplotlib"):
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


def use_tensorflow() -> None:
    """Load TensorFlow and check that this process can use it.

    Raises:
        OpenPoseLabError: This process was forked from one that has used TensorFlow.
    """
    load_tensorflow()
    check_process("TensorFlow")
