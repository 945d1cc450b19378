"""OpenVINO is loaded without its converter, and the converter without its telemetry."""

import subprocess
import sys

import pytest

from openpose_lab.networks.runtimes.hiding import hidden
from tests.conftest import ROOT

LOAD = """
import sys
from openpose_lab.networks.runtimes.openvino_loading import load_openvino
load_openvino()
import openvino
openvino.Core()
telemetry = {"openvino.tools.ovc", "openvino_telemetry", "http.client", "multiprocessing"} & set(sys.modules)
sys.exit(f"imported: {{telemetry}}" if telemetry else 0)
"""


def test_nothing_of_openvino_reports_its_use():
    pytest.importorskip("openvino")
    done = subprocess.run([sys.executable, "-c", LOAD], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_hidden_package_cannot_be_imported_and_comes_back(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with hidden("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules
    with hidden("json"):
        import json

        assert json.loads("1") == 1
