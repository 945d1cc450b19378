"""A tracker in a process of its own answers as one in this process, and whatever it does is one sentence."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from estimation.errors import OpenPoseLabWarning
from estimation.layouts import LAYOUTS
from openpose_lab.evaluation import nearest
from openpose_lab.lab.sandbox import isolated_tracker
from openpose_lab.lab.sandbox.isolated_tracker import IsolatedTracker
from openpose_lab.tracking import TrackerError, load_tracker
from tests.openpose_lab.lab.sandbox.test_runner import processes_of
from tests.openpose_lab.tracking.conftest import people_at

LAYOUT = LAYOUTS["COCO_18"]
PEOPLE = people_at(LAYOUT, (100, 200), (300, 200))
UPDATE = "def update(skeletons, timestamp):\n    "
NEAREST = f"""
from functools import partial
from {nearest.__name__} import NearestTracker

class Tracker(NearestTracker):
    def __init__(self, layout):
        super().__init__(layout, 1.0)
"""


@pytest.fixture
def plugin(tmp_path):
    """Write a tracker file and return its path."""

    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return str(path)

    return write


def test_it_answers_as_in_this_process_and_begins_anew(plugin):
    path = plugin(NEAREST)
    here = load_tracker(path, LAYOUT)
    with IsolatedTracker(path, LAYOUT) as tracker:
        loaded = tracker.load()
        for frame in range(5):
            people = people_at(LAYOUT, (100 + frame, 200), (300 + 40 * frame, 200), (500 - 100 * frame, 210))
            np.testing.assert_array_equal(loaded.update(people, frame / 5), here.update(people, frame / 5))
        loaded.reset()
        assert loaded.update(PEOPLE, 0.0).tolist() == [0, 1]
    assert str(tracker.source) == path


@pytest.mark.parametrize("name", ["oks", "none"])
def test_a_tracker_of_the_project_needs_no_process(name):
    with IsolatedTracker(name, LAYOUT) as tracker:
        assert tracker.load().update(PEOPLE, 0.0).tolist() == [-1, -1]
        assert tracker.source is None


DEADLY = {
    "os._exit": (f"import os\n{UPDATE}os._exit(0)\n", "failed: it ended its own process with status 0 instead of"),
    "sys.exit": (f"import sys\n{UPDATE}sys.exit(0)\n", "failed: line 3: SystemExit: 0"),
    "an exception": (f"{UPDATE}return 1 / 0\n", "failed: line 2: ZeroDivisionError: division by zero"),
    "kill": (f"import os\n{UPDATE}os.kill(os.getpid(), 9)\n", "PermissionError: a tracker may not end other programs"),
    "loop": (f"{UPDATE}while True:\n        pass\n", "failed: it took longer than 0.5 seconds and was stopped"),
    "loop at once": ("while True:\n    pass\n", "cannot be loaded: loading it took longer than 2 seconds"),
    "a class that cannot be made": (
        "class Tracker:\n    def __init__(self):\n        raise ValueError('no')\n    def update(self, s, t): ...\n",
        "failed: line 3: ValueError: no",
    ),
    "os._exit at once": ("import os\nos._exit(0)\n", "cannot be loaded: line 2: SystemExit: os._exit(0)"),
    "nothing": ("x = 1\n", "has neither a class Tracker nor a function update; define update(skeletons, timestamp)"),
    "None": (f"{UPDATE}return None\n", "broke the contract: the answer must be an array of 2 identities but is None"),
    "too few": (f"{UPDATE}return [1]\n", "broke the contract: the answer must have shape (2,)"),
    "many": (
        f"import numpy as np\n{UPDATE}return np.zeros((10, 100))\n",
        "failed: its answer has 10 x 100 numbers, but it was given only 2 people",
    ),
    "much": (f"import numpy as np\n{UPDATE}return np.zeros(10 ** 9)\n", "failed: "),
}


@pytest.mark.parametrize("what", DEADLY)
def test_whatever_it_does_is_one_sentence_with_the_file(what, plugin, monkeypatch):
    text, sentence = DEADLY[what]
    path = plugin(text)
    if "loop" in what:
        monkeypatch.setattr(isolated_tracker, "SECONDS", 0.5)
    with pytest.raises(TrackerError) as error, IsolatedTracker(path, LAYOUT) as tracker:
        tracker.load().update(PEOPLE, 0.0)
    assert sentence in str(error.value)
    assert path in str(error.value)
    assert "\n" not in str(error.value)
    assert sys.platform != "linux" or processes_of(path) == []


def test_a_change_of_its_input_and_what_it_prints_are_told_once(plugin):
    path = plugin(f"{UPDATE}print('here')\n    skeletons.keypoints[:] = 0\n    return [0, 1]\n")
    with IsolatedTracker(path, LAYOUT) as tracker:
        loaded = tracker.load()
        with pytest.warns(OpenPoseLabWarning) as told:
            loaded.update(PEOPLE, 0.0)
        loaded.update(PEOPLE, 0.0)  # a second warning would be an error
    sentences = sorted(str(one.message) for one in told)
    assert len(sentences) == 2
    assert "changes the skeletons that it receives" in sentences[0]
    assert "prints 'here\\n'; remove the prints" in sentences[1]
    assert np.nanmin(PEOPLE.keypoints) > 0


def test_a_call_that_another_thread_waits_for_can_be_ended(plugin):
    with IsolatedTracker(plugin(f"{UPDATE}while True: pass\n"), LAYOUT) as tracker, ThreadPoolExecutor(1) as pool:
        loaded = tracker.load()
        call = pool.submit(loaded.update, PEOPLE, 0.0)
        time.sleep(0.2)
        tracker.end_calls()
        with pytest.raises(TrackerError, match=r"the tracker in .*mine.py failed: "):
            call.result(timeout=20)
        with pytest.raises(TrackerError, match="failed: the program is stopping"):
            loaded.update(PEOPLE, 0.0)


def test_a_file_that_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(TrackerError, match=r"there is no tracker .*none.py; give the path"):
        IsolatedTracker(tmp_path / "none.py", LAYOUT)
