import importlib.util

import pytest

from openpose_lab import extras
from scripts.measure_tracking import main


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("trackeval") is None, reason="needs trackeval, of requirements-dev.txt")
def test_a_tracker_is_measured(call_program, tmp_path):
    (tmp_path / "mine.py").write_text("def update(skeletons, timestamp):\n    return [-1] * len(skeletons)\n")
    status, out, _ = call_program("measure_tracking", main, "--seeds", 1, "--tracker", tmp_path / "mine.py")
    assert status == 0
    assert f"| {tmp_path / 'mine.py'} | 0.000 | 0.000 (0) | 0.000 | 0.0 |" in out
    assert "| no mistake | 0.97" in out
    assert "| fast, 0.33 to 0.5 | 28 to 40 | 0.000, 0.000, 0.0 |" in out
    assert "ms a frame with 10 people" in out


def test_trackeval_is_asked_for(call_program, monkeypatch):
    monkeypatch.setattr(extras, "is_installed", lambda library: False)
    status, _, err = call_program("measure_tracking", main)
    assert status == 1
    assert "measuring identities needs trackeval, which is not installed; run `pip install trackeval`" in err
