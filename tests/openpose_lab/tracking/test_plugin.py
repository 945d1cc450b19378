"""Trackers by name and by file; whatever a plug-in does is one sentence."""

import re
import warnings

import numpy as np
import pytest

from estimation.errors import OpenPoseLabWarning
from openpose_lab import tracking
from openpose_lab.sources import Frame
from openpose_lab.tracking import TRACKERS, TrackerError, identify, load_tracker
from tests.conftest import ROOT
from tests.openpose_lab.tracking.conftest import people_at

CLASS = "class Tracker:\n    def update(self, skeletons, timestamp):\n        "
FUNCTION = "import numpy as np\ndef update(skeletons, timestamp):\n    "


@pytest.fixture
def plugin(tmp_path):
    """Write a tracker file and return its path."""

    def write(text):
        path = tmp_path / "my_tracker.py"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def people(layout):
    return people_at(layout, (100, 200), (300, 200))


def test_the_project_s_own_by_name(layout, people):
    assert {"none", "oks"} <= set(TRACKERS)
    assert load_tracker("none", layout).update(people, 0.0).tolist() == [-1, -1]
    oks = load_tracker("oks", layout)
    assert [oks.update(people, 0.04 * frame).tolist() for frame in range(3)][-1] == [0, 1]


def test_a_tracker_begins_anew(layout, people):
    oks = load_tracker("oks", layout)
    for frame in range(3):
        oks.update(people, 0.04 * frame)
    oks.reset()
    assert oks.update(people, 0.0).tolist() == [-1, -1]


def test_a_class_is_made_with_the_layout_if_it_takes_one(plugin, layout, people):
    path = plugin(
        "class Tracker:\n    def __init__(self, layout): self.first = len(layout.body_parts)\n"
        "    def update(self, skeletons, timestamp): return [self.first, int(timestamp)]\n"
    )
    assert load_tracker(path, layout).update(people, 3.0).tolist() == [18, 3]


def test_a_class_without_arguments_is_made_anew_for_each_video(plugin, layout, people):
    path = plugin(
        "class Tracker:\n    def __init__(self): self.calls = 0\n"
        "    def update(self, skeletons, timestamp):\n        self.calls += 1\n        return [self.calls, 0]\n"
    )
    tracker = load_tracker(path, layout)
    assert [tracker.update(people, 0.0).tolist() for _ in range(2)] == [[1, 0], [2, 0]]
    tracker.reset()
    assert tracker.update(people, 0.0).tolist() == [1, 0]


def test_a_function(plugin, layout, people):
    tracker = load_tracker(plugin(f"{FUNCTION}return np.arange(len(skeletons))\n"), layout)
    found = tracker.update(people, 0.0)
    assert found.tolist() == [0, 1]
    assert found.dtype == np.intp


@pytest.mark.parametrize(
    "answer", ["[4.0, -1.0]", "(4, -1)", "np.array([4, -1], dtype='i1')", "np.array([[4], [-1]])[:, 0]"]
)
def test_whole_numbers_in_any_form(plugin, layout, people, answer):
    assert load_tracker(plugin(f"{FUNCTION}return {answer}\n"), layout).update(people, 0.0).tolist() == [4, -1]


BREACHES = {
    "None": "must be an array of 2 identities but is None",
    "'ab'": "must be an array of 2 identities but is a str",
    "[0]": "must have shape (2,), one identity per person, but has (1,)",
    "[[0, 1]]": "must have shape (2,), one identity per person, but has (1, 2)",
    "[[0], 1]": "must be an array of 2 identities but is a list",
    "[0, 1.5]": "person 1 has the identity 1.5, but identities must be whole numbers",
    "[float('nan'), 1]": "person 0 has the identity nan, but identities must be whole numbers",
    "['a', 'b']": "the identities must be whole numbers but their dtype is <U1",
    "[True, False]": "the identities must be whole numbers but their dtype is bool",
    "[0, -2]": "person 1 has the identity -2, but identities must be whole numbers from 0 to 2147483647, or -1 for",
    "[2 ** 40, 0]": "person 0 has the identity 1099511627776, but identities must be whole numbers from 0 to",
    "[3, 3]": "persons 0 and 1 of one frame both have the identity 3",
    "np.broadcast_to(1, (10 ** 12,))": "must have shape (2,), one identity per person, but has (1000000000000,)",
}


