"""TensorFlow, loaded late, with the right Keras backend, and without its start-up notices."""

from __future__ import annotations

import os
import sys

from estimation.quiet import silent_stderr


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, so that later imports of them are instant and silent."""
    if "tensorflow" in sys.modules and "keras" in sys.modules:
        return
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's own Keras settings say
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_stderr():  # TensorFlow 2.21 greets there whatever its log level
        import keras  # noqa: F401
        import tensorflow  # noqa: F401
