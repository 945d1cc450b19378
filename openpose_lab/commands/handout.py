"""The exercise as students get it: the project in one archive, with merge.py reduced to what has to be written.

Neither an answer nor the checks that only the grader makes are in it. What is in it runs as it does here: the demo, and
check_merge, which tells a student how far they are.
"""

from __future__ import annotations

import argparse
import ast
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from estimation.errors import OpenPoseLabError
from estimation.files import check_outputs, write_whole
from openpose_lab.commands.options import make_parser
from openpose_lab.paths import ROOT

MERGE = "estimation/merge.py"
_TASK = """    raise NotImplementedError(
        "the lab's task is yet to be done: write merge in estimation/merge.py, which makes people of limbs; "
        "python -m openpose_lab check-merge tells how far you are"
    )"""
_PROGRAMS = (
    MERGE,
    "demo_image.py",
    "openpose_lab/commands/check_merge.py",
    "openpose_lab/commands/explain.py",
    "openpose_lab/commands/weights.py",
    "openpose_lab/lab/sandbox/worker.py",
    "tests/estimation/test_merge.py",
)
"""What students run; what these import comes with them."""
_OTHERS = (
    "requirements.txt",
    "LICENSE",
    "NOTICE",
    "estimation/layouts/*.py",
    "models/**/*.py",
    "openpose_lab/networks/*.py",
    "openpose_lab/networks/runtimes/*.py",
    "images/*",
    "model_weights/README.md",
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
_EXAMPLES = """example:
  python -m openpose_lab handout --out lab.zip
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    options = parse_options(arguments)
    if options.out.suffix != ".zip":
        raise OpenPoseLabError(f"cannot write {options.out}: its name must end in .zip")
    check_outputs([options.out], [])
    files = handout_files()
    data = pack(files, options.out.stem)
    write_whole(options.out, data)
    print(f"wrote {options.out}: {len(files)} files, {len(data) / 1e6:.1f} MB; {MERGE} is left to be written")


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = make_parser("handout", __doc__, _EXAMPLES)
    parser.add_argument("--out", type=Path, default=Path("lab.zip"), help="the archive (default: lab.zip)")
    return parser.parse_args(arguments)


def handout_files() -> dict[str, bytes]:
    """The content of each file of the handout, by its path with slashes."""
    names = set(needed_by(_PROGRAMS))
    for pattern in _OTHERS:
        names.update(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern) if path.is_file())
    files = {name: (ROOT / name).read_bytes() for name in sorted(names) if not name.endswith(".pyc")}
    files[MERGE] = reduce_to_task(files[MERGE].decode("utf-8"), "merge").encode()
    files["README.md"] = _README.encode()
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
        for node in ast.walk(ast.parse((ROOT / name).read_bytes())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                path = module.replace(".", "/")
                waiting += [f"{path}.py", f"{path}/__init__.py"]
    return found


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
