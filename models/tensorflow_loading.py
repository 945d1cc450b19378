"""TensorFlow, loaded late, with the right Keras backend, and without its start-up notices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_tensorflow() -> None:
    """Import TensorFlow and Keras, so that later imports of them are instant and silent."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's own Keras settings say
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent_stderr():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what C++ code writes to standard error; TensorFlow 2.21 greets there whatever its log level."""
    if "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
