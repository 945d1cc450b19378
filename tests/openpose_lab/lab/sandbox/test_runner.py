"""Whatever a merge does, the judge lives to say so, and nothing outside is harmed."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from openpose_lab.lab.cases import HANDOUT
from openpose_lab.lab.sandbox import messages
from openpose_lab.lab.sandbox.runner import Limits, Runner
from tests.conftest import ROOT
from tests.openpose_lab.lab.test_merge_checks import RIGHT
from tests.support import hostile

SIGKILLED = "its process was ended by the system, because memory ran out (SIGKILL)"
SECCOMP = "programs, network and signals"


@pytest.fixture
def runner_of(tmp_path):
    """A runner of a merge with this text, in a folder of its own, with short limits."""
    runners = []

    def make(text, alone=True, **limits):
        folder = tmp_path / "own"
        folder.mkdir(exist_ok=True)
        (folder / "merge.py").write_text(text)
        runners.append(Runner(folder / "merge.py", Limits(**{"seconds": 2.0, **limits}), alone))
        return runners[-1]

    yield make
    for runner in runners:
        runner.stop()


def guarded(runner, guard):
    """Load it, and skip the test on a system that does not have this guard."""
    assert runner.load().error is None
    if guard not in runner.guards:
        pytest.skip(f"this system has no guard of {guard}")
    return runner


def test_what_a_merge_answers():
    with Runner(RIGHT) as runner:
        answer = runner.call(HANDOUT)
        assert answer.value.shape == (1, 20)
        assert answer.value[0, 18] == pytest.approx(16.18416846)
        assert (answer.error, answer.changed, answer.printed, answer.tried) == (None, False, 0, None)
        assert 0 < answer.seconds < 5
        assert len(runner.call(HANDOUT, min_num_body_parts=10).value) == 0


def test_an_error_is_not_the_end(runner_of):
    runner = runner_of("def merge(subset):\n    return 1 / (len(subset) - 9)\n")
    assert runner.call(HANDOUT).error == "line 2: ZeroDivisionError: division by zero"
    assert type(runner.call(HANDOUT[:3]).value).__name__ == "float"


def test_a_process_that_waits_reads_the_file_when_asked(runner_of):
    runner = runner_of("def merge(subset)\n", alone=False)
    runner.waits = True
    runner.begin()
    runner.file.write_text("def merge(subset):\n    return subset[:2]\n")
    assert runner.loaded().error is None
    assert len(runner.call(HANDOUT).value) == 2
    runner.stop()
    assert len(runner.call(HANDOUT).value) == 2  # started again, as after a call that was its end


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("def merge(subset):\n    subset[0] = 7\n    return subset\n", {"changed": True}),
        ("def merge(subset):\n    print('here')\n    return subset\n", {"printed": 5, "beginning": "here"}),
        ("def merge(subset):\n    import os\n    os.write(1, b'here' * 1000)\n    return subset\n", {"printed": 0}),
        (
            "def merge(subset):\n    try:\n        open('x', 'w')\n    except OSError:\n        return subset",
            {"tried": "write files"},
        ),
    ],
)
def test_what_it_does_besides_is_noted(runner_of, text, seen):
    answer = runner_of(text).call(HANDOUT)
    assert answer.error is None
    assert {name: getattr(answer, name) for name in seen} == seen


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (hostile.LOOP, "it took longer than 0.5 seconds and was stopped"),
        (hostile.PRINT, "it took longer than 0.5 seconds and was stopped"),
        (hostile.LOOP_AT_ONCE, "loading it took longer than 2 seconds"),
        (hostile.EXIT, "it ended its own process with status 0 instead of an answer"),
        (hostile.RECURSE, "RecursionError: maximum recursion depth exceeded"),
        (hostile.NESTED, "cannot be loaded: "),
        ("def merge(subset:\n", "cannot be loaded: line 1: SyntaxError: "),
        ("x = 1\n", "has no function merge; define merge(subset) in it"),
        ("\x00", "cannot be loaded: "),
    ],
)
def test_what_gives_no_answer_is_one_sentence(runner_of, text, sentence):
    answer = runner_of(text, seconds=0.5).call(HANDOUT)
    assert sentence in answer.error
    assert "\n" not in answer.error


def test_after_a_loop_it_can_be_called_again(runner_of):
    runner = runner_of(
        "def merge(subset):\n    while len(subset) == 9:\n        pass\n    return subset\n", seconds=0.5
    )
    assert runner.call(HANDOUT).slow
    assert len(runner.call(HANDOUT[:3]).value) == 3


@pytest.mark.slow
def test_memory_is_bounded(runner_of):
    runner = guarded(runner_of(hostile.ALLOCATE, seconds=10.0, memory=1000), "memory")
    answer = runner.call(HANDOUT)
    assert "MemoryError" in answer.error


@pytest.mark.slow
def test_processor_time_is_bounded(runner_of):
    runner = guarded(runner_of(hostile.LOOP, seconds=20.0, processor=1), "processor time")
    answer = runner.call(HANDOUT)
    assert answer.fatal
    assert answer.seconds < 15
    assert answer.error in ("its process used up its processor time (SIGXCPU)", SIGKILLED)
    assert answer.slow or answer.memory


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("text", [hostile.WRITE, hostile.WRITE_IN_C, hostile.DELETE_IN_C])
def test_files_are_as_they_were(runner_of, tmp_path, text, alone):
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    places = [precious, tmp_path / "new.txt", tmp_path / "own" / "new.txt"]
    runner = guarded(runner_of(text.replace("PLACES", repr([str(place) for place in places])), alone), "files")
    assert runner.call(HANDOUT).error is None
    assert precious.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["merge.py", "own", "precious.txt"]


@pytest.mark.parametrize("alone", [False, True])
def test_files_are_not_written_by_way_of_libraries(runner_of, tmp_path, alone):
    (tmp_path / "own").mkdir()
    places = [tmp_path / "new", tmp_path / "own" / "new"]
    text = hostile.WRITE_BY_LIBRARIES.replace("PLACES", repr(list(map(str, places))))
    runner = guarded(runner_of(text, alone), "files")
    answer = runner.call(HANDOUT)
    assert (answer.error, answer.tried) == (None, "write files")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["merge.py", "own"]


@pytest.mark.parametrize("function", ["os.mkfifo", "__import__('posix').mkfifo", "os.mknod"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_special_files_are_told(runner_of, function):
    answer = runner_of(f"import os\ndef merge(subset):\n    {function}('x')\n").call(HANDOUT)
    assert (answer.error, answer.tried) == ("line 3: PermissionError: a merge may not change files", "change files")


def test_a_database_in_memory_is_no_file(runner_of):
    answer = runner_of(hostile.DATABASE_IN_MEMORY).call(HANDOUT)
    assert (answer.error, answer.tried) == (None, None)


@pytest.mark.parametrize("alone", [False, True])
def test_the_null_device_can_be_written_to(runner_of, alone):
    text = "import os\ndef merge(subset):\n    print('x', file=open(os.devnull, 'w'))\n    return subset[:0]\n"
    answer = runner_of(text, alone).call(HANDOUT)
    assert (answer.error, answer.tried, answer.printed) == (None, None, 0)


@pytest.mark.slow
def test_others_cannot_be_read(runner_of, tmp_path):
    other = tmp_path / "other_merge.py"
    other.write_text("the best of all merges")
    places = [str(other), str(Path.home() / ".bashrc")]
    runner = guarded(runner_of(hostile.READ_OTHERS.replace("PLACES", repr(places))), "files")
    answer = runner.call(HANDOUT)
    assert answer.error is None
    assert answer.tried == f"read {other}"


@pytest.mark.slow
@pytest.mark.parametrize("text", [hostile.SPAWN_IN_C, hostile.SLIP_AWAY])
def test_no_process_is_left(runner_of, text):
    runner = guarded(runner_of(text.replace("MARKED_SECONDS", "86399"), seconds=0.5), SECCOMP)
    runner.call(HANDOUT)
    assert len(processes_of(runner.file)) <= 1  # none but its own
    runner.stop()
    assert processes_of(runner.file) == []


@pytest.mark.skipif(sys.platform == "win32", reason="it is a function of POSIX")
@pytest.mark.parametrize("alone", [False, True])
def test_a_program_that_python_does_not_tell_of_is_not_started(runner_of, alone):
    runner = runner_of(hostile.SPAWN_UNHEARD.replace("MARKED_SECONDS", "60"), alone)
    answer = runner.call(HANDOUT)
    assert answer.error == "line 6: PermissionError: a merge may not start another program"
    assert answer.tried == "start another program"
    runner.stop()
    assert processes_of(runner.file) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists processes in /proc")
def test_a_process_that_holds_the_pipes_is_not_waited_for(runner_of, tmp_path, monkeypatch):
    """Where nothing keeps a merge from starting one, as on macOS, it survives; but the checks go on."""
    for package in ("estimation", "openpose_lab"):
        shutil.copytree(ROOT / package, tmp_path / "root" / package, ignore=shutil.ignore_patterns("__pycache__"))
    seccomp = tmp_path / "root" / "openpose_lab" / "lab" / "sandbox" / "seccomp.py"
    seccomp.write_text(f"{seccomp.read_text()}\n\ndef give_up_calls():\n    return False\n")
    runner = runner_of(hostile.HOLD_THE_PIPES.replace("MARKED_SECONDS", "60"), alone=False)
    runner.root = tmp_path / "root"
    monkeypatch.setattr("openpose_lab.lab.sandbox.runner._ENDS_WITHIN", 0.3)
    try:
        assert runner.load().error is None
        assert len(runner.call(np.tile(HANDOUT, (1000, 1))).value) == 0
        start = time.monotonic()
        runner.stop()
        assert time.monotonic() - start < 10
        assert len(processes_of(runner.file)) == 1
    finally:
        for number in processes_of(runner.file):
            os.kill(number, signal.SIGKILL)


def test_limits_that_are_in_force_already_are_not_raised(runner_of):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_CPU)
    script = (
        "import resource; from pathlib import Path; from openpose_lab.lab.sandbox.runner import Limits, Runner; "
        "from estimation.grouping import LAB_MERGE; resource.setrlimit(resource.RLIMIT_CPU, (90, 90)); "
        "runner = Runner(LAB_MERGE, Limits(processor=100)); runner.load(); print(runner.guards); runner.stop()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "processor time" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_CPU) == before


def processes_of(path):
    """Find the processes a test has started, on Linux.

    Args:
        path: A path that only this test uses. It stands on a process's command line or in its environment.

    Returns:
        Process ids, a list of int. A process that has been moved to another parent is among them.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended, or is another user's
            if any(os.fsencode(path) in (process / name).read_bytes() for name in ("cmdline", "environ")):
                found.append(int(process.name))
    return found


