"""A small data set on disk."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def photos(tmp_path):
    """A folder with four photos in two folders, a text file and a hidden photo."""
    folder = tmp_path / "photos"
    for number, name in enumerate(["10.jpg", "2.jpg", "sub/1.png", "sub/deep/3.JPG", ".hidden.jpg"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ok, data = cv2.imencode(".png", np.full((12 + number, 20, 3), 40 * number, np.uint8))
        assert ok
        path.write_bytes(data.tobytes())
    (folder / "notes.txt").write_text("nothing")
    return folder
