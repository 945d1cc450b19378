import json

import pytest

from openpose_lab.lab.notebook_code import NotebookError, merge_of_notebook


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}).encode()


def test_merge_is_taken_with_all_that_it_names():
    code = merge_of_notebook(
        notebook(
            "%matplotlib inline\nimport numpy as np\nimport matplotlib.pyplot as plt\n!pip install numpy",
            ["LIMIT = 3\n", "UNUSED = open('x')"],
            "def helper(rows):\n    return rows[:LIMIT]",
            "@staticmethod\ndef merge(subset):\n    return helper(np.asarray(subset))",
            "plt.imshow(merge(subset))",
            "print(1/0)",
        )
    )
    assert code.code.decode().split("\n") == [
        "import numpy as np",
        "LIMIT = 3",
        "def helper(rows):",
        "    return rows[:LIMIT]",
        "@staticmethod",
        "def merge(subset):",
        "    return helper(np.asarray(subset))",
        "",
    ]


def test_a_local_name_of_merge_does_not_bring_the_cell_that_binds_the_same_name():
    code = merge_of_notebook(
        notebook(
            "LIMIT = 3\nkey = 5",
            "rows = look('photo.jpg').rows\nphoto = 1\ncheck = 2\nlimits = 3",
            "def helper(photo):\n    rows = [x for x in photo]\n    return max(rows, key=lambda check: check[LIMIT])",
            "def merge(subset):\n    def inner():\n        return rows\n    rows = helper(subset)\n    return inner()",
        )
    )
    assert code.code.decode().splitlines()[0] == "LIMIT = 3"
    assert "look" not in code.code.decode()
    assert "\nkey" not in code.code.decode()


def test_a_global_name_brings_the_cell_that_binds_it():
    code = merge_of_notebook(
        notebook(
            "A = 1\nB = 2\nC = 3\nD = 4", "class K:\n    b = B\ndef merge(s, c=C) -> D:\n    global A\n    A += K.b"
        )
    )
    assert code.code.decode().splitlines()[:4] == ["A = 1", "B = 2", "C = 3", "D = 4"]


def test_only_code_cells_are_read():
    cells = [
        {"cell_type": "markdown", "source": "def merge(): bad"},
        {"cell_type": "code", "source": "def merge(subset):\n    return subset"},
        {"cell_type": "raw", "source": "def merge(): bad"},
    ]
    code = merge_of_notebook(json.dumps({"cells": cells}).encode()).code
    assert code == b"def merge(subset):\n    return subset\n"


def test_what_ipython_alone_knows_is_left_out():
    code = merge_of_notebook(
        notebook(
            "%%bash\ndef merge(): bad",
            "%%time\ndef merge(subset):\n    !ls\n    %timeit x\n    files = !ls\n    return subset\nmerge?",
        )
    )
    assert code.code.decode().split("\n") == [
        "def merge(subset):",
        "    pass  # !ls",
        "    pass  # %timeit x",
        "    pass  # files = !ls",
        "    return subset",
        "",
    ]
    assert merge_of_notebook(notebook("%%writefile estimation/merge.py\ndef merge(s): return s")).code == (
        b"def merge(s): return s\n"
    )


def test_the_last_definition_comes_last():
    code = merge_of_notebook(notebook("def merge(s): return 1", "x = 1", "def merge(s): return 2")).code.decode()
    assert code == "def merge(s): return 1\ndef merge(s): return 2\n"


def test_the_oldest_form():
    cells = [{"cell_type": "code", "input": ["def merge(s): return s"]}]
    assert (
        merge_of_notebook(json.dumps({"worksheets": [{"cells": cells}]}).encode()).code == b"def merge(s): return s\n"
    )


def test_a_merge_that_is_no_python_is_taken_as_it_is():
    assert merge_of_notebook(notebook("x = (", "def merge(s)\n    return s")).code == b"def merge(s)\n    return s\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a notebook"),
        (b"[]", "not a notebook"),
        (b'{"cells": 3}', "not a notebook"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "not a notebook"),
        (b"[" * 100_000, "not a notebook"),
        (notebook(), "defines no function merge"),
        (notebook("from x import *"), "defines no function merge"),
        (notebook("x" * 200_001), "more than 200 kB of code"),
        (notebook("x = " + "-" * 100_000 + "1"), "defines no function merge"),
    ],
)
def test_what_is_no_notebook_with_a_merge(data, sentence):
    with pytest.raises(NotebookError, match=sentence):
        merge_of_notebook(data)


def test_nothing_is_executed(tmp_path):
    target = tmp_path / "x"
    merge_of_notebook(notebook(f"open({str(target)!r}, 'w')\ndef merge(s): return s"))
    assert not target.exists()


def test_a_line_is_named_by_its_place_in_the_notebook():
    found = merge_of_notebook(
        notebook("import os\n\nLIMIT = 3\nx = 1", "print(1)", "%%time\n\ndef merge(s):\n    1 / LIMIT")
    )
    assert found.code == b"LIMIT = 3\ndef merge(s):\n    1 / LIMIT\n"
    assert found.places == ((1, 3), (3, 3), (3, 4))
    assert found.locate("line 3: ZeroDivisionError; line 9") == "line 4 of code cell 3: ZeroDivisionError; line 9"


def test_statements_on_one_line_are_taken_once():
    found = merge_of_notebook(notebook("\n%%time\nCOUNT = 1; COUNT += 1\nx = 3\ndef merge(s): return s[:COUNT]"))
    assert found.code == b"COUNT = 1; COUNT += 1\ndef merge(s): return s[:COUNT]\n"
    assert found.places == ((1, 3), (1, 5))
