"""A grouping in a process of its own answers as one in this process, and whatever it does is one sentence."""

import os
import signal
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabWarning
from estimation.estimators import estimate
from estimation.grouping import GROUPINGS, load_grouping, run_grouping
from estimation.grouping.plugin import takes
from estimation.subset import GroupingError
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.scenes import crowd_scenes
from openpose_lab.lab.sandbox import isolated
from openpose_lab.lab.sandbox.isolated import Isolated
from openpose_lab.lab.sandbox.runner import Runner
from tests.openpose_lab.lab.sandbox.test_runner import processes_of

MERGE = "def merge(subset, **limits):\n    "
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")


@pytest.fixture(scope="module")
def connections():
    return crowd_scenes(COCO_18, 4, 0.3, 1, 0, Disturbance()).scenes[0].connections


@pytest.fixture
def plugin(tmp_path):
    """Write a grouping file and return its path."""

    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("name", ["lab", "hungarian"])
def test_it_answers_as_in_this_process(name, connections):
    with Isolated(name) as grouping:
        loaded = grouping.load()
        assert (loaded.door, loaded.source) == (load_grouping(name).door, GROUPINGS[name])
        rows = run_grouping(loaded, COCO_18, connections)
    np.testing.assert_array_equal(rows, run_grouping(load_grouping(name), COCO_18, connections))
    assert len(rows) > 1


DEADLY = {
    "os._exit": (
        f"import os\n{MERGE}os._exit(0)\n",
        "failed: it ended its own process with status 0 instead of an answer",
    ),
    "os._exit in group": (
        "import os\ndef group(candidates, coordinates, config):\n    os._exit(0)\n",
        "failed: it ended its own process with status 0 instead of an answer",
    ),
    "os._exit at once": ("import os\nos._exit(0)\n", "cannot be loaded: line 2: SystemExit: os._exit(0)"),
    "sys.exit": (f"import sys\n{MERGE}sys.exit(0)\n", "failed: line 3: SystemExit: 0"),
    "KeyboardInterrupt": (f"{MERGE}raise KeyboardInterrupt\n", "failed: line 2: KeyboardInterrupt"),
    "kill": (f"import os\n{MERGE}os.kill(os.getpid(), 9)\n", "PermissionError: a merge may not end other programs"),
    "loop": (f"{MERGE}while True:\n        pass\n", "failed: it took longer than 0.5 seconds and was stopped"),
    "loop at once": ("while True:\n    pass\n", "cannot be loaded: loading it took longer than 1 seconds"),
    "escape codes": (f"{MERGE}raise ValueError('\\x1b[2J')\n", "failed: line 2: ValueError: \\x1b[2J"),
    "breakpoint": (
        f"{MERGE}breakpoint()\n",
        "failed: line 2: RuntimeError: breakpoint() works only in `check-merge",
    ),
    "no function": ("x = 1\n", "has neither a function merge nor a function group; define merge(subset) in it"),
    "no name": ("x = y\n", "cannot be loaded: line 1: NameError: name 'y' is not defined"),
    "no rows": (f"{MERGE}return 'people'\n", "must be an array of shape (people, 20) but is a str"),
    "a list": (f"{MERGE}return subset[:1].tolist()\n", "must be an array of shape (people, 20) but is a list"),
}


@pytest.mark.parametrize("what", DEADLY)
def test_whatever_it_does_is_one_sentence(what, plugin, connections, monkeypatch):
    text, sentence = DEADLY[what]
    path = plugin(text)
    if "loop" in what:
        monkeypatch.setattr(isolated, "SECONDS", 0.25 if "at once" in what else 0.5)
    with pytest.raises(GroupingError) as error, Isolated(path) as grouping:
        run_grouping(grouping.load(), COCO_18, connections)
    assert sentence in str(error.value)
    assert path in str(error.value)
    assert "\n" not in str(error.value)
    assert sys.platform != "linux" or processes_of(path) == []


@POSIX
@pytest.mark.parametrize(
    ("act", "name"), [("ctypes.string_at(0)", "SIGSEGV"), ("os.abort()", "SIGABRT"), ("os.kill", "SIGKILL")]
)
def test_a_signal_that_ends_it_is_named(act, name, plugin, connections, monkeypatch):
    with Isolated(plugin(f"import ctypes, os, time\n{MERGE}{act.replace('os.kill', 'time.sleep(60)')}\n")) as grouping:
        loaded = grouping.load()
        if act == "os.kill":  # by the system, because memory ran out
            ask = Runner._next_reply
            monkeypatch.setattr(
                Runner,
                "_next_reply",
                lambda self, *what: (self._process.send_signal(signal.SIGKILL), ask(self, *what))[1],
            )
        with pytest.raises(GroupingError, match=rf"merge in .*mine.py failed: its process .* \({name}\)"):
            run_grouping(loaded, COCO_18, connections)


