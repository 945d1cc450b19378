"""Every program with odd arguments, odd streams and in odd places: it says what is wrong in one sentence.

Each case is a process of its own, with bounded memory: some of the paths lead to files without an end. Where only the
arguments are odd, this process is a fork of one that has imported everything, which saves most of the time.
"""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from openpose_lab.commands import handout
from openpose_lab.commands.program import DEBUG
from tests.conftest import ROOT
from tests.support.extras import needs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell and its devices")

DEMO = [str(ROOT / "demo_image.py")]
LAB = ["-m", "openpose_lab"]
MEASURING = ["--images", "photos", "--annotations", "annotations.json"]
CROWD = ["--people", "2", "--overlap", "0", "--scenes", "1", "--only", "lab"]
COMPARE = [*LAB, "compare-groupings", *CROWD]
EXPLAIN = [*LAB, "explain", "photo.jpg"]
GRADE = [*LAB, "grade", "submissions"]
TRAIN = [*LAB, "train", *MEASURING, "--side", "64", "--batch", "1", "--epochs", "0", "--out", "mine.weights.h5"]
WEIGHTS = str(ROOT / "model_weights" / "mobilenet_thin.weights.h5")

HANDOUT = [*LAB, "handout", "--out"]
OUTPUTS = {
    "handout --out": HANDOUT,
    "demo --output": [*DEMO, "photo.jpg", "--output"],
    "demo --json": [*DEMO, "photo.jpg", "--no-draw", "--json"],
    "demo --output of a folder": [*DEMO, "photos", "--output"],
    "demo --csv of a folder": [*DEMO, "photos", "--csv"],
    "evaluate --worst": [*LAB, "evaluate", *MEASURING, "--worst"],
    "evaluate --results": [*LAB, "evaluate", *MEASURING, "--results"],
    "compare-groupings --csv": [*COMPARE, "--csv"],
    "compare-groupings --plot": [*COMPARE, "--plot"],
    "explain --output": [*EXPLAIN, "--output"],
    "grade --out": [*GRADE, "--out"],
    "weights import --out": [*LAB, "weights", "import", WEIGHTS, "--out"],
    "collect_rows --out": ["-m", "scripts.collect_rows", *MEASURING, "--out"],
    "draw_failings --out": ["-m", "scripts.draw_failings", "--out"],
    "train --out": [*TRAIN, "--out"],
    "train --preview": [*TRAIN, "--preview"],
    "train --tensorboard": [*TRAIN, "--tensorboard"],
}
INPUTS = {
    "demo": DEMO,
    "demo --weights": [*DEMO, "photo.jpg", "--weights"],
    "demo --grouping": [*DEMO, "photo.jpg", "--grouping"],
    "demo --set": [*DEMO, "photo.jpg", "--set"],
    "demo --network": [*DEMO, "photo.jpg", "--network"],
    "demo --height": [*DEMO, "photo.jpg", "--height"],
    "openpose-lab": LAB,
    "evaluate --images": [*LAB, "evaluate", "--annotations", "annotations.json", "--images"],
    "evaluate --annotations": [*LAB, "evaluate", "--images", "photos", "--annotations"],
    "evaluate --weights": [*LAB, "evaluate", *MEASURING, "--weights"],
    "evaluate --grouping": [*LAB, "evaluate", *MEASURING, "--grouping"],
    "compare-groupings --grouping": [*COMPARE, "--grouping"],
    "compare-groupings --skeletons": [*COMPARE, "--skeletons"],
    "compare-groupings --only": [*LAB, "compare-groupings", "--only"],
    "compare-refinements": [*LAB, "compare-refinements", "--images", "photos", "--annotations"],
    "check-merge": [*LAB, "check-merge"],
    "explain --grouping": [*EXPLAIN, "--grouping"],
    "explain --beside": [*EXPLAIN, "--beside"],
    "grade": [*LAB, "grade"],
    "grade --points": [*GRADE, "--points"],
    "grade --jobs": [*GRADE, "--jobs"],
    "report": [*LAB, "report"],
    "report --photos": [*LAB, "report", "--photos"],
    "weights": [*LAB, "weights"],
    "weights fetch": [*LAB, "weights", "fetch"],
    "weights import": [*LAB, "weights", "import"],
    "weights verify": [*LAB, "weights", "verify"],
    "fetch-photos": [*LAB, "fetch-photos"],
    "accuracy_tables": ["-m", "scripts.accuracy_tables", "--images", "photos", "--annotations"],
    "collect_rows": ["-m", "scripts.collect_rows", "--images", "photos", "--annotations"],
    "train --images": [*TRAIN, "--images"],
    "train --annotations": [*TRAIN, "--annotations"],
    "train --weights": [*TRAIN, "--weights"],
    "train --front": [*TRAIN, "--front"],
    "train --layout": [*TRAIN, "--layout"],
    "train --teacher-weights": [*TRAIN, "--teacher", "lightweight", "--teacher-weights"],
    "train --unlabelled": [*TRAIN, "--teacher", "lightweight", "--unlabelled"],
}
LONG = "x" * 100_000
BAD_PATHS = ("", ".", "/", LONG, "loop", "loop.png", "none/x", "photo.jpg/x", "/dev/full")
ODD_NAMES = ("\x1b[31mred\x07", "new\nline", b"caf\xe9\xff")

