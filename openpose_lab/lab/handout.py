"""The handout: what of the project students get, with merge.py reduced to what has to be written."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from estimation.errors import OpenPoseLabError
from openpose_lab.paths import ROOT, in_clone

MERGE = "estimation/merge.py"
_TASK = """    raise NotImplementedError(
        "the lab's task is yet to be done: write merge in estimation/merge.py, which makes people of limbs; "
        "python -m openpose_lab check-merge tells how far you are"
    )"""
_PROGRAMS = (
    MERGE,
    "demo_image.py",
    "openpose_lab/__main__.py",
    "openpose_lab/commands/check_merge.py",
    "openpose_lab/commands/explain.py",
    "openpose_lab/commands/image.py",
    "openpose_lab/commands/weights.py",
    "openpose_lab/lab/sandbox/worker.py",
    "tests/estimation/test_merge.py",
)
"""What students run; what these import comes with them."""
_LAYOUTS = "estimation/layouts/*.py"  # found by listing, so that no import leads to them
_OTHERS = (
    "requirements.txt",
    "requirements-light.txt",
    "LICENSE",
    "NOTICE",
    _LAYOUTS,
    "openpose_lab/formats/*.py",
    "openpose_lab/networks/**/*.py",
    "models/**/*.py",
    "images/skiers.jpg",
    "images/CREDITS.md",
    "model_weights/README.md",
    "model_weights/human-pose-estimation-0001-FP16-INT8.*",
    "model_weights/LICENSE-Apache-2.0.txt",
    "openpose_lab/lab/explain/page/*",
    "openpose_lab/lab/photo_rows.npz",
    "docs/lab_student.md",
    "docs/explain.md",
    "docs/weights.md",
    "docs/pictures/lab_*",
)
_README = """# The lab: design your own grouping algorithm

Begin with [docs/lab_student.md](docs/lab_student.md).
"""
_IMPORTABLE = (
    "estimation/",
    "openpose_lab/__init__.py",
    "openpose_lab/lab/__init__.py",
    *(f"openpose_lab/lab/sandbox/{name}.py" for name in ("__init__", "worker", "messages", "landlock", "seccomp")),
)
"""Of the handout submissions see only this when they are graded: not the cases that they are tried on."""


def handout_files() -> dict[str, bytes]:
    """Collect the content of each file of the handout, by its path with slashes.

    Raises:
        OpenPoseLabError: The project was installed as a package, which lacks documents and tests.
    """
    if not in_clone():
        raise OpenPoseLabError(
            "the handout needs a clone of the project, as the installed package has no documents; run it there"
        )
    found = (path for pattern in _OTHERS for path in ROOT.glob(pattern) if path.is_file())
    others = {path.relative_to(ROOT).as_posix() for path in found}
    modules = {name for name in others if name.endswith(".py")}  # found by listing, so no import leads to them
    return {**_read(others.union(needed_by([*_PROGRAMS, *modules]))), "README.md": _README.encode()}


def importable_files() -> dict[str, bytes]:
    """Collect what a submission can import when it is graded, from a clone or an installed package."""
    names = {*needed_by(_PROGRAMS), *(path.relative_to(ROOT).as_posix() for path in ROOT.glob(_LAYOUTS))}
    return _read(name for name in names if name.startswith(_IMPORTABLE))


def _read(names: Iterable[str]) -> dict[str, bytes]:
    files = {name: (ROOT / name).read_bytes() for name in sorted(names) if not name.endswith(".pyc")}
    files[MERGE] = reduce_to_task(files[MERGE].decode("utf-8"), "merge").encode()
    return files


def needed_by(names: Iterable[str]) -> list[str]:
    """The modules of the project that these import, and those that they import, with the packages that they are in."""
    found: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or not (ROOT / name).is_file():
            continue
        found.append(name)
        waiting += [f"{folder}/__init__.py" for folder in PurePosixPath(name).parents if folder.name]
        for node in _imports(ast.parse((ROOT / name).read_bytes())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                path = module.replace(".", "/")
                waiting += [f"{path}.py", f"{path}/__init__.py"]
    return found


def _imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports in a module, those for type checkers aside."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _imports(node)


def reduce_to_task(text: str, function: str) -> str:
    """A module's text with one function, whose body is its docstring and the task; other functions are left out."""
    module = ast.parse(text)
    lines = text.splitlines()
    kept = []
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            docstring = node.body[0]
            kept.append("\n".join(lines[node.lineno - 1 : docstring.end_lineno]))
            kept[-1] = f"\n{kept[-1]}\n{_TASK}"
        elif not isinstance(node, ast.FunctionDef):
            kept.append("\n".join(lines[node.lineno - 1 : node.end_lineno]) + "\n")
    return "\n".join(kept) + "\n"


def pack(files: dict[str, bytes], folder: str) -> bytes:
    """The files in a zip archive, all in one folder. The same files make the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()
