import os
import re
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.files import (
    check_outputs,
    check_place_of_files,
    check_writable,
    encode_picture,
    is_standard_output,
    read_input,
    write_whole,
)


@pytest.fixture
def colours(rng):
    """Return a smooth colour picture, (60, 80, 3) BGR uint8."""
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


def test_the_sentence_about_a_long_path_is_short(tmp_path):
    with pytest.raises(
        OpenPoseLabError, match=r"the notebook .* … é+ cannot be read \(.*; check the path|there is no"
    ) as error:
        read_input(tmp_path / (5000 * "é"), "notebook", 10)
    assert len(str(error.value)) < 290


def test_a_path_with_a_null_character_leads_nowhere():
    with pytest.raises(OpenPoseLabError, match="the notebook .* cannot be read .*null"):
        read_input("a\0b", "notebook", 10)


def test_a_file_is_read_up_to_a_size(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_input(tmp_path / "a", "notebook", 5) == b"12345"
    with pytest.raises(OpenPoseLabError, match="a is larger than 0 kB, so it is no notebook"):
        read_input(tmp_path / "a", "notebook", 4)


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture
def pipe():
    """Return the two descriptors of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):  # a test may have closed the descriptor
            os.close(end)


def test_a_path_of_an_open_descriptor_is_written_to_it(pipe):
    path = f"/dev/fd/{pipe[1]}"
    check_writable(path)
    write_whole(path, b"{}")
    assert os.read(pipe[0], 10) == b"{}"
    os.close(pipe[0])
    with pytest.raises(OpenPoseLabError, match=f"cannot write {path}: Broken pipe; its reader has ended"):
        write_whole(path, b"{}")
    os.close(pipe[1])
    with pytest.raises(OpenPoseLabError, match=f"cannot write {path}: Bad file descriptor; nothing is open there"):
        check_writable(path)


def test_a_file_behind_a_descriptor_is_not_replaced(tmp_path):
    """The file that a shell opened for ``> people.json`` is written to, not replaced."""
    with (tmp_path / "people.json").open("wb") as file:
        write_whole(f"/dev/fd/{file.fileno()}", b"{}")
        file.write(b"!")
    assert (tmp_path / "people.json").read_bytes() == b"{}!"


def test_the_standard_output_is_known_by_any_name(tmp_path, capfd):
    write_whole("/dev/stdout", b"{}")
    assert capfd.readouterr().out == "{}"
    assert is_standard_output("/dev/stdout")
    assert is_standard_output("/proc/self/fd/1")
    assert not is_standard_output("/dev/stderr")
    assert not is_standard_output(tmp_path / "none")
    kept = os.dup(1)
    try:
        with (tmp_path / "out").open("wb") as file:
            os.dup2(file.fileno(), 1)
        assert is_standard_output(tmp_path / "out")
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@posix
@pytest.mark.parametrize(
    ("make", "path", "says"),
    [
        (make_loop, "a", "Too many levels of symbolic links"),
        (os.mkdir, "a", "it is a folder"),
        (lambda path: path.touch(), "a/b", "Not a directory"),
        (lambda path: path.symlink_to("none/b"), "a", "there is no folder .*none; make it first"),
        (lambda path: None, "x" * 300, "File name too long"),
        (lambda path: None, "a\0b", "embedded null byte"),
    ],
)
def test_places_that_cannot_be_written_are_known_at_once(tmp_path, make, path, says):
    make(tmp_path / "a")
    for check in (check_writable, check_place_of_files, lambda path: check_outputs([path], [])):
        with pytest.raises(OpenPoseLabError, match=f"cannot write .*: {says}"):
            check(tmp_path / path)
    with pytest.raises(OpenPoseLabError, match="cannot write "):
        write_whole(tmp_path / path, b"{}")
    assert not any(file.name.startswith(".openpose-lab") for file in tmp_path.iterdir())


@posix
def test_a_loop_among_the_inputs_is_left_to_what_reads_it(tmp_path):
    make_loop(tmp_path / "loop")
    check_outputs([tmp_path / "a"], [("photo", tmp_path / "loop")])


@posix
def test_a_device_has_no_place_for_files_beside_it(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (os.devnull, "/dev/stdout", tmp_path / "fifo"):
        check_writable(path)
        with pytest.raises(OpenPoseLabError, match="it is a device or a pipe; give the path of a file"):
            check_place_of_files(path)


@posix
def test_a_full_device_is_one_sentence():
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    with pytest.raises(OpenPoseLabError, match="cannot write /dev/full: No space left on device; free some space or"):
        write_whole("/dev/full", b"{}")


@posix
def test_without_a_current_folder_nothing_can_be_written_there(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OpenPoseLabError, match="cannot write a: the current folder is gone; go to another one"):
        check_writable("a")
    with pytest.raises(OpenPoseLabError, match="cannot write a: No such file or directory"):
        write_whole("a", b"{}")
    check_outputs([tmp_path / "a"], [("photo", Path("photo.jpg"))])
