"""The files that a submission can import during grading: those of the handout, with merge.py as students get it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from openpose_lab.paths import ROOT

MERGE = "estimation/merge.py"
_TASK = """    raise NotImplementedError(
        "the lab's task is yet to be done: write merge in estimation/merge.py, which makes people of limbs; "
        "python -m openpose_lab check-merge shows which checks pass"
    )"""
PROGRAMS = (
    MERGE,
    "demo_image.py",
    "openpose_lab/__main__.py",
    "openpose_lab/commands/check_merge.py",
    "openpose_lab/commands/explain.py",
    "openpose_lab/commands/image.py",
    "openpose_lab/commands/report.py",
    "openpose_lab/commands/weights.py",
    "openpose_lab/lab/notebook.py",
    "openpose_lab/lab/sandbox/worker.py",
    "tests/estimation/test_merge.py",
)
"""The files that students run. The handout also contains the modules that these files import."""
LAYOUTS = "estimation/layouts/*.py"
MODULES = (LAYOUTS, "openpose_lab/formats/*.py", "openpose_lab/networks/**/*.py")
"""Modules that the handout's programs find by listing folders. No import names them."""
ALLOWED = "Python's own modules, numpy, scipy, cv2, and the handout's modules in estimation"
"""The modules that a submission may import, in words."""
_IMPORTABLE = (
    "estimation/",
    "openpose_lab/__init__.py",
    "openpose_lab/lab/__init__.py",
    *(f"openpose_lab/lab/sandbox/{name}.py" for name in ("__init__", "worker", "messages", "landlock", "seccomp")),
)
"""The part of the handout that submissions can read during grading. It lacks the cases that test them."""


def importable_names() -> set[str]:
    """Return the paths, with slashes, of the files that a submission can import. Works in a clone, handout or package.

    Imports of ``merge.py`` do not count, because it may be a student's file.
    """
    listed = (path.relative_to(ROOT).as_posix() for pattern in MODULES for path in ROOT.glob(pattern))
    return {name for name in needed_by([*PROGRAMS, *listed]) if name.startswith(_IMPORTABLE)}


def with_allowed(error: str) -> str:
    """Add the allowed imports to an error about a missing module."""
    return f"{error}; a submission may import {ALLOWED}" if "ModuleNotFoundError: " in error else error


def importable_files() -> dict[str, bytes]:
    """Collect the contents of the importable files by path."""
    return read_files(importable_names())


def read_files(names: Iterable[str]) -> dict[str, bytes]:
    """Read files of the project by path, with ``merge.py`` reduced to its task."""
    files = {name: (ROOT / name).read_bytes() for name in sorted(names) if not name.endswith(".pyc")}
    files[MERGE] = reduce_to_task(files[MERGE].decode("utf-8"), "merge").encode()
    return files


def needed_by(names: Iterable[str]) -> list[str]:
    """Find the modules of the project that some modules import, directly or not, with their packages."""
    found: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found or not (ROOT / name).is_file():
            continue
        found.append(name)
        if name == MERGE:
            continue
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
    """Yield the imports of a module, except those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _imports(node)


def reduce_to_task(text: str, function: str) -> str:
    """Reduce a module's text: one function keeps its docstring and gets the task as body; other functions go."""
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
