"""Imports run one way, without a cycle, and TensorFlow is loaded only when a network is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

ESTIMATION = (
    {"discovery", "errors", "quiet", "thresholds"},
    {"built_in_groupings", "layouts"},
    {"config"},
    {"angles", "field_maps", "photo_arrays", "photo_headers", "proportions", "quality"},
    {"coordinates", "files", "synthesis", "views"},
    {"connections", "photos"},
    {"subset"},
    {"merge", "scoring"},
    {"grouping", "skeletons"},
    {"estimators", "faces", "renderers"},
    {"pipeline"},
)
"""The modules of ``estimation``: each imports only those of earlier sets. A new module needs a place here."""
ROOMS = (
    {"estimation", "models"},
    {
        "openpose_lab.checksums",
        "openpose_lab.file_locks",
        "openpose_lab.kept_files",
        "openpose_lab.layout_files",
        "openpose_lab.overlap",
        "openpose_lab.paths",
        "openpose_lab.spreadsheets",
        "openpose_lab.zip_files",
    },
    {"openpose_lab.downloads", "openpose_lab.extras"},
    {"openpose_lab.networks", "openpose_lab.sources", "openpose_lab.formats", "openpose_lab.npz_files"},
    {"openpose_lab.tracking"},
    {"openpose_lab.estimator"},
    {"openpose_lab.evaluation", "openpose_lab.job"},
    {"openpose_lab.training"},
    {"openpose_lab.benchmark", "openpose_lab.lab"},
    {"openpose_lab.batch"},
    {"openpose_lab.commands"},
    {"openpose_lab.__main__", "demo_image", "demo_video"},
    {"scripts"},
)
"""The rooms of the project: each imports only those of earlier sets. A new room needs a place here."""
OUTSIDE = {"openpose_lab"}  # the package itself exports names lazily


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


PATHS = {
    module_name(path): path
    for folder in ("estimation", "models", "openpose_lab", "scripts")
    for path in sorted((ROOT / folder).rglob("*.py"))
} | {name: ROOT / f"{name}.py" for name in ("demo_image", "demo_video")}


def imports_of(name: str, late: bool = True) -> set[str]:
    """The project's modules that a module imports. late: also inside functions and for type checkers."""
    path = PATHS[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), late):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            found |= {f"{base}.{alias.name}" if f"{base}.{alias.name}" in PATHS else base for alias in node.names}
    return {one for one in found if one.split(".")[0] in {known.split(".")[0] for known in PATHS}}


def _nodes(tree: ast.AST, late: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        is_late = isinstance(node, ast.FunctionDef | ast.Lambda) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        )
        if late or not is_late:
            yield from _nodes(node, late)


def place(name: str, order: tuple[set[str], ...]) -> tuple[int, str]:
    """The number of the set that a module is in, and the member of the set."""
    for number, members in enumerate(order):
        for member in members:
            if name == member or name.startswith(f"{member}."):
                return number, member
    raise AssertionError(f"{name} has no place in the order of imports; give it one in {Path(__file__).name}")


@pytest.mark.parametrize("name", PATHS)
def test_imports_run_one_way(name):
    if name in OUTSIDE:
        return
    number, member = place(name, ROOMS)
    for imported in imports_of(name):
        if imported not in OUTSIDE:
            other_number, other = place(imported, ROOMS)
            assert other_number < number or other == member, f"{name} imports {imported}"


@pytest.mark.parametrize("name", [name for name in PATHS if name.startswith("estimation.")])
def test_imports_within_estimation_run_one_way(name):
    number, member = place(name.removeprefix("estimation."), ESTIMATION)
    for imported in imports_of(name, late=False):
        other_number, other = place(imported.removeprefix("estimation."), ESTIMATION)
        assert other_number < number or other == member, f"{name} imports {imported}"


def test_no_module_imports_itself_by_way_of_others():
    waiting = {name: imports_of(name, late=False) & PATHS.keys() - {name} for name in PATHS}
    while waiting:
        free = {name for name, imported in waiting.items() if not imported & waiting.keys()}
        assert free, f"these modules import each other: {sorted(waiting)}"
        waiting = {name: imported for name, imported in waiting.items() if name not in free}


def test_only_programs_parse_command_lines():
    for name, path in PATHS.items():
        if "import argparse" in path.read_text(encoding="utf-8"):
            assert name.startswith(("openpose_lab.commands.", "scripts.")), name


def test_the_networks_code_imports_keras_and_itself_only():
    for name, path in PATHS.items():
        if name.split(".")[0] == "models":
            assert imports_of(name) <= {one for one in PATHS if one.split(".")[0] == "models"}, path
            for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), late=True):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                relative = isinstance(node, ast.ImportFrom) and node.level > 0
                for one in names:
                    assert relative or one.split(".")[0] in {"keras", *sys.stdlib_module_names}, f"{path}: {one}"
                assert relative or not any(one.split(".")[0] == "models" for one in names), (
                    f"{path}: name it relatively"
                )


def test_estimation_never_loads_tensorflow():
    modules = [name for name in PATHS if name.split(".")[0] == "estimation"]
    script = f"""
import importlib, sys
for module in {modules!r}:
    importlib.import_module(module)
heavy = {{"tensorflow", "keras", "models", "openpose_lab"}} & set(sys.modules)
sys.exit(f"loaded: {{heavy}}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["models", "openpose_lab", "openpose_lab.networks", "openpose_lab.commands.image"])
def test_tensorflow_is_loaded_late(module):
    script = f"import sys, {module}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


@pytest.mark.slow
def test_tensorflow_is_loaded_without_matplotlib_which_still_can_be_had_then():
    script = """
import sys
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow
load_tensorflow()
sys.exit("matplotlib" in sys.modules or __import__("matplotlib.figure") is None)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.DEVNULL).returncode == 0