def test_a_call_that_another_thread_waits_for_can_be_ended(plugin, connections):
    """Without this, a program that is stopped would wait for 30 seconds."""
    path = plugin(f"{MERGE}while True: pass\n")
    with Isolated(path) as grouping, ThreadPoolExecutor(2) as pool:
        loaded = grouping.load()
        calls = [pool.submit(run_grouping, loaded, COCO_18, connections) for _ in range(2)]
        time.sleep(0.2)
        assert not any(call.done() for call in calls)
        grouping.end_calls()
        for call in calls:
            with pytest.raises(GroupingError, match=r"merge in .*mine.py failed: "):
                call.result(timeout=20)
        with pytest.raises(GroupingError, match="failed: the program is stopping"):
            run_grouping(loaded, COCO_18, connections)
    assert sys.platform != "linux" or processes_of(path) == []


def test_a_file_that_is_not_there_or_not_python_is_told_at_once(tmp_path, plugin):
    for grouping, sentence in (
        (str(tmp_path / "none.py"), "there is no grouping .*none.py"),
        (plugin("def merge(subset)\n"), "mine.py cannot be loaded: line 1: SyntaxError: expected ':'"),
    ):
        with pytest.raises(GroupingError, match=sentence):
            Isolated(grouping)


def test_what_it_prints_is_shown_without_what_steers_a_terminal(plugin, connections, capsys):
    text = f"print('loaded\\x1b[2J')\n{MERGE}print('one\\n\\ttwo\\x1b[2J')\n    return subset[:0]\n"
    told = pytest.warns(OpenPoseLabWarning, match="merge in .*mine.py prints; remove its print calls")
    with told, Isolated(plugin(text)) as grouping:
        estimate(COCO_18, connections, grouping.load())
    assert capsys.readouterr() == ("", "loaded\\x1b[2J\none\n\ttwo\\x1b[2J\n")


def test_of_much_that_it_prints_the_beginning_is_shown(plugin, connections, capsys):
    path = plugin(f"{MERGE}print('\\U0001f600' * 10**6)\n    return subset[:0]\n")
    with pytest.warns(OpenPoseLabWarning, match="prints"), Isolated(path) as grouping:
        estimate(COCO_18, connections, grouping.load())
    shown = capsys.readouterr().err
    assert shown.startswith("\U0001f600" * 5000 + "\n... and 995001 more characters")


@pytest.mark.parametrize(
    "text",
    [
        f"{MERGE}subset[:] = 0\n    return subset[:0]\n",
        "import numpy as np\ndef group(candidates, coordinates, config):\n"
        "    candidates.score[:] = 0\n    return np.empty((0, 20))\n",
    ],
)
def test_a_change_of_its_input_is_told(plugin, connections, text):
    told = pytest.warns(OpenPoseLabWarning, match="in .*mine.py changes the .* it is given; work on")
    with told, Isolated(plugin(text)) as grouping:
        run_grouping(grouping.load(), COCO_18, connections)


def test_its_options_are_known(plugin):
    for arguments, known in (
        ("subset, min_score=1", [False, True]),
        ("subset", [False, False]),
        ("s, **k", [True] * 2),
    ):
        with Isolated(plugin(f"def merge({arguments}):\n    return s\n")) as grouping:
            function = grouping.load().function
            assert [takes(function, name) for name in ("min_num_body_parts", "min_score")] == known


def test_the_way_to_its_process_is_no_time_of_its_own(plugin, connections):
    with Isolated(plugin(f"import time\n{MERGE}time.sleep(0.2)\n    return subset[:0]\n")) as grouping:
        run_grouping(grouping.load(), COCO_18, connections)
        elsewhere = 1000 - grouping.milliseconds(1000)
    assert 0 < elsewhere < 200


def test_under_a_debugger_it_runs_here(plugin, connections, monkeypatch):
    path = plugin(f"import os\n{MERGE}raise ValueError(os.getpid())\n")
    for debugged in (True, False):
        if debugged:
            monkeypatch.setitem(sys.modules, "pydevd", sys)
        with pytest.raises(GroupingError) as error, Isolated(path) as grouping:
            run_grouping(grouping.load(), COCO_18, connections)
        assert str(error.value).endswith(f"ValueError: {os.getpid()}") == debugged
        monkeypatch.undo()


def test_warnings_of_a_merge_are_its_own(plugin, connections):
    text = f"import numpy as np\n{MERGE}np.zeros(2) / 0\n    return subset[:0]\n"
    with warnings.catch_warnings(), Isolated(plugin(text)) as grouping:
        warnings.simplefilter("error")
        assert len(run_grouping(grouping.load(), COCO_18, connections)) == 0
