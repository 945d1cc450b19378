"""Locks on files, which end with their holder."""

import errno
import subprocess
import sys

import pytest

from openpose_lab.file_locks import try_lock
from tests.conftest import ROOT


def test_one_holds_a_lock(tmp_path):
    path = tmp_path / "file"
    with path.open("ab") as first, path.open("a+b") as second:
        assert try_lock(first)
        assert not try_lock(second)
    with path.open("ab") as third:
        assert try_lock(third)


def test_the_lock_of_a_killed_program_is_free(tmp_path):
    path = tmp_path / "file"
    script = (
        "import sys, time; from openpose_lab.file_locks import try_lock; file = open(sys.argv[1], 'ab'); "
        "print(try_lock(file), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, path], cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "True\n"
        with path.open("ab") as file:
            assert not try_lock(file)
            other.kill()
            other.wait()
            assert try_lock(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files in another way")
def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    import fcntl

    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (tmp_path / "file").open("ab") as file:
        assert try_lock(file)