PROGRAMS = {
    "weights list": [*LAB, "weights", "list"],
    "a photo that is missing": [*DEMO, "none.jpg"],
}
SLOW_PROGRAMS = {
    "demo": [*DEMO, "photo.jpg"],
    "demo --help": [*DEMO, "--help"],
    "an unknown option": [*DEMO, "--nope"],
    "openpose-lab --help": [*LAB, "--help"],
    "weights verify": [*LAB, "weights", "verify", WEIGHTS],
    "handout": [*LAB, "handout"],
    "fetch-photos": [*LAB, "fetch-photos"],
    "check-merge": [*LAB, "check-merge"],
    "check-merge that fails": [*LAB, "check-merge", "submissions/1_merge.py"],
    "grade": GRADE,
    "evaluate": [*LAB, "evaluate", *MEASURING, "--results", "results.json"],
    "compare-groupings": COMPARE,
    "explain": EXPLAIN,
    "report": [*LAB, "report"],
    "collect_rows": ["-m", "scripts.collect_rows", *MEASURING, "--out", "rows.npz", "--photos", "1"],
    "draw_failings": ["-m", "scripts.draw_failings", "--out", "pictures"],
    "train": [*TRAIN, "--epochs", "1"],
}
CONDITIONS = (
    '"$@" >/dev/full',
    '"$@" 2>/dev/full',
    '"$@" >/dev/full 2>&1',
    '"$@" >&-',
    '"$@" 2>&-',
    '"$@" <&-',
    '"$@" <&- >&- 2>&-',
    '"$@" | true',
    '"$@" | head -1',
    '"$@" 2>&1 | true',
    'mkdir gone && cd gone && rmdir ../gone && "$@"',
    'LC_ALL=C PYTHONIOENCODING=ascii "$@"',
    'unset HOME; "$@"',
    'HOME=/proc/none "$@"',
)
QUICK = [("weights list", condition) for condition in (CONDITIONS[2], *CONDITIONS[5:7], *CONDITIONS[8:])]
"""With these the quick tests are content; those of ``commands/program.py`` try the other conditions."""
EVERYTHING = "ALL_ODD_CONDITIONS"
"""An environment variable. If it is set, each program meets each odd path and condition, which takes long."""


def some(values, number, share):
    """One value in ``share``, others for a program of another number: together the programs meet all values."""
    return values if os.environ.get(EVERYTHING) else values[number % share :: share]


