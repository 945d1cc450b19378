"""Kept files: whatever happens to them, what is read is what was written, or nothing."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabWarning
from openpose_lab.kept_files import KeptFiles
from tests.conftest import ROOT


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "things"


@pytest.fixture
def kept(folder):
    return KeptFiles(folder, 1000, "things")


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read(kept, folder):
    assert kept.read(["a", "1"]) is None
    kept.write(["a", "1"], b"content")
    kept.write(["a", "2"], b"")
    assert KeptFiles(folder, 1000, "things").read(["a", "1"]) == b"content"
    assert kept.read(["a", "2"]) == b""
    assert kept.read(["a"]) is None
    kept.write(["a", "1"], b"another")
    assert kept.read(["a", "1"]) == b"another"
    assert len(files_in(folder)) == 2


@pytest.mark.parametrize("position", [0, 31, 32, -1])
def test_a_changed_byte_is_noticed(kept, folder, position):
    kept.write(["a"], b"content")
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    assert kept.read(["a"]) is None
    kept.write(["a"], b"content")
    assert kept.read(["a"]) == b"content"


@pytest.mark.parametrize("size", [0, 10, 32, 38])
def test_a_truncated_file_is_noticed(kept, folder, size):
    kept.write(["a"], b"content")
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:size])
    assert kept.read(["a"]) is None


def test_a_file_under_another_key_is_noticed(kept, folder):
    kept.write(["a"], b"content of a")
    (a,) = folder.iterdir()
    kept.write(["b"], b"content of b")
    (b,) = set(folder.iterdir()) - {a}
    os.replace(a, b)
    assert kept.read(["b"]) is None


def test_a_folder_in_place_of_a_file_is_no_file(kept, folder):
    kept.write(["a"], b"content")
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    assert kept.read(["a"]) is None
    sentence = f"things are not saved for the next run: {re.escape(str(path))} is a folder; delete it"
    with pytest.warns(OpenPoseLabWarning, match=sentence):
        kept.write(["a"], b"content")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_place_of_a_file_is_not_waited_for(kept, folder):
    kept.write(["a"], b"content")
    (path,) = folder.iterdir()
    path.unlink()
    os.mkfifo(path)
    assert kept.read(["a"]) is None
    kept.write(["a"], b"content")
    assert kept.read(["a"]) == b"content"


@pytest.mark.skipif(os.name == "nt", reason="Windows lets not every user make links")
def test_a_link_in_place_of_a_file_is_replaced(kept, folder, tmp_path):
    kept.write(["a"], b"content")
    (path,) = folder.iterdir()
    (tmp_path / "mine").write_bytes(b"mine")
    path.unlink()
    path.symlink_to(tmp_path / "mine")
    kept.write(["a"], b"content")
    assert kept.read(["a"]) == b"content"
    assert (tmp_path / "mine").read_bytes() == b"mine"


def age(kept, key, seconds):
    os.utime(kept._path([key]), (seconds, seconds))


def test_what_was_not_used_for_longest_makes_room(kept, folder):
    for number, key in enumerate("abc"):
        kept.write([key], bytes(268))  # 300 with the checksum
        age(kept, key, 1000 + number)
    assert kept.read(["a"]) is not None  # so it was of use later than b
    kept.write(["d"], bytes(268))
    assert [kept.read([key]) is not None for key in "abcd"] == [True, False, True, True]


def test_files_of_other_processes_are_deleted_too(kept, folder):
    kept.write(["a"], bytes(268))
    KeptFiles(folder, 1000, "things").write(["b"], bytes(568))
    for number, key in enumerate("bcd"):
        if key != "b":
            kept.write([key], bytes(268))
        age(kept, key, 1000 + number)
    kept.write(["e"], bytes(268))
    assert kept.read(["b"]) is None
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1000


def test_what_the_folder_may_not_hold_is_not_written(kept, folder):
    kept.write(["a"], b"content")
    kept.write(["large"], bytes(969))
    assert kept.read(["large"]) is None
    assert kept.read(["a"]) == b"content"
    kept._path(["large"]).write_bytes(bytes(1001))  # by another version, say
    assert kept.read(["large"]) is None


def test_files_that_another_process_deletes_are_no_hindrance(kept, folder, monkeypatch):
    kept.write(["a"], bytes(468))
    kept.write(["b"], bytes(368))
    listed = [*folder.iterdir(), folder / "gone"]
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(listed))
    unlink = Path.unlink

    def deleted_before(path, missing_ok=False):
        unlink(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", deleted_before)
    kept.write(["c"], bytes(468))
    assert kept.read(["c"]) == bytes(468)


def test_what_cannot_be_deleted_stays(kept, folder):
    folder.mkdir(parents=True)
    (folder / "a folder").mkdir()
    os.utime(folder / "a folder", (1, 1))
    for key in "abcd":
        kept.write([key], bytes(268))
    assert kept.read(["d"]) is not None
    assert (folder / "a folder").is_dir()


def test_a_full_disk_is_said_once_and_leaves_nothing(kept, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    sentence = "things are not saved for the next run: cannot write .*: No space left on device; free some space"
    with pytest.warns(OpenPoseLabWarning, match=sentence):
        kept.write(["a"], b"content")
    kept.write(["a"], b"content")  # a second warning would be an error
    assert files_in(folder) == []
    assert kept.read(["a"]) is None


@pytest.mark.parametrize("what", ["cache", "cache/things"])
def test_a_file_in_place_of_the_folder_is_said(tmp_path, what):
    (tmp_path / what).parent.mkdir(exist_ok=True)
    (tmp_path / what).write_text("no folder")
    assert_in_the_way(tmp_path, what)


@pytest.mark.skipif(os.name == "nt", reason="Windows lets not every user make links")
@pytest.mark.parametrize("what", ["cache", "cache/things"])
def test_a_link_to_nothing_in_place_of_the_folder_is_said(tmp_path, what):
    (tmp_path / what).parent.mkdir(exist_ok=True)
    (tmp_path / what).symlink_to(tmp_path / "nothing")
    assert_in_the_way(tmp_path, what)


def assert_in_the_way(tmp_path, what):
    kept = KeptFiles(tmp_path / "cache" / "things", 1000, "things")
    sentence = (
        f"^things are not saved for the next run: {re.escape(str(tmp_path / what))} is not a folder; move it away$"
    )
    with pytest.warns(OpenPoseLabWarning, match=sentence):
        kept.write(["a"], b"content")
    assert kept.read(["a"]) is None


AS_ANOTHER = """
import os, sys, warnings
from pathlib import Path
from openpose_lab.kept_files import KeptFiles
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
warnings.simplefilter("always")
for name in sys.argv[1:]:
    kept = KeptFiles(Path(name), 1000, "things")
    kept.write(["a"], b"content")
    print(kept.read(["a"]), kept.read(["of root"]))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_without_permission_is_said():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are root's alone
        os.chmod(folder, 0o755)
        Path(folder, "closed").mkdir(mode=0o700)
        KeptFiles(Path(folder, "of_root"), 1000, "things").write(["of root"], b"of root")
        places = ["new", "closed/new", "closed", "of_root"]
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER, *places],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
    assert done.stdout.splitlines() == 3 * ["None None"] + ["None b'of root'"]
    said = [line for line in done.stderr.splitlines() if "Warning: " in line]
    assert ["Permission denied" in line for line in said] == 4 * [True]


def test_two_writers_at_once_and_a_reader(folder):
    contents = [bytes([number]) * 100_000 for number in range(2)]
    found = set()

    def write(content):
        kept = KeptFiles(folder, 1 << 20, "things")
        for _ in range(50):
            kept.write(["a"], content)
            found.add(kept.read(["a"]))

    threads = [threading.Thread(target=write, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found <= set(contents)
    assert len(files_in(folder)) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from openpose_lab.kept_files import KeptFiles
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
KeptFiles(Path(sys.argv[1]), 1000, "things").write(["a"], b"new")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_kill_in_the_middle_leaves_what_was_there(kept, folder):
    kept.write(["a"], b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, folder], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert kept.read(["a"]) == b"old"
    (rest,) = set(folder.iterdir()) - {kept._path(["a"])}  # its beginning, which goes when room is needed
    os.utime(rest, (1, 1))
    kept = KeptFiles(folder, 100, "things")
    kept.write(["b"], bytes(20))
    assert not rest.exists()
