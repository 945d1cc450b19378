"""docs/lab.ipynb: it leaves merge to be written, it is small, it executes both ways, and it can be handed in."""

import ast
import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile

import pytest

from estimation.grouping import LAB_MERGE
from openpose_lab.lab import handout
from openpose_lab.lab.grading.submissions import find_submissions
from openpose_lab.lab.notebook_code import merge_of_notebook
from openpose_lab.lab.results import check_file
from openpose_lab.lab.sandbox.limits import Limits
from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "lab.ipynb"
MOST_BYTES = 300_000
PATHS_OF_MACHINES = re.compile(r"/(?:home|root|tmp|work|Users|private|opt|usr)/|[A-Z]:\\\\|ipykernel_|site-packages")
MISSING = [name for name in ("nbclient", "nbformat", "ipykernel") if importlib.util.find_spec(name) is None]
needs_jupyter = pytest.mark.skipif(bool(MISSING), reason="needs nbclient and ipykernel, of requirements-dev.txt")


def cells_of(path):
    return {cell["id"]: cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}


def text_of(cell):
    """What a terminal would show of a cell's outputs."""
    outputs = cell["outputs"]
    return "".join("".join(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs)


def html_of(cell):
    return "".join("".join(output["data"].get("text/html", "")) for output in cell["outputs"] if "data" in output)


def function_of(code):
    return next(node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef))


def test_it_is_small_and_holds_no_path_of_a_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert 100_000 < len(text.encode()) < MOST_BYTES
    for cell in cells_of(NOTEBOOK).values():
        for shown in ("".join(cell["source"]), text_of(cell) + html_of(cell) if "outputs" in cell else ""):
            assert not PATHS_OF_MACHINES.search(shown), cell["id"]


def test_its_form():
    """What nbformat validates, where it is not installed."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert notebook.keys() == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert len(cells_of(NOTEBOOK)) == len(notebook["cells"])
    for cell in notebook["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert cell["metadata"] == {}
        if cell["cell_type"] == "markdown":
            assert cell.keys() == {"cell_type", "id", "metadata", "source"}
            continue
        assert cell.keys() == {"cell_type", "execution_count", "id", "metadata", "outputs", "source"}
        assert cell["execution_count"] is None
        for output in cell["outputs"]:
            assert output["output_type"] in ("stream", "execute_result")
            assert output.get("execution_count") is None


def test_its_pictures_are_inline_and_the_film_s_page_is_left_out():
    cells = cells_of(NOTEBOOK)
    pictures = [name for name, cell in cells.items() if '"image/jpeg"' in json.dumps(cell)]
    assert pictures == ["heatmap", "peaks", "paf", "limbs"]
    assert "<iframe" not in NOTEBOOK.read_text(encoding="utf-8")
    assert "Run this cell to see the page." in html_of(cells["film"])


def test_merge_is_left_to_be_written():
    cell, ours = ("".join(cells_of(NOTEBOOK)["merge"]["source"]), LAB_MERGE.read_text(encoding="utf-8"))
    function, answer = function_of(cell), function_of(ours)
    assert ast.dump(function.args) == ast.dump(answer.args)
    assert ast.get_docstring(function) == ast.get_docstring(answer)
    assert [type(node) for node in function.body] == [ast.Expr, ast.Raise]


def test_the_grader_takes_the_cell_with_merge_alone():
    cell = "".join(cells_of(NOTEBOOK)["merge"]["source"])
    code = merge_of_notebook(NOTEBOOK.read_bytes()).code.decode()
    assert code.strip() == ast.get_source_segment(cell, function_of(cell))


def test_it_is_in_the_handout_with_all_that_it_imports():
    files = handout.handout_files()
    assert files["docs/lab.ipynb"] == NOTEBOOK.read_bytes()
    assert "openpose_lab/lab/notebook.py" in files


def run(path, *options):
    """Execute a notebook, and write it elsewhere."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.run_notebook", path, *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@needs_jupyter
def test_it_executes_as_it_is_committed(tmp_path):
    run(NOTEBOOK, "--out", tmp_path / "empty.ipynb")
    cells = cells_of(tmp_path / "empty.ipynb")
    told = "merge failed: line 18: NotImplementedError: the lab's task is yet to be done: write merge in this cell"
    assert told in text_of(cells["check"])
    assert text_of(cells["check"]).endswith("\n1 of 37 checks failed, and 35 wait for a more basic one.")
    assert text_of(cells["film"]).startswith("merge on skiers.jpg: no answer; ")
    assert told in text_of(cells["film"])
    committed = cells_of(NOTEBOOK)
    assert cells.keys() == committed.keys()
    for name in ("nine-rows", "merge", "check", "case"):  # in the others are the network's figures
        assert cells[name] == committed[name], "run python -m scripts.run_notebook, and commit docs/lab.ipynb"


@pytest.mark.slow
@needs_jupyter
def test_it_executes_with_a_right_answer_which_gets_full_marks(tmp_path):
    run(NOTEBOOK, "--merge", LAB_MERGE, "--out", tmp_path / "right.ipynb")
    cells = cells_of(tmp_path / "right.ipynb")
    assert "\nAll 37 checks pass.\n" in text_of(cells["check"])
    assert "✓ All 37 checks pass." in html_of(cells["check"])
    assert text_of(cells["film"]).startswith("merge on skiers.jpg: 5 people; ")
    assert not PATHS_OF_MACHINES.search("".join(map(text_of, (cells["check"], cells["film"]))))

    (tmp_path / "submissions").mkdir()
    with zipfile.ZipFile(tmp_path / "submissions" / "20230001_Lab3.zip", "w") as archive:
        archive.write(tmp_path / "right.ipynb", "lab.ipynb")
        archive.writestr("report.pdf", b"%PDF")
    (submission,) = find_submissions(tmp_path / "submissions")
    assert (submission.student, submission.problem) == ("20230001", None)
    (tmp_path / "merge.py").write_bytes(submission.code)
    assert b"openpose_lab" not in submission.code
    result = check_file(tmp_path / "merge.py", Limits())
    assert (dict(result.outcome.failures), result.outcome.not_graded) == ({}, None)


@pytest.mark.slow
@needs_jupyter
def test_it_executes_in_an_unpacked_handout(tmp_path):
    with zipfile.ZipFile(io.BytesIO(handout.pack(handout.handout_files(), "lab"))) as archive:
        archive.extractall(tmp_path)
    path = tmp_path / "lab" / "docs" / "lab.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    where = "import openpose_lab\n\nprint(openpose_lab.__file__)"
    notebook["cells"].append(
        {"cell_type": "code", "id": "where", "metadata": {}, "execution_count": None, "outputs": [], "source": where}
    )
    path.write_text(json.dumps(notebook), encoding="utf-8")
    run(path)
    cells = cells_of(path)
    assert text_of(cells["where"]).strip() == str(tmp_path / "lab" / "openpose_lab" / "__init__.py")
    assert "1 of 37 checks failed" in text_of(cells["check"])
