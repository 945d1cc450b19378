"""The checks again and again, in processes that are ready before the file is saved."""

import threading

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.check_again import CheckAgain, Superseded
from openpose_lab.lab.outcomes import Outcome
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.lab.sandbox.runner import Runner
from openpose_lab.lab.watched_file import WatchedFile
from tests.openpose_lab.lab.test_merge_checks import RIGHT
from tests.support import hostile

FAILS = "def merge(subset):\n    return 1 / 0\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "my_merge.py"
    path.write_text(FAILS)
    return path


@pytest.fixture
def runners(monkeypatch):
    """The runners that were begun."""
    begun = []
    begin = Runner.begin
    monkeypatch.setattr(Runner, "begin", lambda runner: (begun.append(runner), begin(runner)))
    return begun


def test_the_process_was_begun_before_the_file_is_saved(path, runners):
    watched = WatchedFile(path)
    with CheckAgain(path, Limits(), watched) as checks:
        assert [runner.alone for runner in runners] == [False]
        assert "ZeroDivisionError" in str(checks.run()[0].failures)
        assert [runner.alone for runner in runners] == [False, True, False]
        path.write_text("def merge(subset)\n")
        watched.wait()
        with pytest.raises(OpenPoseLabError, match="SyntaxError"):
            checks.run()
        assert [runner.alone for runner in runners] == [False, True, False, False]
    assert all(runner._process is None for runner in runners)


def test_a_process_that_has_ended_meanwhile_is_begun_again(path, runners):
    with CheckAgain(path, Limits(), WatchedFile(path)) as checks:
        runners[0].kill()
        outcome, f1 = checks.run()
        assert "ZeroDivisionError" in str(outcome.failures)
        assert f1 is None


@pytest.mark.slow
def test_a_file_that_is_gone_is_one_sentence(path):
    watched = WatchedFile(path)
    with CheckAgain(path, Limits(), watched) as checks:
        path.unlink()
        watched.wait()
        for _ in range(2):  # the second time, no process waits
            with pytest.raises(OpenPoseLabError, match="there is no "):
                checks.run()
        path.write_text(FAILS)
        watched.wait()
        assert checks.run()[0].failures


@pytest.mark.slow
def test_a_save_ends_the_checks_of_what_was_there_before(path):
    path.write_text(hostile.LOOP)
    watched = WatchedFile(path)
    with CheckAgain(path, Limits(seconds=3600), watched) as checks:
        saving = threading.Timer(1, path.write_text, [RIGHT.read_text()])
        saving.start()
        with pytest.raises(Superseded):
            checks.run()
        saving.join()
        watched.wait()
        outcome, f1 = checks.run()
    assert outcome == Outcome()
    assert f1 == pytest.approx(0.948, abs=0.001)
