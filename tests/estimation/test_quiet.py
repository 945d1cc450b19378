"""Test that standard error is silent only while C libraries work, with any number of threads."""

import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.files import encode_picture
from estimation.photos import read_photo
from estimation.quiet import silent_stderr
from tests.conftest import ROOT


@pytest.fixture
def photos(tmp_path):
    """Return a good photo, and a damaged one that makes the decoder write to standard error."""
    good, damaged = tmp_path / "good.png", tmp_path / "damaged.jpg"
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    good.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    damaged.write_bytes(cv2.imencode(".jpg", image)[1].tobytes()[:5000])
    return good, damaged


def test_threads_that_read_and_write_photos_leave_standard_error_as_it_was(photos, tmp_path, capfd):
    good, damaged = photos
    before = os.fstat(2)
    barrier = threading.Barrier(4)

    def work():
        barrier.wait()
        for _ in range(20):
            encode_picture(tmp_path / "a.jpg", read_photo(good))
            with pytest.raises(OpenPoseLabError):
                read_photo(damaged)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = os.fstat(2)
    assert (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino)
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


def test_blocks_that_overlap_are_silent_until_the_last_one_ends(capfd):
    first, second = silent_stderr(), silent_stderr()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    os.write(2, b"dropped")
    second.__exit__(None, None, None)
    os.write(2, b"kept")
    assert capfd.readouterr().err == "kept"


def test_no_descriptor_is_left_open():
    def descriptors():
        return len(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = descriptors()
    for _ in range(5):
        with silent_stderr(), silent_stderr():
            pass
    assert descriptors() == before


def test_a_program_s_own_messages_come_through_while_a_thread_reads():
    script = """
import os, sys
from estimation.quiet import silent_stderr
from openpose_lab.commands.program import run

def main(arguments):
    with silent_stderr():
        os.write(2, b"from C")
        print("from the program", file=sys.stderr)

run("program", main, [])
print("after it", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.splitlines() == ["from the program", "after it"]


def test_without_a_standard_error_nothing_fails():
    script = """
import os, sys
from estimation.quiet import silent_stderr
from openpose_lab.commands.program import run
os.close(2)
sys.stderr = None
with silent_stderr():
    pass
sys.exit(run("program", lambda arguments: None, []))
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0
