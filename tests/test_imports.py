"""Imports run one way, and looking at merge.py never loads TensorFlow."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "estimation").rglob("*.py")
)
ALLOWED = {
    "estimation": {"estimation"},
    "openpose_lab": {"estimation", "openpose_lab"},
    "models": {"estimation", "openpose_lab", "models"},
    "tools": {"estimation", "openpose_lab", "models", "tools"},
}


def test_estimation_never_loads_tensorflow():
    script = f"""
import importlib, sys
for module in {MODULES!r}:
    importlib.import_module(module)
heavy = {{"tensorflow", "keras", "models"}} & set(sys.modules)
sys.exit(f"loaded: {{heavy}}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_models_and_demo_load_tensorflow_late():
    script = "import models, demo_image, sys; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                root = name.split(".")[0]
                assert root not in {*ALLOWED, "tests"} - ALLOWED[package], f"{path}: {name}"


def test_networks_as_layers_import_keras_and_nothing_of_the_project():
    architectures = []
    for path in sorted((ROOT / "models").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        modules = {node.module for node in imports if node.level != 1}  # its own folder is allowed
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        if any(isinstance(node, ast.ImportFrom) and node.module == "keras" for node in tree.body):
            architectures.append(path.stem)
            assert modules <= {"__future__", "collections.abc", "keras"}, path
    assert architectures == ["lightweight", "mobilenet", "openpose_vgg19"]


@pytest.mark.slow
def test_tensorflow_is_loaded_without_matplotlib_which_still_can_be_had_then():
    script = """
import sys
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow
load_tensorflow()
sys.exit("matplotlib" in sys.modules or __import__("matplotlib.figure") is None)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL).returncode == 0