def wait_until(condition, seconds):
    """Tell whether a condition becomes true in that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize(("parent", "printed"), [("os.getppid()", b"alive"), ("os.getppid() + 1", b"")])
def test_a_process_that_has_lost_its_parent_already_ends(parent, printed):
    script = (
        f"import os; from openpose_lab.lab.sandbox.seccomp import end_with_parent; "
        f"end_with_parent({parent}); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (printed, b"")


@pytest.mark.slow
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("text", [hostile.CALL_HOME, hostile.CALL_HOME_IN_C])
def test_nobody_is_called(runner_of, text, alone):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        runner = guarded(runner_of(text.replace("PORT", str(server.getsockname()[1])), alone), SECCOMP)
        answer = runner.call(HANDOUT)
        assert answer.tried == ("use the network" if text is hostile.CALL_HOME else None)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.slow
def test_the_judge_cannot_be_killed(runner_of):
    runner = guarded(runner_of(hostile.KILL_PARENT), SECCOMP)
    assert runner.call(HANDOUT).error is None  # else nobody would be here to see


@pytest.mark.slow
def test_owners_modes_and_times_of_files_are_as_they_were(runner_of, tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    before = precious.stat()
    runner = guarded(runner_of(hostile.CHANGE_MODES.replace("PLACES", repr([str(precious)]))), SECCOMP)
    assert runner.call(HANDOUT).error is None
    assert precious.stat()[:9] == before[:9]
    assert precious.stat().st_mtime_ns == before.st_mtime_ns
    assert os.listxattr(precious) == []


@pytest.mark.slow
def test_nobody_is_called_by_way_of_a_file(runner_of, tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(0.3)
        runner = guarded(runner_of(hostile.CALL_BY_FILE.replace("PLACE", repr(path))), SECCOMP)
        runner.call(HANDOUT)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.slow
def test_shared_memory_is_not_to_be_had(runner_of):
    runner = guarded(runner_of(hostile.SHARE_MEMORY), SECCOMP)
    assert "got nothing" in runner.call(HANDOUT).error


def test_what_is_alone_sees_no_secrets(runner_of, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    text = "import os\ndef merge(subset):\n    raise ValueError(os.environ.get('SECRET_TOKEN'))\n"
    assert runner_of(text).call(HANDOUT).error == "line 3: ValueError: None"
    assert runner_of(text, alone=False).call(HANDOUT).error == "line 3: ValueError: hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "raise ValueError('\\ud800')",
        "raise ValueError('\\x1b[2J\\x00\\u202e')",
        "raise ValueError('x' * 10**6)",
        "print('\\ud800' * 1000)",
        "raise type('E\\n', (Exception,), {'__str__': lambda self: 1 / 0})",
    ],
)
def test_text_of_others_is_plain(runner_of, text):
    answer = runner_of(f"def merge(subset):\n    {text}\n", alone=False).call(HANDOUT)
    for shown in (answer.error or "", answer.beginning):
        assert shown.isprintable()
        assert len(shown) <= 600
        shown.encode()


@pytest.mark.slow
@pytest.mark.parametrize("text", [hostile.FORGE_ANSWERS, hostile.HUGE_ANSWER, hostile.ODD_ANSWER])
def test_odd_answers_do_not_hurt(runner_of, text):
    runner = runner_of(text)
    for _ in range(5):
        answer = runner.call(HANDOUT)
        assert answer.error or answer.value is not None
        assert np.size(answer.value) < 2000


@pytest.mark.slow
def test_an_answer_much_larger_than_its_rows_is_refused(runner_of):
    runner = runner_of("import numpy as np\ndef merge(subset):\n    return np.tile(subset, (50, 1))\n")
    assert runner.call(HANDOUT).error == "its answer has 450 x 20 numbers, but it was given only 9 rows of limbs"


@pytest.mark.slow
def test_a_flood_of_messages_is_no_flood(runner_of):
    runner = runner_of(hostile.FLOOD, seconds=0.5)
    runner.call(HANDOUT)
    runner.stop()
    assert not runner._listener.is_alive()


@pytest.mark.slow
def test_who_does_not_read_is_stopped(runner_of):
    """Rows that are more than a pipe takes, to a process that answers before it has read them, and one that sleeps."""
    forged = hostile.FORGE_WITHOUT_READING
    runner = runner_of(forged, seconds=0.5)
    assert runner.call(HANDOUT).error == "its process sent damaged data instead of an answer"
    runner = runner_of("import time\ndef merge(subset):\n    time.sleep(60)\n", seconds=0.5)
    assert runner.call(np.tile(HANDOUT, (1000, 1))).slow


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_process_that_dies_is_told(runner_of):
    runner = runner_of("import os, signal\ndef merge(subset):\n    os.abort()\n", alone=False)
    assert runner.call(HANDOUT).error == "its process crashed (SIGABRT)"


@pytest.mark.parametrize(
    "value",
    [
        None,
        3.5,
        [1],
        np.zeros((2, 20)),
        np.zeros((0, 20), np.int8),
        np.array(["x"]),
        np.array([None, {}]),
        np.float32(2),
    ],
)
def test_values_travel_as_what_they_are(value):
    restored, kind = messages.decode_value(*messages.encode_value(value))
    assert kind == type(value).__name__.removesuffix("Type")
    if isinstance(value, np.ndarray):
        assert (restored.shape, restored.dtype) == (value.shape, value.dtype)
        if value.dtype.kind in "biuf":
            np.testing.assert_array_equal(restored, value)
    elif not isinstance(value, list):
        assert type(restored).__name__ == type(value).__name__


def test_a_list_of_rows_can_be_read():
    restored, kind = messages.decode_value(*messages.encode_value(HANDOUT.tolist()))
    np.testing.assert_array_equal(restored, HANDOUT)
    assert kind == "list"


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kind": "array"},
        {"kind": "array", "dtype": "f8", "shape": [3]},
        {"kind": "array", "dtype": "f8", "shape": ["x"]},
        {"kind": "array", "dtype": "no", "shape": [1]},
        {"kind": "array", "type": "ndarray", "dtype": "f8", "shape": 7},
        {"kind": "array", "type": "ndarray", "dtype": "f8", "shape": [float("inf")]},
        {"kind": "other"},
    ],
)
def test_what_is_no_answer_is_refused(header):
    with pytest.raises(messages.MessageError):
        messages.decode_value(header, b"")


def test_a_merge_finds_nothing_of_the_lab_but_the_sandbox_loaded(runner_of):
    text = (
        "import sys\n"
        "def merge(subset):\n"
        "    raise ValueError(' '.join(sorted(name for name in sys.modules if name.startswith('openpose_lab'))))\n"
    )
    sandbox = "openpose_lab.lab.sandbox"
    expected = ["openpose_lab", "openpose_lab.lab", sandbox]
    expected += [f"{sandbox}.{name}" for name in ("landlock", "messages", "seccomp")]
    assert runner_of(text).call(HANDOUT).error == f"line 3: ValueError: {' '.join(expected)}"


READ_BESIDE = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    said = []
    for path in PLACES:
        try:
            said.append(open(path).read())
        except OSError:
            said.append("refused")
        said.append("opened" if libc.open(path.encode(), 0) >= 0 else "refused")
    raise RuntimeError(" ".join(said))
"""