@pytest.fixture
def place(tmp_path):
    """A folder with something of each kind that programs read, links in a circle, and a pipe without a writer."""
    shutil.copy(ROOT / "images" / "people.jpg", tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    (tmp_path / "pictures").mkdir()
    shutil.copy(tmp_path / "photo.jpg", tmp_path / "photos")
    person = {"id": 1, "image_id": 1, "category_id": 1, "keypoints": [300, 200, 2] * 17, "num_keypoints": 17}
    person |= {"bbox": [200, 50, 200, 400], "area": 50_000, "iscrowd": 0}
    kind = {"id": 1, "name": "person"}
    photo = {"id": 1, "file_name": "photo.jpg", "width": 1024, "height": 512}
    content = {"images": [photo], "annotations": [person], "categories": [kind]}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "1_merge.py").write_text("def merge(subset, **limits):\n    return subset\n")
    for name in ("loop", "loop.png"):
        (tmp_path / name).symlink_to(name)
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


def call(place, arguments, shell='"$@"', **variables):
    """Run Python as a shell's command says: exit status, standard output, standard error."""
    command = f"ulimit -v 12000000 2>/dev/null; {shell}"
    own = {name: value for name, value in os.environ.items() if name != DEBUG}
    done = subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, *arguments],
        cwd=place,
        env={**own, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


FORKS = """
import json, os, runpy, signal, sys
from openpose_lab.commands import check_merge, compare_groupings, evaluate, explain, grade, handout, image
from openpose_lab.commands import train, weights
from openpose_lab.networks.runtimes.tensorflow_loading import load_tensorflow

load_tensorflow()
for line in sys.stdin:
    folder, arguments, out, err = json.loads(line)
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
signal.alarm(60)  # which ends the process
os.chdir(folder)
for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
    os.dup2(os.open(path, mode), number)
run = runpy.run_path
if arguments[0] == "-m":
    run, arguments = runpy.run_module, arguments[1:]
else:
    sys.path.insert(0, os.path.dirname(arguments[0]))
sys.argv = arguments
run(arguments[0], run_name="__main__", **({"alter_sys": True} if run is runpy.run_module else {}))
"""


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    """Run Python as ``call`` does, without a shell and with the project's modules imported already."""
    own = {name: value for name, value in os.environ.items() if name != DEBUG}
    out, err = (tmp_path_factory.mktemp("forks") / name for name in ("out", "err"))
    command = ["bash", "-c", 'ulimit -v 12000000 2>/dev/null; exec "$@"', "bash", sys.executable, "-c", FORKS]
    with subprocess.Popen(
        command,
        env={**own, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:

        def fork(place, arguments):
            out.write_bytes(b"")
            err.write_bytes(b"")
            request = json.dumps([str(place), [os.fsdecode(one) for one in arguments], str(out), str(err)])
            server.stdin.write(request + "\n")
            server.stdin.flush()
            return int(server.stdout.readline()), out.read_bytes(), err.read_bytes()

        yield fork
        server.stdin.close()


def find_faults(status, out, err):
    """What people must not meet."""
    faults = [text for text in (b"Traceback", b"Exception ignored", b"bug in the program") if text in out + err]
    if control := re.findall(rb"[\x00-\x08\x0b-\x1f\x7f]", (out + err).replace(b"\r\n", b"\n")):
        faults.append(control)
    if status not in (0, 1, 2):
        faults.append(status)
    beside = (b": note: ", b": the output cannot be written: ")  # told beside what else is wrong
    lines = [line for line in err.splitlines() if not any(text in line for text in beside)]
    if status == 1 and (len(lines) > 1 or len(err) > 1000):
        faults.append("no single sentence")
    if status == 2 and lines and len(lines[-1]) > 700:  # the usage stands above
        faults.append("a long sentence")
    return faults


def outcomes(place, arguments, values, run=call):
    """The faults by value, for the values that have some."""
    found = {}
    for value in values:
        done = run(place, [*arguments, value])
        if faults := find_faults(*done):
            found[value[:20]] = (faults, done[2][-500:])
    return found


def test_an_odd_output_is_one_sentence_at_most(place, call_program, monkeypatch):
    monkeypatch.chdir(place)

    def run(_, arguments):
        status, out, err = call_program("handout", handout.main, *arguments)
        return status, out.encode(), err.encode()

    assert outcomes(place, HANDOUT[3:], ["", "/", LONG, "loop", "\x1b[31mred\x07.zip"], run) == {}


@pytest.mark.slow
@pytest.mark.parametrize("slot", OUTPUTS)
def test_an_odd_output_of_any_program_is_one_sentence_at_most(place, slot, forks):
    number = list(OUTPUTS).index(slot)
    assert outcomes(place, OUTPUTS[slot], some([*BAD_PATHS, ODD_NAMES[0]], number, 4), forks) == {}
    assert outcomes(place, OUTPUTS[slot], some(["/dev/stdout"], number, 3)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("slot", INPUTS)
def test_an_odd_input_of_any_program_is_one_sentence(place, slot, forks):
    values = [value for value in (*BAD_PATHS, *ODD_NAMES, "fifo") if (slot, value) != ("grade", "/")]  # all files
    assert outcomes(place, INPUTS[slot], some(values, list(INPUTS).index(slot), 5), forks) == {}


@pytest.mark.parametrize(
    ("program", "condition"),
    [
        pytest.param(program, condition, marks=[] if (program, condition) in QUICK else pytest.mark.slow)
        for program in PROGRAMS
        for condition in CONDITIONS
    ],
)
def test_odd_streams_and_places_are_no_traceback(place, program, condition):
    assert find_faults(*call(place, PROGRAMS[program], condition)) == []


@pytest.mark.slow
@pytest.mark.parametrize("program", SLOW_PROGRAMS)
def test_odd_streams_and_places_are_no_traceback_of_any_program(place, program):
    conditions = some(CONDITIONS, list(SLOW_PROGRAMS).index(program), len(CONDITIONS))
    found = {condition: find_faults(*call(place, SLOW_PROGRAMS[program], condition)) for condition in conditions}
    assert {condition: faults for condition, faults in found.items() if faults} == {}


def test_work_goes_on_when_nobody_reads_the_output(place):
    status, _, err = call(place, [*LAB, "handout"], 'set -o pipefail; "$@" | true')
    assert (status, err) == (0, b"")
    assert (place / "lab.zip").is_file()


@pytest.mark.slow
def test_grading_goes_on_when_nobody_reads_the_output(place):
    status, _, err = call(place, [*GRADE, "--jobs", "1"], 'set -o pipefail; "$@" 2>&1 | true')
    assert (status, err) == (0, b"")
    assert (place / "grades.csv").is_file()
    assert list((place / "grades_sheets").glob("*.html"))


def test_a_deleted_folder_is_said_before_the_work(place):
    status, _, err = call(place, [*LAB, "handout"], CONDITIONS[10])
    assert (status, err) == (1, b"handout: cannot write lab.zip: the current folder is gone; go to another one\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "shell", "apart"),
    [
        ("-", '"$@"', True),
        ("/dev/stdout", '"$@" | cat', True),
        ("/dev/stdout", '"$@" > people.json; cat people.json', True),
        ("people.json", '"$@" > people.json; cat people.json', True),
        ("/dev/fd/5", '"$@" 5>&1', True),
        ("fifo", 'cat fifo & "$@" && wait', False),
        (">(cat)", '"${@:1:$#-1}" >(cat); sleep 1', False),
    ],
)
def test_json_goes_into_pipes_and_the_report_beside_it(place, path, shell, apart):
    status, out, err = call(place, [*DEMO, "photo.jpg", "--no-draw", "--json", path], shell)
    start = out.index(b'{"version"')
    content, end = json.JSONDecoder().raw_decode(out[start:].decode())
    rest = out[:start] + out[start + end :]
    assert status == 0
    assert len(content["people"]) == 2
    assert b"people       2" in (err if apart else rest)
    assert (rest if apart else err) == b""


@pytest.mark.slow
def test_json_that_nobody_reads_is_said(place):
    done = call(place, [*DEMO, "photo.jpg", "--no-draw", "--json", "/dev/stdout"], 'set -o pipefail; "$@" | true')
    assert done == (1, b"", b"demo_image.py: cannot write /dev/stdout: Broken pipe; its reader has ended\n")


INTERRUPT = """
import os, signal, sys, threading

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["AT_IMPORT_OF"]:
            sys.meta_path.remove(self)
            if "AFTER" in os.environ:
                wait = threading.Timer(float(os.environ["AFTER"]), os.kill, (os.getpid(), signal.SIGINT))
                wait.daemon = True
                wait.start()
            else:
                os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""


def interrupted(place, arguments, module, **after):
    """Run a program that gets Ctrl-C's signal when it imports a module, or some seconds after."""
    (place / "hooks").mkdir(exist_ok=True)
    (place / "hooks" / "sitecustomize.py").write_text(INTERRUPT)
    folders = os.pathsep.join([str(place / "hooks"), str(ROOT)])
    return call(place, arguments, 'exec "$@"', PYTHONPATH=folders, AT_IMPORT_OF=module, **after)


@pytest.mark.parametrize(
    ("arguments", "name", "module"),
    [
        *((DEMO, "demo_image.py", at) for at in ("openpose_lab.commands.image", "numpy._core.multiarray", "cv2")),
        ([*LAB, "weights", "list"], "weights", "openpose_lab.commands.weights"),
        pytest.param([*LAB, "photo.jpg"], "openpose-lab", "openvino", marks=needs("openvino")),
        pytest.param(
            *([*LAB, "photo.jpg", "--runtime", "keras"], "openpose-lab", "scipy"),
            marks=[pytest.mark.slow, needs("tensorflow")],
        ),
    ],
)
def test_ctrl_c_while_a_program_imports_stops_it(place, arguments, name, module):
    assert interrupted(place, arguments, module) == (130, b"", f"{name}: stopped\n".encode())


@pytest.mark.parametrize("name", ["accuracy_tables", "collect_rows", "draw_failings"])
def test_ctrl_c_while_a_script_imports_ends_it_silently(place, name):
    assert interrupted(place, ["-m", f"scripts.{name}", "--help"], "numpy") == (-signal.SIGINT, b"", b"")


@pytest.mark.slow
def test_ctrl_c_stops_the_demo_at_any_moment(place):
    moments = random.Random(0)
    for _ in range(5):
        seconds = moments.uniform(0.05, 4)
        status, out, err = interrupted(place, DEMO, "openpose_lab.commands.image", AFTER=f"{seconds:.3f}")
        if status == -signal.SIGINT:  # while Python ends
            assert err in (b"", b"demo_image.py: stopped\n")
        elif status:
            assert (status, out, err) == (130, b"", b"demo_image.py: stopped\n")
        else:
            assert err == b""


AS_ANOTHER = """
import os, sys
from openpose_lab.commands import handout, program
import encodings.idna, locale, logging, zipfile, estimation.files, openpose_lab.lab.handout  # now, as root
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(sum(program.run("handout", handout.main, ["--out", path]) for path in sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_without_permission_is_one_sentence():
    refused = {"lab.zip": "no permission", "kept.zip": "no permission", "closed/lab.zip": os.strerror(errno.EACCES)}
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are root's alone
        os.chmod(folder, 0o755)
        kept = Path(folder, "kept.zip")
        kept.touch()
        kept.chmod(0o666)
        Path(folder, "closed").mkdir(mode=0o700)
        status, out, err = call(folder, ["-c", AS_ANOTHER, *refused])
    assert (status, out) == (len(refused), b"")
    assert err.decode().splitlines() == [
        f"handout: cannot write {path}: {why}; choose another place" for path, why in refused.items()
    ]
