"""OpenVINO is loaded without its converter, and the converter without its telemetry."""

import subprocess
import sys

import pytest

from openpose_lab.networks.runtimes.hiding import hidden
from tests.conftest import ROOT

LOAD = """
import sys
from openpose_lab.networks.runtimes.openvino_loading import load_converter, load_openvino
{then}
telemetry = {{"openvino_telemetry", "http.client", "multiprocessing"}} & set(sys.modules)
sys.exit(f"imported: {{telemetry}}" if telemetry else 0)
"""


@pytest.mark.parametrize(
    "then",
    [
        "load_openvino(); import openvino; openvino.Core(); assert 'openvino.tools.ovc' not in sys.modules",
        "assert load_converter().__name__ == 'convert_model'; import openvino; openvino.Core()",
    ],
    ids=["runtime", "converter"],
)
def test_nothing_of_openvino_reports_its_use(then):
    pytest.importorskip("openvino")
    done = subprocess.run([sys.executable, "-c", LOAD.format(then=then)], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_hidden_package_cannot_be_imported_and_comes_back(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with hidden("this"), pytest.raises(ImportError):
        import this  # noqa: F401
    assert "this" not in sys.modules
    with hidden("json"):
        import json

        assert json.loads("1") == 1