@pytest.mark.parametrize("answer", BREACHES)
def test_breaches_of_the_contract(plugin, layout, people, answer):
    path = plugin(f"{FUNCTION}return {answer}\n")
    tracker = load_tracker(path, layout)
    with pytest.raises(TrackerError, match=re.escape(f"update in {path} broke the contract: ")) as error:
        tracker.update(people, 0.0)
    assert BREACHES[answer] in str(error.value)


FAILS = {
    "an exception": (f"{CLASS}return 1 / 0\n", "failed: line 3: ZeroDivisionError: division by zero"),
    "sys.exit": (f"import sys\n{CLASS}sys.exit(0)\n", "failed: line 4: SystemExit: 0"),
    "os._exit": (f"import os\n{CLASS}os._exit(0)\n", "failed: line 4: SystemExit: os._exit(0)"),
    "the constructor": (
        "class Tracker:\n    def __init__(self): x\n    def update(self, s, t): ...\n",
        "line 2: NameError",
    ),
    "too few arguments": ("class Tracker:\n    def update(self): ...\n", "failed: TypeError: "),
    "no update": ("class Tracker: ...\n", "has no method update; define update(skeletons, timestamp) in it"),
    "nothing": ("x = 1\n", "has neither a class Tracker nor a function update; define update(skeletons, timestamp)"),
    "no Python": ("def\n", "the tracker file"),
    "a name": ("x = y\n", "cannot be loaded: line 1: NameError: name 'y' is not defined"),
    "ends at once": ("import os\nos._exit(1)\n", "cannot be loaded: line 2: SystemExit: os._exit(1)"),
}


@pytest.mark.parametrize("what", FAILS)
def test_failures_are_one_sentence_with_the_file(plugin, layout, people, what):
    text, sentence = FAILS[what]
    path = plugin(text)
    with pytest.raises(TrackerError) as error:
        load_tracker(path, layout).update(people, 0.0)
    assert sentence in str(error.value)
    assert path in str(error.value)


def test_there_is_no_such_tracker(layout, tmp_path):
    with pytest.raises(TrackerError, match="there is no tracker nearst; give the path .* or one of none, oks"):
        load_tracker("nearst", layout)
    (tmp_path / "tracker.txt").write_text("")
    with pytest.raises(TrackerError, match=r"the tracker file .*tracker.txt must be a Python file; its name must end"):
        load_tracker(tmp_path / "tracker.txt", layout)


def test_changes_of_the_input_stay_with_the_plug_in_and_are_told_once(plugin, layout, people):
    tracker = load_tracker(plugin(f"{FUNCTION}skeletons.keypoints[:] = 0\n    return [0, 1]\n"), layout)
    before = people.keypoints.copy()
    with pytest.warns(OpenPoseLabWarning, match="my_tracker.py changes the skeletons that it receives"):
        tracker.update(people, 0.0)
    tracker.update(people, 0.0)  # a second warning would be an error
    np.testing.assert_array_equal(people.keypoints, before)


def test_printing_is_told_once(plugin, layout, people, capsys):
    tracker = load_tracker(plugin(f"{FUNCTION}print('here')\n    return [0, 1]\n"), layout)
    with pytest.warns(OpenPoseLabWarning, match=r"my_tracker.py prints 'here\\n'; remove the prints"):
        tracker.update(people, 0.0)
    tracker.update(people, 0.0)
    assert capsys.readouterr().out == ""


def test_a_stream_gets_identities(layout, people):
    frames = [Frame(index, time, "video", np.zeros((1, 1, 3), np.uint8)) for index, time in enumerate([0.0, 0.1, None])]
    found = list(identify(((frame, people) for frame in frames), load_tracker("oks", layout)))
    assert [frame for frame, _ in found] == frames
    assert [skeletons.person_ids.tolist() for _, skeletons in found] == [[-1, -1], [-1, -1], [0, 1]]
    np.testing.assert_array_equal(found[2][1].keypoints, people.keypoints)
    assert people.person_ids.tolist() == [-1, -1]


def test_every_public_name_is_there():
    assert all(hasattr(tracking, name) for name in tracking.__all__)


def test_the_page_s_tracker_works(plugin, layout, people):
    page = (ROOT / "docs" / "tracking.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    tracker = load_tracker(plugin(code), layout)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tracker.update(people, 0.0).tolist() == [0, 1]
        assert tracker.update(people.select([1, 0]), 0.04).tolist() == [1, 0]
        assert tracker.update(people_at(layout, (310, 200), (500, 200)), 0.08).tolist() == [1, 2]
        assert tracker.update(people.select([]), 0.12).tolist() == []
