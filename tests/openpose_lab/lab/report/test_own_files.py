"""Files that carry a checksum of themselves."""

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.report.own_files import check_own, is_signed, sign


def test_a_file_as_it_was_signed():
    data = sign(b"<p>\n")
    assert data == b"<p>\n\n<!-- openpose-lab report f0a7bdc758e7fb65 -->\n"
    assert is_signed(data)
    assert is_signed(data.replace(b"\n", b"\r\n"))  # as Git makes it on Windows


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"<p>", b"<b>"),
        lambda data: data + b"mine",
        lambda data: b"mine" + data,
        lambda data: data[:-40],
        lambda data: b"",
    ],
)
def test_a_file_that_was_changed(change):
    assert not is_signed(change(sign(b"<p>\n")))


def test_a_picture_can_be_read_with_its_checksum():
    _, data = cv2.imencode(".jpg", np.full((8, 8, 3), 128, np.uint8))
    signed = np.frombuffer(sign(data.tobytes()), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(signed, cv2.IMREAD_COLOR), cv2.imdecode(data, cv2.IMREAD_COLOR))


def test_only_own_files_are_overwritten(tmp_path):
    path = tmp_path / "report.html"
    check_own(path)
    path.write_bytes(sign(b"page"))
    check_own(path)
    path.write_bytes(b"mine")
    with pytest.raises(OpenPoseLabError, match=r"report\.html was changed, or made by another program, and would be"):
        check_own(path)
