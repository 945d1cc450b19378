"""The program on several photos, killed or stopped at chosen moments: what is done stays, and --resume does the rest.

Each run is a process of its own with a toy network. Code that is put into it chooses the moment.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from openpose_lab.commands import program
from tests.conftest import ROOT
from tests.support.toy_network import png_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals like these"),
]

SCRIPT = """
import os, signal, sys, time
sys.path.insert(0, sys.argv.pop(1))
from openpose_lab.commands import image, program
from openpose_lab.job import journal as journals, run as job_run
from openpose_lab.lab.sandbox import isolated
from openpose_lab.networks import loading
from tests.support.toy_network import ToyNetwork

loading.load_network = lambda *_: ToyNetwork()
loading.recognised_network = lambda _: "mobilenet_thin"

def kill(*_, **more):
    os.kill(os.getpid(), signal.SIGKILL)

def before(owner, name, number, act=kill):
    "Do something before the call of a function with this number."
    function, calls = getattr(owner, name), []
    def call(*arguments, **more):
        calls.append(1)
        if len(calls) == number:
            act(*arguments)
        return function(*arguments, **more)
    setattr(owner, name, call)

{code}
sys.exit(program.start("demo_image.py", image.main, sys.argv[1:]))
"""
IN_PROCESS = "isolated.is_debugged = lambda: True\n"
PHOTOS = 12
TABLES = ["--csv", "output/t.csv", "--coco", "t.json"]


@pytest.fixture
def place(tmp_path):
    """A folder with photos of 1, 2 and 3 people, and a weights file of any content."""
    (tmp_path / "photos" / "below").mkdir(parents=True)
    for number in range(PHOTOS):
        folder = tmp_path / "photos" / ("below" if number % 2 else "")
        (folder / f"{number}.png").write_bytes(png_of(number % 3 + 1))
    (tmp_path / "weights.h5").write_bytes(b"any weights")
    return tmp_path


def start(place, *options, code=IN_PROCESS, **more):
    arguments = ["photos", "--recursive", "--json", "output", *TABLES, "--weights", "weights.h5", *options]
    environment = {name: value for name, value in os.environ.items() if name != program.DEBUG}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.replace("{code}", code), str(ROOT), *arguments],
        cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


def run(place, *options, code=IN_PROCESS):
    """The exit status, standard output and standard error of a run."""
    with start(place, *options, code=code) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def outputs(place):
    """Every output with its bytes."""
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file() and path.relative_to(place).parts[0] not in ("photos", "weights.h5")
    }


def without_journal(found):
    return {name: data for name, data in found.items() if name != "output/journal.jsonl"}


def done(place):
    """The names in the journal; a line that is cut does not count."""
    lines = (place / "output" / "journal.jsonl").read_bytes().splitlines(keepends=True)[1:]
    return [json.loads(line.partition(b"\t")[2])["name"] for line in lines if line.endswith(b"\n")]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The outputs of a run that nobody stops."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    place.__wrapped__(folder)
    assert run(folder)[0] == 0
    found = outputs(folder)
    assert len(found) == 2 * PHOTOS + 3
    return without_journal(found)


def assert_completes(place, uninterrupted, code=IN_PROCESS):
    """Going on gives what a run gives that nobody stops: no photo twice, none lost, no other file."""
    before = done(place) if (place / "output" / "journal.jsonl").exists() else []
    status, out, err = run(place, "--resume", code=code)
    assert (status, err) == (0, "")
    told = f", {len(before)} of them in an earlier run" if before else ""
    assert out.splitlines()[0] == f"photos       {PHOTOS} of {PHOTOS} done{told}"
    assert without_journal(outputs(place)) == uninterrupted
    assert sorted(done(place)) == sorted({*done(place)})
    assert len(done(place)) == PHOTOS


HALF_A_LINE = """
def half(journal, photo, record):
    journal._file.write(journals.to_line(record)[:100])
    journal._file.flush()
    kill()
