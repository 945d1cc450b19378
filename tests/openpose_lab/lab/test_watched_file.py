"""A file that is looked at again and again, in every way in which editors save."""

import os
import threading

import pytest

from openpose_lab.lab import watched_file
from openpose_lab.lab.watched_file import Content, WatchedFile


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(watched_file, "POLL_SECONDS", 0.002)
    path = tmp_path / "merge.py"
    path.write_bytes(b"one")
    return path


def test_saved_in_place(path):
    watched = WatchedFile(path)
    assert watched.content == Content(b"one")
    path.write_bytes(b"two")
    assert watched.wait() == Content(b"two")
    assert watched.content == Content(b"two")


def test_the_same_size_and_time(path):
    status = path.stat()
    watched = WatchedFile(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert watched.wait() == Content(b"two")


def test_deleted_and_written_again(path):
    watched = WatchedFile(path)
    path.unlink()
    content = watched.wait()
    assert content.gone
    assert content.problem.startswith("there is no merge ")
    (path.parent / "new").write_bytes(b"two")
    (path.parent / "new").replace(path)
    assert watched.wait() == Content(b"two")


def test_what_cannot_be_read(path):
    watched = WatchedFile(path)
    path.unlink()
    path.mkdir()
    content = watched.wait()
    assert content.problem.endswith(" is a folder; give the path of one merge")
    assert not content.gone


@pytest.mark.parametrize("coarse", [3.0, 0.0])
def test_a_file_that_is_only_touched_has_not_changed(path, monkeypatch, coarse):
    monkeypatch.setattr(watched_file, "_COARSE_SECONDS", coarse)
    watched = WatchedFile(path)
    looks = iter([lambda: os.utime(path, (1, 1)), lambda: path.write_bytes(b"one"), lambda: path.write_bytes(b"two")])
    monkeypatch.setattr(watched_file.time, "sleep", lambda _: next(looks, lambda: None)())
    assert watched.wait() == Content(b"two")
    assert next(looks, None) is None


def test_a_file_that_is_being_written_is_waited_for(path, monkeypatch):
    watched = WatchedFile(path)
    texts = iter([b"", b"t", b"tw", b"two"])

    def write(_):
        if text := next(texts, None):
            path.write_bytes(text)

    monkeypatch.setattr(watched_file.time, "sleep", write)
    assert watched.wait() == Content(b"two")


def test_what_is_forgotten_is_a_change(path):
    watched = WatchedFile(path)
    watched.forget()
    assert watched.wait() == Content(b"one")


def test_a_change_calls_once(path):
    watched, called = WatchedFile(path), threading.Semaphore(0)
    with watched.calling(called.release):
        path.write_bytes(b"two")
        assert called.acquire(timeout=30)
    with watched.calling(lambda: None):
        pass
    assert not called.acquire(blocking=False)
    assert watched.content == Content(b"one")  # the change is still to be waited for
