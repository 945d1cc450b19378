import contextlib
import io
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabWarning
from estimation.grouping import GROUPINGS, LAB_MERGE, load_grouping, run_grouping
from estimation.grouping.plugin import check_syntax
from estimation.subset import GroupingError, limb_rows
from tests.conftest import ROOT
from tests.estimation.test_connections import peaks_at
from tests.support.scenes import join

NO_DOOR = (
    "has neither a function merge nor a function group; define merge(subset) in it, "
    "or group(candidates, coordinates, config)"
)


@pytest.fixture
def plugin(tmp_path):
    """Write a grouping file and return its path."""

    def write(text):
        path = tmp_path / "my_merge.py"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def connections():
    """Return two limbs that share a neck: neck (peak 0) to right shoulder (1), and neck to left shoulder (2)."""
    return join(peaks_at((1, 2, 3), (2, 7, 3), (5, 7, 4)), (0, 0, 1, 0.75), (1, 0, 2, 0.5))


def test_the_lab_s_file_is_loaded_by_default():
    assert (load_grouping().door, load_grouping().source) == ("merge", LAB_MERGE)


@pytest.mark.parametrize("name", GROUPINGS)
def test_the_project_s_own_by_name_and_by_file(name):
    assert load_grouping(name).source == GROUPINGS[name]
    assert load_grouping(str(GROUPINGS[name])).door == ("merge" if name == "lab" else "group")


def test_loading_by_file_leaves_nothing_beside_it(plugin, connections):
    path = plugin(LAB_MERGE.read_text())
    assert len(run_grouping(load_grouping(path), COCO_18, connections)) == 0
    assert [file.name for file in path.parent.iterdir()] == ["my_merge.py"]


def test_merge_gets_a_copy_of_the_rows(plugin, connections):
    text = "def merge(subset):\n    assert len(subset) == 2\n    subset[:] = 0\n    return subset[:0]\n"
    before = limb_rows(COCO_18, connections)
    path = plugin(text)
    with pytest.warns(OpenPoseLabWarning) as said:
        run_grouping(load_grouping(path), COCO_18, connections)
    assert [str(one.message) for one in said] == [
        f"merge in {path} changes the rows it is given; work on a copy: subset = subset.copy()"
    ]
    np.testing.assert_array_equal(limb_rows(COCO_18, connections), before)


def test_group_gets_copies_of_all_candidates(plugin, connections):
    text = """
import numpy as np
def group(candidates, coordinates, config):
    assert len(candidates) == 2
    person = np.full((1, 20), -1.0)
    person[0, coordinates.part] = range(len(coordinates))
    person[0, 18:] = candidates.score.sum(), 3
    candidates.score[:] = coordinates.score[:] = 0
    return person
def merge(subset):
    raise ValueError("group is taken")
"""
    with pytest.warns(OpenPoseLabWarning, match="group in .* changes the candidates or the peaks it is given; work on"):
        people = run_grouping(load_grouping(plugin(text)), COCO_18, connections)
    assert people[0, [1, 2, 5]].tolist() == [0, 1, 2]
    assert people[0, 18] == connections.candidates.score.sum() > 0
    assert (connections.coordinates.score > 0).all()


def test_what_is_printed_is_shown_and_told(plugin, connections, capsys):
    path = plugin("def merge(subset):\n    print(len(subset), 'rows')\n    return subset[:0]\n")
    shown = io.StringIO()
    for stream in (shown, None):
        with pytest.warns(OpenPoseLabWarning) as said:
            run_grouping(load_grouping(path), COCO_18, connections, stream)
        assert str(said[0].message).startswith(f"merge in {path} prints; remove its print calls")
    assert shown.getvalue() == "2 rows\n"
    assert capsys.readouterr().out == ""