@pytest.mark.parametrize("is_clone", [True, False])
def test_the_graders_own_project_cannot_be_read_from_a_folder_that_can(runner_of, monkeypatch, tmp_path, is_clone):
    """As where it is installed as a package, or its clone lies in /usr."""
    own = tmp_path / "own"
    files = [own / name for name in ("site/estimation/merge.py", "site/tests/other.py", "beside.py")]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.stem)
    monkeypatch.setattr("openpose_lab.lab.sandbox.runner.ROOT", own / "site")
    monkeypatch.setattr("openpose_lab.lab.sandbox.runner.in_clone", lambda: is_clone)
    runner = guarded(runner_of(READ_BESIDE.replace("PLACES", repr([str(path) for path in files]))), "files")
    other = "refused refused" if is_clone else "other opened"
    assert runner.call(HANDOUT).error.endswith(f"RuntimeError: refused refused {other} beside opened")
    runner.alone = False
    assert "merge opened other opened" in (runner.load().error or runner.call(HANDOUT).error)


SENDS_MUCH = """
import json, os, struct, sys
def merge(subset, **limits):
    own = sys._getframe(1)
    while "answers" not in own.f_locals:
        own = own.f_back
    answer = {"kind": "error", "text": "x", "imports": [f"{n:04}" for n in range(9000)], "beginning": "y" * 50000}
    text = json.dumps({**answer, "printed": 50000, "call": own.f_locals["header"]["call"]}).encode()
    own.f_locals["answers"].write(struct.pack("<II", len(text), 0) + text)
"""


def test_little_is_kept_of_an_answer_however_much_it_says(runner_of):
    reply = runner_of(SENDS_MUCH).call(HANDOUT)
    assert reply.error == "x"
    assert len(reply.imports) == 50
    assert len(reply.output) < 6000
