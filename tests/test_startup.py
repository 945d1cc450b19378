"""What programs import: options need neither NumPy nor OpenCV, and a run needs no library of another purpose."""

import subprocess
import sys

import pytest

from openpose_lab.__main__ import command_names
from tests.conftest import ROOT

ARRAYS = ("numpy", "cv2", "scipy")
OTHERS = ("tensorflow", "keras", "matplotlib", "pycocotools", "h5py", "hypothesis", "http.client", "urllib.request")
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
from openpose_lab.networks.runtimes.base import BatchMaps

class SeesNobody:
    def run(self, batch):
        shape = (len(batch), batch.shape[1] // 8, batch.shape[2] // 8)
        return BatchMaps(np.zeros((*shape, 19), np.float32), np.zeros((*shape, 38), np.float32))

loading.load_network = lambda name, *_, **__: LoadedNetwork(NETWORKS[name], SeesNobody())
"""


def python(code, *, cwd=ROOT):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [[], *([name] for name in command_names())], ids=str)
def test_help_imports_neither_numpy_nor_opencv(arguments):
    said = python(RUN.format(arguments=[*arguments, "--help"], forbidden=(*ARRAYS, "tqdm", *OTHERS)))
    assert said.startswith("usage: openpose-lab")


def test_help_of_the_lab_s_program_imports_neither_numpy_nor_opencv():
    said = python(f"""
import sys, demo_image
from openpose_lab.commands.program import start
status = start("demo_image.py", demo_image.main, ["--help"])
sys.exit(str(set({(*ARRAYS, "tqdm", *OTHERS)}) & set(sys.modules)) if "cv2" in sys.modules or status else 0)
""")
    assert said.startswith("usage: python demo_image.py")
