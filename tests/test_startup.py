"""What programs import: options need neither NumPy nor OpenCV, and a run needs no library of another purpose."""

import subprocess
import sys

import pytest

from openpose_lab.__main__ import command_names
from tests.conftest import ROOT

ARRAYS = ("numpy", "cv2", "scipy")
LIBRARIES = ("tensorflow", "keras", "matplotlib", "pycocotools", "h5py", "hypothesis", "pandas", "pyarrow")
OTHERS = (*LIBRARIES, "http.client", "urllib.request")
RUN = """
import sys
from openpose_lab.__main__ import main
sys.argv[1:] = {arguments}
status = main()
found = sorted(set({forbidden}) & set(sys.modules))
sys.exit(f"status {{status}}, imported: {{found}}" if status or found else 0)
"""
SEES_NOBODY = """
import numpy as np
from openpose_lab.networks import NETWORKS, loading
from openpose_lab.networks.network import LoadedNetwork
from openpose_lab.networks.runtimes.base import BatchMaps, StageMaps

class SeesNobody:
    def run(self, batch):
        shape = (len(batch), batch.shape[1] // 8, batch.shape[2] // 8)
        return BatchMaps(np.zeros((*shape, 19), np.float32), np.zeros((*shape, 38), np.float32))

    def run_stages(self, batch):
        maps = self.run(batch)
        return [StageMaps(maps.heatmaps, maps.pafs)]

loading.load_network = lambda name, *_, **__: LoadedNetwork(NETWORKS[name], SeesNobody())
"""


def python(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [[], *([name] for name in command_names())], ids=str)
def test_help_imports_neither_numpy_nor_opencv(arguments):
    said = python(RUN.format(arguments=[*arguments, "--help"], forbidden=(*ARRAYS, "tqdm", *OTHERS)))
    assert said.startswith("usage: openpose-lab")


def test_help_of_the_lab_s_program_imports_neither_numpy_nor_opencv():
    run = RUN.replace("main()", 'start("demo_image.py", main, sys.argv[1:])')
    run = run.replace("from openpose_lab.__main__", "from openpose_lab.commands.program import start\nfrom demo_image")
    said = python(run.format(arguments=["--help"], forbidden=(*ARRAYS, "tqdm", *OTHERS)))
    assert said.startswith("usage: python demo_image.py")


def test_the_demo_imports_no_library_of_another_purpose(tmp_path):
    outputs = ["--output", str(tmp_path / "output.png"), "--json", str(tmp_path / "people.json")]
    said = python(SEES_NOBODY + RUN.format(arguments=outputs, forbidden=("scipy", "tqdm", "platformdirs", *OTHERS)))
    assert "people       0\n" in said
    assert (tmp_path / "output.png").is_file()


@pytest.mark.slow
def test_openvino_executes_the_demo_s_network_without_a_library_of_another_purpose(tmp_path):
    pytest.importorskip("openvino")
    outputs = ["--output", str(tmp_path / "output.png"), "--runtime", "openvino"]
    said = python(RUN.format(arguments=outputs, forbidden=("scipy", "tqdm", "platformdirs", "numpy.random", *OTHERS)))
    assert "people       0" not in said


def test_explain_imports_no_library_of_another_purpose(tmp_path):
    page = tmp_path / "explain.html"
    python(SEES_NOBODY + RUN.format(arguments=["explain", "--output", str(page)], forbidden=("scipy", *OTHERS)))
    assert page.is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "used"), [(["check-merge"], "hypothesis"), (["handout", "--out", "ZIP"], "")])
def test_the_lab_s_programs_import_no_library_of_another_purpose(tmp_path, arguments, used):
    arguments = [str(tmp_path / "lab.zip") if argument == "ZIP" else argument for argument in arguments]
    python(RUN.format(arguments=arguments, forbidden=("scipy", *(name for name in OTHERS if name != used))))


@pytest.mark.slow
def test_crowds_are_compared_without_what_photos_need(tmp_path):
    few = ["--people", "2", "--overlap", "0", "--scenes", "1", "--only", "lab"]
    files = ["--csv", str(tmp_path / "groupings.csv"), "--plot", str(tmp_path / "groupings.png")]
    python(RUN.format(arguments=["compare-groupings", *few, *files], forbidden=("tensorflow", "keras", "h5py")))
