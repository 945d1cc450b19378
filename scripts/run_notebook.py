"""Execute docs/lab.ipynb and save it with its outputs, without the parts that differ from run to run.

You edit the notebook itself, in JupyterLab or as text. This program needs the packages of requirements-dev.txt.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabError
from estimation.files import check_writable, read_input, write_whole
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.paths import ROOT

EXAMPLES = """examples:
  python -m scripts.run_notebook                                                  execute docs/lab.ipynb in place
  python -m scripts.run_notebook --merge estimation/merge.py --out right.ipynb    put a merge into its cell
"""
NOTEBOOK = ROOT / "docs" / "lab.ipynb"
MERGE_CELL = "merge"
"""The id of the cell in which the student writes ``merge``."""
_LARGEST = 16 << 20
_SECONDS = 300  # time limit of a cell
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_FRAME = re.compile(r"<iframe .*?</iframe>", re.DOTALL)
_IN_PLACE_OF_FRAME = "<p>Run this cell to see the page.</p>"


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.run_notebook", __doc__, EXAMPLES)
    parser.add_argument("notebook", nargs="?", type=Path, default=NOTEBOOK, help="default: docs/lab.ipynb")
    parser.add_argument("--merge", type=Path, metavar="FILE", help="put this file into the cell of merge")
    parser.add_argument("--out", type=Path, help="the notebook to write (default: the executed notebook)")
    options = parser.parse_args(arguments)
    if options.merge and not options.out:
        raise OpenPoseLabError("--merge needs --out, because the notebook of students must not contain a merge")
    out = options.out or options.notebook
    check_writable(out)
    notebook = read(options.notebook)
    if options.merge:
        fill_in(notebook, read_input(options.merge, "merge", _LARGEST).decode())
    execute(notebook, options.notebook.parent)
    text = tidy(notebook)
    write_whole(out, text.encode())
    print(f"wrote {shown(out)} ({len(text) / 1e3:.0f} kB)")


def read(path: Path) -> Any:
    """Read a notebook.

    Args:
        path: The .ipynb file.

    Returns:
        The notebook, as an object of nbformat.

    Raises:
        OpenPoseLabError: The file cannot be read, or nbformat is not installed.
    """
    try:
        import nbformat
    except ImportError:
        raise OpenPoseLabError("nbformat is not installed; pip install -r requirements-dev.txt") from None
    return nbformat.reads(read_input(path, "notebook", _LARGEST).decode(), as_version=4)


def fill_in(notebook: Any, code: str) -> None:
    """Put code into the cell of ``merge``."""
    (cell,) = (cell for cell in notebook.cells if cell.id == MERGE_CELL)
    cell.source = code.strip("\n")


def execute(notebook: Any, folder: Path) -> None:
    """Execute all cells with this Python, in place.

    Args:
        notebook: The notebook.
        folder: The working directory of the kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell raises an error.
    """
    from nbclient import NotebookClient

    with _settings_of_nobody():
        NotebookClient(
            notebook, timeout=_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()


@contextmanager
def _settings_of_nobody() -> Iterator[None]:
    """Run the kernel without the user's settings and history of IPython."""
    before = os.environ.get("IPYTHONDIR")
    with tempfile.TemporaryDirectory(prefix="ipython-", ignore_cleanup_errors=True) as folder:
        os.environ["IPYTHONDIR"] = folder
        try:
            yield
        finally:
            del os.environ["IPYTHONDIR"]
            if before is not None:
                os.environ["IPYTHONDIR"] = before


def tidy(notebook: Any) -> str:
    """Remove the parts of an executed notebook that differ from run to run, and the large page of ``explain``.

    Args:
        notebook: The notebook. It is modified in place.

    Returns:
        The text of the file.
    """
    import nbformat

    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = None
            output.pop("transient", None)
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = _FRAME.sub(_IN_PLACE_OF_FRAME, output.data["text/html"])
    nbformat.validate(notebook)
    return f"{nbformat.writes(notebook).rstrip()}\n"


if __name__ == "__main__":
    sys.exit(start("run_notebook", main, sys.argv[1:]))
