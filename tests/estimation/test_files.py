import os
import re

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.files import check_writable, encode_picture, read_input, write_whole


@pytest.fixture
def colours(rng):
    """A smooth colour picture, (60, 80, 3) BGR."""
    return cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (80, 60), interpolation=cv2.INTER_CUBIC)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "people.json"
    write_whole(path, b"old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OpenPoseLabError, match="cannot write .*people.json: No space left on device"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["people.json"]


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no right to make links here")
    write_whole(link, b"{}")
    assert link.is_symlink()
    assert target.read_bytes() == b"{}"
    write_whole(os.devnull, b"{}")
    assert not os.path.isfile(os.devnull)


def test_a_picture_too_large_for_its_format_is_refused(tmp_path, capfd):
    with pytest.raises(OpenPoseLabError, match="70000x1 is too large for this format; use a name ending in .png"):
        encode_picture(tmp_path / "a.jpg", np.zeros((1, 70_000, 3), np.uint8))
    assert capfd.readouterr().err == ""


def test_writing_makes_an_ordinary_file(tmp_path):
    path = tmp_path / "people.json"
    ordinary = tmp_path / "ordinary"
    write_whole(path, b"{}")
    ordinary.touch()
    assert path.read_bytes() == b"{}"
    assert path.stat().st_mode == ordinary.stat().st_mode


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(OpenPoseLabError, match="there is no folder .*none; make it first"):
        check_writable(tmp_path / "none" / "a.png")
    with pytest.raises(OpenPoseLabError, match="it is a folder; give the path of a file"):
        check_writable(tmp_path)
    check_writable(tmp_path / "a.png")


def test_pictures_by_the_name_s_ending(tmp_path, colours):
    data = encode_picture(tmp_path / "a.PNG", colours)
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), colours)
    with pytest.raises(OpenPoseLabError, match="its name must end in one of .png .jpg"):
        encode_picture(tmp_path / "a.xyz", colours)


def make_pipe(path):
    os.mkfifo(path)


def make_endless(path):
    path.symlink_to("/dev/zero")


def make_loop(path):
    path.symlink_to(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_pipe, "is a device or a pipe, not a file; give the path of one notebook"),
        (make_endless, "is a device or a pipe, not a file"),
        (make_loop, "cannot be read (Too many levels of symbolic links)"),
        (os.mkdir, "is a folder; give the path of one notebook"),
        (lambda path: None, "there is no notebook"),
    ],
)
def test_only_regular_files_are_read(tmp_path, make, says):
    make(tmp_path / "a")
    with pytest.raises(OpenPoseLabError, match=re.escape(says)):
        read_input(tmp_path / "a", "notebook", 10)


def test_a_path_with_a_null_character_leads_nowhere():
    with pytest.raises(OpenPoseLabError, match="the notebook .* cannot be read .*null"):
        read_input("a\0b", "notebook", 10)


def test_a_file_is_read_up_to_a_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_input(tmp_path / "a", "notebook", 5) == b"12345"
    with pytest.raises(OpenPoseLabError, match="a is larger than 0 kB, so it is no notebook"):
        read_input(tmp_path / "a", "notebook", 4)