def test_what_a_plugin_sets_for_itself_holds_for_nobody_else(plugin, connections):
    settings = "import numpy, warnings\n{0}numpy.seterr(all='raise')\n{0}warnings.simplefilter('error')\n"
    before = np.geterr(), warnings.filters[:]
    for text in (
        settings.format("") + "def merge(subset):\n    return subset[:0]\n",
        "def merge(subset):\n" + settings.format("    ").replace("import", "    import", 1) + "    return subset[:0]\n",
    ):
        run_grouping(load_grouping(plugin(text)), COCO_18, connections)
        assert (np.geterr(), warnings.filters) == before


def test_a_file_with_a_dataclass(plugin):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
    load_grouping(plugin(text + "def merge(subset):\n    return subset[:0]\n"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def merge(subset)\n", "cannot be loaded: line 1: SyntaxError: expected ':'"),
        ("import nowhere\n", "cannot be loaded: line 1: ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemExit(3)\n", "cannot be loaded: line 1: SystemExit: 3"),
        (
            "def regroup(subset): pass\n",
            NO_DOOR,
        ),
        (
            "merge = 3\n",
            NO_DOOR,
        ),
        ("def __getattr__(name): raise ValueError(name)\n", NO_DOOR),
    ],
)
def test_a_file_that_cannot_be_used(plugin, text, sentence):
    path = plugin(text)
    with pytest.raises(GroupingError) as error:
        load_grouping(path)
    assert str(error.value) == f"the grouping file {path} {sentence}"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(
        GroupingError,
        match="there is no grouping .*none.py; give the path of a Python file with a function merge or group, or ",
    ):
        load_grouping(tmp_path / "none.py")
    (tmp_path / "merge.txt").touch()
    with pytest.raises(GroupingError, match="must be a Python file; its name must end in .py"):
        load_grouping(tmp_path / "merge.txt")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return subset[0, 99]", "failed: line 2: IndexError: index 99 is out of bounds for axis 1 with size 20"),
        ("raise SystemExit", "failed: line 2: SystemExit"),
        ("return merge(subset)", "failed: line 2: RecursionError: maximum recursion depth exceeded"),
        (
            "return None",
            "broke the contract: the answer must be an array of shape (people, 20) but is None; is a return missing?",
        ),
        ("return subset[:, :4]", "broke the contract: the answer must have shape (people, 20) but has (2, 4)"),
        (
            "return subset",
            "broke the contract: peak 0 (neck) is in rows 0 and 1, but a peak belongs to one person",
        ),
    ],
)
def test_a_merge_that_goes_wrong(plugin, connections, body, sentence):
    path = plugin(f"def merge(subset):\n    {body}\n")
    with pytest.raises(GroupingError) as error:
        run_grouping(load_grouping(path), COCO_18, connections)
    assert str(error.value) == f"merge in {path} {sentence}"


def test_a_function_of_a_notebook_s_cell_has_no_file_that_is_named(connections, tmp_path):
    cell = {}
    exec(compile("def merge(subset):\n    return 1 / 0\n", str(tmp_path / "ipykernel_7" / "8.py"), "exec"), cell)
    with pytest.raises(GroupingError) as caught:
        run_grouping(load_grouping(cell["merge"]), COCO_18, connections)
    assert str(caught.value) == "merge failed: line 2: ZeroDivisionError: division by zero"


def test_a_file_may_import_its_neighbour(plugin, connections, tmp_path):
    (tmp_path / "neighbour_of_mine.py").write_text("def merge(subset):\n    return subset[:0]\n")
    merge = load_grouping(str(plugin("from neighbour_of_mine import merge\n")))
    assert run_grouping(merge, COCO_18, connections).shape == (0, 20)
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize("change", ["append('/somewhere')", "insert(0, '/somewhere')", "extend(['/somewhere'] * 2)"])
def test_what_a_file_adds_to_the_path_stays_and_its_folder_does_not(plugin, tmp_path, monkeypatch, change):
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = sys.path[:]
    load_grouping(plugin(f"import sys\nsys.path.{change}\ndef merge(subset):\n    return subset\n"))
    assert "/somewhere" in sys.path
    assert [entry for entry in sys.path if entry != "/somewhere"] == before
    load_grouping(plugin("import sys\nsys.path.pop()\ndef merge(subset):\n    return subset\n"))
    assert str(tmp_path) not in sys.path


