"""The commands of README.md, docs/ and --help: each is parsed by its program, and those that take seconds are run."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from estimation.built_in_groupings import LAB_MERGE
from tests.conftest import ROOT
from tests.support.commands import DOCUMENTS, Command, command_of, commands_of, help_examples, why_wrong

PARSE_ONLY = {
    r"(make|pip|venv|pytest|pdb|jupyterlab|-c|tests\.mutation_run)\b": "sets up, tests or debugs; .ci/run does this",
    r"scripts\.": "writes the pictures and tables of the pages; tests/scripts has its tests",
    r"benchmark\b": "takes minutes",
    r"train\b": "loads TensorFlow, and needs labelled photos",
    r"weights fetch\b|fetch-photos \w": "needs the internet",
    r"weights import\b": "needs weights of others",
    r"weights verify\b": "loads each network whose weights are here",
    r"compare-groupings$|compare-groupings --grouping \S+$": "takes a minute",
    r".* --(network|weights) ": "needs weights that are not in the repository",
    r".* --images ": "needs photos with known keypoints",
    r"evaluate$": "is named without the photos that it needs",
    r".* --watch$": "runs until Ctrl-C",
    r"video (\d|\w+://)": "needs a camera or a stream",
    r"video .*--start": "needs a long video; tests/openpose_lab/commands/test_video.py has its tests",
    r"video .*--show": "opens a window",
    r"batch ": "needs Ray, a store or a GPU; tests/openpose_lab/commands/test_batch.py has its tests",
}
"""Commands that tests only parse: a regular expression for the program and its arguments, and the reason."""
RUN_ELSEWHERE = ("docs/photos.md", "docs/formats.md")
"""Pages for whose commands tests/openpose_lab/commands/test_pages.py checks the outputs, too."""
TRACKER = "def update(skeletons, timestamp):\n    return list(range(len(skeletons)))\n"


def reason_to_parse_only(command):
    return next((reason for pattern, reason in PARSE_ONLY.items() if re.match(pattern, command.line)), None)


def commands_to_run():
    """Each command of the documents that is run, once."""
    pages = [page for page in DOCUMENTS if page not in RUN_ELSEWHERE]
    shown = [command for page in pages for command in commands_of(read(page))[0]]
    return [command for command in dict.fromkeys(shown) if not reason_to_parse_only(command)]


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


# Files that the documents name


def make_clip(path):
    from tests.support.video_files import make_clip as make

    make(path, [3600 * number for number in range(20)])  # 25 frames a second


def make_folder(path):
    for name in ("1.jpg", "sub/2.jpg"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "images" / "skiers.jpg", path / name)


def make_submissions(path):
    path.mkdir()
    with zipfile.ZipFile(path / "20230001_Lab3.zip", "w") as archive:
        archive.write(LAB_MERGE, "merge.py")


def make_submission(path):
    path.mkdir()
    shutil.copy(LAB_MERGE, path / "merge.py")


def make_docs(path):
    """The notebook, with an answer in it."""
    notebook = json.loads(read("docs/lab.ipynb"))
    for cell in notebook["cells"]:
        if cell["id"] == "merge":
            cell["source"] = LAB_MERGE.read_text(encoding="utf-8")
    path.mkdir()
    (path / "lab.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


FILES = {
    "photo.jpg": lambda path: shutil.copy(ROOT / "images" / "people.jpg", path),
    "PHOTO": lambda path: shutil.copy(ROOT / "images" / "people.jpg", path),
    "images": lambda path: shutil.copytree(ROOT / "images", path),
    "photos": make_folder,
    "frames": make_folder,
    "clip.mp4": make_clip,
    "my_merge.py": lambda path: shutil.copy(LAB_MERGE, path),
    "old_merge.py": lambda path: shutil.copy(LAB_MERGE, path),
    "my_grouping.py": lambda path: path.write_text("from estimation.grouping.hungarian import group\n"),
    "my_tracker.py": lambda path: path.write_text(TRACKER),
    "submissions": make_submissions,
    "submission": make_submission,
    "docs": make_docs,
}
"""How to make the files and folders that commands read, by their names."""


# Tests


@pytest.mark.parametrize("page", DOCUMENTS)
def test_the_commands_of_a_page_are_those_of_the_programs(page):
    commands, unknown = commands_of(read(page))
    assert not unknown, "these lines begin with no program that tests/support/commands.py knows"
    assert not [(command.line, reason) for command in commands if (reason := why_wrong(command))]


def test_the_examples_of_help_are_those_of_the_programs():
    for name, examples in help_examples().items():
        assert examples, f"{name} --help has no example"
        assert not [(command.line, reason) for command in examples if (reason := why_wrong(command))], name


def test_commands_are_found_on_most_pages():
    assert len(commands_to_run()) > 10
    assert len([page for page in DOCUMENTS if commands_of(read(page))[0]]) > 10


@pytest.mark.slow
@pytest.mark.parametrize("command", commands_to_run(), ids=lambda command: command.line)
def test_a_command_runs(command, tmp_path):
    """In a folder of its own, with the files that it names."""
    if command.program == "video":
        pytest.importorskip("av")
    for word in (*command.arguments, command.standard_input or ""):
        name = Path(word).parts[0] if word else ""
        if name in FILES and not (tmp_path / name).exists():
            FILES[name](tmp_path / name)
    data = (tmp_path / command.standard_input).read_bytes() if command.standard_input else b""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command.to_run(), cwd=tmp_path, env=environment, input=data, capture_output=True)
    advice = "if a file is missing, add it to FILES; if it cannot run here, add it to PARSE_ONLY"
    assert done.returncode == 0, f"{done.stderr.decode()[-1000:]}\n{advice}"


# The search for commands


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (".venv/bin/python demo_image.py photo.jpg", Command("image", ("photo.jpg",))),
        (r".venv\Scripts\python demo_image.py", Command("image", ())),
        (".venv/bin/openpose-lab photo.jpg --blank", Command("image", ("photo.jpg", "--blank"))),
        ("openpose-lab check-merge --list  # the steps", Command("check-merge", ("--list",))),
        ("OPENPOSE_LAB_DEBUG=1 python -m openpose_lab weights list", Command("weights", ("list",))),
        ("cat a.png | python demo_image.py - --json -", Command("image", ("-", "--json", "-"), "a.png")),
        ("python -m scripts.measure_limits > limits.txt", Command("scripts.measure_limits", ())),
        ("py -3.12 -m venv .venv", Command("venv", (".venv",))),
        ("path/to/lab/.venv/bin/python path/to/lab/openpose_lab check-merge", Command("check-merge", ())),
        ("make test-all", Command("make", ("test-all",))),
        ("openpose-lab --help", None),
        ("openpose-lab NAME --help", None),
        ("openpose-lab train [options]", None),
        ("people       5", None),
        ("it's an output", None),
    ],
)
def test_a_line_is_a_command_or_none(line, command):
    assert command_of(line) == command


@pytest.mark.parametrize(
    ("block", "found", "unknown"),
    [
        ("```\nmake demo\nwrote output.png\n```", ["make demo"], []),
        ("```sh\nmake demo\nmak test\n```", ["make demo"], ["mak test"]),
        ("```console\n$ make demo\nmake test\n```", ["make demo"], []),
        ("```sh\nmake \\\n    demo\n```", ["make demo"], []),
        ("```python\nmake demo\n```", [], []),
        ("```\ndemo_image.py   the program\n```", [], []),
        ("Run `make demo`, or `openpose-lab report`.", ["make demo"], []),
    ],
)
def test_commands_are_found_in_markdown(block, found, unknown):
    commands, others = commands_of(block)
    assert [command.line for command in commands] == found
    assert others == unknown


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("make nothing", "no such target"),
        ("python demo_image.py --no-such-option", "unrecognized arguments: --no-such-option"),
        ("python demo_image.py --quality fastest", "invalid choice: 'fastest'"),
        ("python -m openpose_lab weights list x", "unrecognized arguments: x"),
        ("openpose-lab train --images photos", "the following arguments are required"),
        ("python -m scripts.none", "there is no such script"),
        ("python -m scripts.tune --fast", "the following arguments are required"),
        ("pip install -r none.txt", "there is no none.txt"),
        ('pip install -e ".[vide]"', "there is no extra vide"),
        ("python -m pytest tests/none.py", "there is no tests/none.py"),
        ("python -m pytest -m none", "no test is marked none"),
        ("python -m nothing x", "this program is not known"),
    ],
)
def test_a_command_that_cannot_run_is_found(line, reason):
    assert reason in why_wrong(command_of(line))
