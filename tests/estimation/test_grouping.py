import sys

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.grouping import LAB_MERGE, load_merge, run_merge
from estimation.subset import GroupingError
from tests.scenes import HANDOUT_PERSON, HANDOUT_ROWS


@pytest.fixture
def plugin(tmp_path):
    """Write a grouping file and return its path."""

    def write(text):
        path = tmp_path / "my_merge.py"
        path.write_text(text)
        return path

    return write


def test_the_lab_s_file_is_loaded_by_default():
    np.testing.assert_allclose(run_merge(load_merge(), HANDOUT_ROWS, COCO_18), HANDOUT_PERSON)


def test_loading_by_file_leaves_nothing_beside_it(plugin):
    path = plugin(LAB_MERGE.read_text())
    np.testing.assert_allclose(run_merge(load_merge(path), HANDOUT_ROWS, COCO_18), HANDOUT_PERSON)
    assert [file.name for file in path.parent.iterdir()] == ["my_merge.py"]


def test_a_plugin_gets_a_copy(plugin):
    rows = HANDOUT_ROWS.copy()
    run_merge(load_merge(plugin("def merge(subset):\n    subset[:] = 0\n    return subset[:0]\n")), rows, COCO_18)
    np.testing.assert_array_equal(rows, HANDOUT_ROWS)


def test_a_file_with_a_dataclass(plugin):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
    load_merge(plugin(text + "def merge(subset):\n    return subset[:0]\n"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def merge(subset)\n", "cannot be loaded: line 1: SyntaxError: expected ':'"),
        ("import nowhere\n", "cannot be loaded: line 1: ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemExit(3)\n", "cannot be loaded: line 1: SystemExit: 3"),
        ("def group(subset): pass\n", "has no function merge; define merge(subset) in it"),
        ("merge = 3\n", "has no function merge; define merge(subset) in it"),
    ],
)
def test_a_file_that_cannot_be_used(plugin, text, sentence):
    path = plugin(text)
    with pytest.raises(GroupingError) as error:
        load_merge(path)
    assert str(error.value) == f"the grouping file {path} {sentence}"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(GroupingError, match="there is no grouping file .*none.py"):
        load_merge(tmp_path / "none.py")
    (tmp_path / "merge.txt").touch()
    with pytest.raises(GroupingError, match="must be a Python file whose name ends in .py"):
        load_merge(tmp_path / "merge.txt")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return subset[0, 99]", "failed: line 2: IndexError: index 99 is out of bounds for axis 1 with size 20"),
        ("raise SystemExit", "failed: line 2: SystemExit"),
        ("return merge(subset)", "failed: line 2: RecursionError: maximum recursion depth exceeded"),
        ("return None", "broke the contract: the answer must be an array of shape (people, 20) but is None"),
        ("return subset[:, :4]", "broke the contract: the answer must have shape (people, 20) but has (9, 4)"),
        (
            "return subset",
            "broke the contract: peak 0 (nose) is in rows 3 and 4 and 6, but a peak belongs to one person",
        ),
    ],
)
def test_a_merge_that_goes_wrong(plugin, body, sentence):
    path = plugin(f"def merge(subset):\n    {body}\n")
    with pytest.raises(GroupingError) as error:
        run_merge(load_merge(path), HANDOUT_ROWS, COCO_18)
    assert str(error.value) == f"merge in {path} {sentence}"


def test_a_file_may_import_its_neighbour(plugin, tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("def merge(subset):\n    return subset[:0]\n")
    merge = load_merge(str(plugin("from neighbour_of_mine import merge\n")))
    assert run_merge(merge, HANDOUT_ROWS, COCO_18).shape == (0, 20)
    assert str(tmp_path) not in sys.path


def test_an_error_without_a_text_of_its_own(plugin):
    text = (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\ndef merge(subset):\n    raise Odd\n"
    )
    with pytest.raises(GroupingError, match=r"failed: line 5: Odd$"):
        run_merge(load_merge(plugin(text)), HANDOUT_ROWS, COCO_18)


def test_a_long_story_is_cut_short(plugin):
    with pytest.raises(GroupingError) as error:
        run_merge(
            load_merge(plugin("def merge(subset):\n    raise ValueError('very ' * 9999)\n")), HANDOUT_ROWS, COCO_18
        )
    assert str(error.value).endswith("very very ...")
    assert len(str(error.value)) < 600


def test_ctrl_c_is_the_user_s(plugin):
    merge = load_merge(plugin("def merge(subset):\n    raise KeyboardInterrupt\n"))
    with pytest.raises(KeyboardInterrupt):
        run_merge(merge, HANDOUT_ROWS, COCO_18)