def test_a_folder_that_is_on_the_path_stays_where_it_is(plugin, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = sys.path[:]
    load_grouping(plugin("def merge(subset):\n    return subset\n"))
    assert sys.path == before


def test_each_file_has_neighbours_of_its_own(tmp_path, connections):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper_of_mine.py").write_text(f"NAME = {folder!r}\n")
        (tmp_path / folder / "mine.py").write_text(
            "from helper_of_mine import NAME\ndef merge(subset):\n    raise ValueError(NAME)\n"
        )
    for folder in ("a", "b"):
        with pytest.raises(GroupingError, match=f"ValueError: {folder}$"):
            run_grouping(load_grouping(tmp_path / folder / "mine.py"), COCO_18, connections)


def test_the_configuration_cannot_be_changed(plugin, connections):
    text = "def group(candidates, coordinates, config):\n    config.limb_parts[:] = 0\n"
    with pytest.raises(GroupingError, match="failed: line 2: ValueError: assignment destination is read-only"):
        run_grouping(load_grouping(plugin(text)), COCO_18, connections)


def test_an_error_without_a_text_of_its_own(plugin, connections):
    text = (
        "class Odd(Exception):\n    def __str__(self):\n        raise SystemExit\ndef merge(subset):\n    raise Odd\n"
    )
    with pytest.raises(GroupingError, match=r"failed: line 5: Odd$"):
        run_grouping(load_grouping(plugin(text)), COCO_18, connections)


def test_a_long_story_is_cut_short(plugin, connections):
    with pytest.raises(GroupingError) as error:
        run_grouping(
            load_grouping(plugin("def merge(subset):\n    raise ValueError('very ' * 9999)\n")), COCO_18, connections
        )
    assert str(error.value).endswith("very very ...")
    assert len(str(error.value)) < 600


def test_other_threads_print_while_a_grouping_runs(connections, capsys):
    inside, go_on = threading.Event(), threading.Event()

    def merge(subset):
        print("of the grouping")
        inside.set()
        assert go_on.wait(10)
        return subset[:0]

    def run():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OpenPoseLabWarning)
            run_grouping(load_grouping(merge), COCO_18, connections)

    def run_meanwhile(work):
        inside.clear()
        go_on.clear()
        thread = threading.Thread(target=run)
        thread.start()
        assert inside.wait(10)
        work()
        go_on.set()
        thread.join()

    before, kept = sys.stdout, io.StringIO()
    run_meanwhile(lambda: print("beside it"))
    assert sys.stdout is before
    redirected = contextlib.redirect_stdout(kept)
    run_meanwhile(redirected.__enter__)
    print("kept")
    redirected.__exit__(None, None, None)
    print("afterwards")
    run_meanwhile(lambda: print("beside another"))
    assert capsys.readouterr().out == "beside it\nafterwards\nbeside another\n"
    assert kept.getvalue() == "kept\n"


def test_what_is_printed_cannot_steer_the_terminal(plugin, connections, capsys):
    path = plugin("print('\\x1b[2J')\ndef merge(subset):\n    print('a\\x1b[2J\\n\\tb')\n    return subset[:0]\n")
    shown = io.StringIO()
    with pytest.warns(OpenPoseLabWarning, match="prints; remove its print calls"):
        run_grouping(load_grouping(path), COCO_18, connections, shown)
    assert shown.getvalue() == "a\\x1b[2J\n\tb\n"
    assert capsys.readouterr().out == "\\x1b[2J\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import os\ndef merge(subset):\n    os._exit(0)\n", r"failed: line 3: SystemExit: os\._exit\(0\)"),
        ("import os\nos._exit(0)\n", r"cannot be loaded: line 2: SystemExit: os\._exit\(0\)"),
    ],
)
def test_a_plugin_does_not_end_the_program_unseen(plugin, connections, text, sentence):
    with pytest.raises(GroupingError, match=sentence):
        run_grouping(load_grouping(plugin(text)), COCO_18, connections)


