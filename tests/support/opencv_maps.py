"""The maps of the tests' Caffe nets as OpenCV 4 reads them, which is another program altogether.

    python -m tests.support.opencv_maps tests/data

in an environment with NumPy and opencv-python below 5 writes the reference that the tests compare with.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from tests.support.caffe_files import NETS, caffemodel, prototxt, sample_photo


def opencv_maps(name: str, old: bool = False) -> np.ndarray:
    """(h, w, channels) of the last layer for ``sample_photo``."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "net.prototxt").write_text(prototxt(NETS[name]))
        Path(folder, "net.caffemodel").write_bytes(caffemodel(NETS[name], old=old))
        net = cv2.dnn.readNetFromCaffe(f"{folder}/net.prototxt", f"{folder}/net.caffemodel")
        net.setInput((sample_photo().astype(np.float32) / 256 - 0.5).transpose(2, 0, 1)[np.newaxis])
        return net.forward()[0].transpose(1, 2, 0)


if __name__ == "__main__":
    for net_name in NETS:
        np.save(Path(sys.argv[1], f"opencv_{net_name}.npy"), opencv_maps(net_name))