before(journals.Journal, "append", 5, half)
"""
HALF_A_FILE = """
def half(temporary, target):
    os.truncate(temporary, os.path.getsize(temporary) // 2)
    kill()
before(os, "replace", 9, half)
"""


@pytest.mark.parametrize(
    "code",
    [
        "before(journals, 'begin', 1)",
        "before(journals, '_begun', 1)",
        "before(journals.Journal, 'append', 1)",
        "before(journals.Journal, 'append', 7)",
        HALF_A_LINE,
        "before(os, 'replace', 1)",
        "before(os, 'replace', 8)",
        HALF_A_FILE,
        "before(job_run, 'write_tables', 1)",
        f"before(os, 'replace', {2 * PHOTOS + 1})",
        f"before(os, 'replace', {2 * PHOTOS + 2})",
        "before(job_run, 'remove_remnants', 1)",
    ],
)
def test_a_killed_run_is_completed(place, uninterrupted, code):
    assert run(place, code=IN_PROCESS + code)[0] == -signal.SIGKILL
    left = without_journal(outputs(place))
    for name, data in left.items():
        if ".openpose-lab-" not in name:
            assert data == uninterrupted[name], f"{name} is no whole file"
    assert_completes(place, uninterrupted)


def test_a_run_that_is_killed_again_and_again_is_completed(place, uninterrupted):
    for _ in range(PHOTOS // 3 + 2):
        code = IN_PROCESS + "before(journals.Journal, 'append', 4)\n"
        run(place, "--resume", code=code)
    assert len(done(place)) == PHOTOS
    assert_completes(place, uninterrupted)


# Signals

SLOWLY = """
from tests.support import toy_network
before_that = ToyNetwork.__call__
def slowly(*arguments):
    time.sleep(0.05)
    return before_that(*arguments)
ToyNetwork.__call__ = slowly
"""


def wait_for_photos(place, process, count=2):
    """Wait until some photos are done."""
    until = time.monotonic() + 60
    while not (place / "output" / "journal.jsonl").exists() or len(done(place)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


def processes_of(place):
    """The processes with this folder in their command lines; where the system does not tell, none."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if os.fsencode(place) in process.read_bytes():
                found.append(process.parent.name)
        except OSError:  # it has ended
            pass
    return found


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stopped_run_is_one_word_and_is_completed(place, uninterrupted, name):
    """The grouping has a process of its own, as for users."""
    number = getattr(signal, name)
    (place / "mine.py").write_text((ROOT / "estimation" / "merge.py").read_text())
    with start(place, "--grouping", "mine.py", code=SLOWLY) as process:
        wait_for_photos(place, process)
        assert processes_of(place) or not Path("/proc").exists()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (128 + number, "", "demo_image.py: stopped\n")
    assert processes_of(place) == []
    assert 2 <= len(done(place)) < PHOTOS
    assert not [name for name in outputs(place) if ".openpose-lab-" in name or name.endswith("t.csv")]
    status, out, err = run(place, "--grouping", "mine.py", "--resume", code="")
    assert (status, err) == (0, "")
    assert without_journal(outputs(place)) == {**uninterrupted, "mine.py": (place / "mine.py").read_bytes()}


def test_ctrl_c_is_not_kept_waiting_by_an_endless_grouping(place):
    endless = "def merge(subset):\n    while len(subset) > 40:\n        pass\n    return subset[:0]\n"
    (place / "mine.py").write_text(endless)  # for three people
    with start(place, "--grouping", "mine.py", code="") as process:
        wait_for_photos(place, process, 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)  # a call lasts 30 seconds until it is stopped
    assert (process.returncode, out, err) == (130, "", "demo_image.py: stopped\n")
    assert processes_of(place) == []


# Disks and rights


def test_files_may_not_become_large(place, uninterrupted):
    """As on a disk that is full: every file may have 8 kB."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n"
    status, out, err = run(place, code=IN_PROCESS + code)
    assert (status, out) == (1, "")
    assert err.startswith("demo_image.py: cannot write ")
    assert err.endswith("File too large; choose another place\n")
    assert err.count("\n") == 1
    assert set(without_journal(outputs(place)).items()) <= set(uninterrupted.items())
    assert_completes(place, uninterrupted)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a disk")
def test_a_disk_that_fills(place, uninterrupted):
    (place / "output").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place / "output")]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        status, out, err = run(place)
        assert (status, out) == (1, "")
        assert err.startswith("demo_image.py: cannot write ")
        assert err.endswith("No space left on device; free some space or choose another place\n")
        assert err.count("\n") == 1
        stayed = without_journal(outputs(place))
        assert stayed
        assert set(stayed.items()) <= set(uninterrupted.items())
        subprocess.run(["mount", "-o", "remount,size=4m", str(place / "output")], check=True)
        assert_completes(place, uninterrupted)
    finally:
        subprocess.run(["umount", str(place / "output")], check=True)


AS_ANOTHER = """
import concurrent.futures.thread, ctypes, cv2, encodings.idna, locale, tqdm
import openpose_lab.estimator, openpose_lab.networks.runtimes.openvino
import openpose_lab.checksums, estimation.faces, openpose_lab.sources.heic
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_what_an_unprivileged_user_may_not_do():
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are root's alone
        folder = Path(name)
        os.chmod(folder, 0o755)
        place.__wrapped__(folder)
        (folder / "photos" / "0.png").chmod(0)
        status, out, err = run(folder, code=IN_PROCESS + AS_ANOTHER)
        assert (status, out) == (1, "")
        assert err == "demo_image.py: cannot make the folder output: Permission denied; choose another place\n"
        (folder / "output").mkdir()
        status, out, err = run(folder, code=IN_PROCESS + AS_ANOTHER)
        assert (status, out) == (1, "")
        assert err.endswith(": no permission; choose another place\n")
        os.chmod(folder, 0o777)
        (folder / "output").chmod(0o777)
        status, out, err = run(folder, code=IN_PROCESS + AS_ANOTHER)
        assert (status, f"photos       {PHOTOS - 1} of {PHOTOS} done" in out) == (1, True)
        assert "  photos/0.png: the photo photos/0.png cannot be read (Permission denied); check the path\n" in out


# Two at once

WAITING = """
def wait(*_):
    end = time.monotonic() + 60  # if the test fails meanwhile
    while not os.path.exists("photos/go") and time.monotonic() < end:
        time.sleep(0.01)
before(journals.Journal, "append", 4, wait)
"""


def test_a_second_run_is_refused_while_one_writes(place, uninterrupted):
    with start(place, code=IN_PROCESS + WAITING) as first:
        wait_for_photos(place, first)
        for option in ("--resume", "--overwrite"):
            status, out, err = run(place, option)
            assert (status, out, err.count("\n")) == (1, "", 1)
            assert err.startswith("demo_image.py: another run is writing output/journal.jsonl; wait until")
        (place / "photos" / "go").touch()
        _, err = first.communicate(timeout=60)
    assert (first.returncode, err) == (0, "")
    assert without_journal(outputs(place)) == uninterrupted
    assert len(done(place)) == PHOTOS


# The standard output


def test_a_table_on_the_standard_output(place, uninterrupted):
    """The report goes to the standard error, whether the output is a pipe or a file. The last ``--csv`` counts."""
    status, out, err = run(place, "--csv", "-")
    assert (status, out.encode()) == (0, uninterrupted["output/t.csv"])
    assert err.splitlines()[0] == f"photos       {PHOTOS} of {PHOTOS} done"
    with (place / "table").open("w") as file:
        command = [sys.executable, "-c", SCRIPT.replace("{code}", IN_PROCESS), str(ROOT), "photos", "--recursive"]
        more = ["--csv", "-", "--weights", "weights.h5", "--output", "other"]
        subprocess.run([*command, *more], cwd=place, stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert (place / "table").read_bytes() == uninterrupted["output/t.csv"]