def test_the_program_can_end_beside_a_plugin_that_runs_in_another_thread(plugin):
    script = (
        "import os, threading, time, numpy\n"
        "from estimation.config import COCO_18\n"
        "from estimation.grouping import load_grouping, run_merge\n"
        "merge = load_grouping('my_merge.py')\n"
        "threading.Thread(target=run_merge, args=(merge, COCO_18, numpy.empty((0, 20)))).start()\n"
        "time.sleep(0.2)\n"
        "os._exit(7)\n"
    )
    folder = Path(plugin("import time\ndef merge(subset):\n    time.sleep(30)\n")).parent
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, timeout=20).returncode == 7


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
def test_a_process_that_a_plugin_forks_ends(plugin, connections):
    text = (
        "import os\ndef merge(subset):\n    child = os.fork()\n    if child == 0:\n        os._exit(5)\n"
        "    raise ValueError(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    with pytest.raises(GroupingError, match="failed: line 6: ValueError: 5$"):
        run_grouping(load_grouping(plugin(text)), COCO_18, connections)


def test_an_answer_is_not_the_array_that_the_next_call_changes(plugin, connections):
    text = (
        "import numpy as np\nBUFFER = np.full((1, 20), -1.0)\ndef merge(subset):\n"
        "    BUFFER[:] = subset[:1]\n    return BUFFER\n"
    )
    grouping = load_grouping(plugin(text))
    first = run_grouping(grouping, COCO_18, connections)
    before = first.copy()
    grouping.function(limb_rows(COCO_18, connections) + 1)
    np.testing.assert_array_equal(first, before)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    with (tmp_path / "merge.py").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(GroupingError, match=r"merge\.py is larger than 8 MB, too large for a Python file; check"):
        load_grouping(tmp_path / "merge.py")


def test_ctrl_c_is_the_user_s(plugin, connections):
    merge = load_grouping(plugin("def merge(subset):\n    raise KeyboardInterrupt\n"))
    with pytest.raises(KeyboardInterrupt):
        run_grouping(merge, COCO_18, connections)


UMLAUT = "# \u00e4\n\ndef merge(subset):\n    return subset\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (UMLAUT.encode("utf-16"), "the file is UTF-16, but Python reads UTF-8;"),
        (UMLAUT.encode("utf-16-le"), "the file is UTF-16, but Python reads UTF-8;"),
        (UMLAUT.encode("utf-16-be"), "the file is UTF-16, but Python reads UTF-8;"),
        (UMLAUT.encode("utf-32"), "the file is UTF-32, but Python reads UTF-8;"),
        (UMLAUT.encode("utf-32-be"), "the file is UTF-32, but Python reads UTF-8;"),
        (UMLAUT.encode("latin-1"), "line 1: byte 0xe4 is not UTF-8;"),
        (b"import os\n\n\n" + UMLAUT.encode("latin-1"), "line 4: byte 0xe4 is not UTF-8;"),
        (b"# coding: ascii\n" + UMLAUT.encode(), "line 2: byte 0xc3 is not ASCII;"),
    ],
    ids=["UTF-16", "LE", "BE", "UTF-32", "UTF-32 BE", "Latin", "Latin below", "ASCII"],
)
def test_a_file_in_another_encoding_is_a_sentence_that_says_so(tmp_path, data, why):
    path = tmp_path / "merge.py"
    path.write_bytes(data)
    for load in (load_grouping, check_syntax):
        with pytest.raises(GroupingError) as caught:
            load(path)
        assert str(caught.value).startswith(f"the grouping file {path} cannot be loaded: {why} in your editor, save ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_an_encoding_that_python_reads_is_read(tmp_path, encoding):
    path = tmp_path / "merge.py"
    path.write_bytes((f"# coding: {encoding}\n" * (encoding == "latin-1") + UMLAUT).encode(encoding))
    assert load_grouping(path).door == "merge"
