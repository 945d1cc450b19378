"""``openpose-lab batch``: the same people as the demo, whatever is killed, and one sentence for each wrong use."""

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
from estimation.quality import QUALITIES
from openpose_lab.batch.cluster import Resources, check_fit, memory_bound
from openpose_lab.commands import batch
from openpose_lab.estimator import PoseEstimator
from openpose_lab.extras import MissingLibraryError
from openpose_lab.formats.points import best_first
from openpose_lab.overlap import count_cores
from tests.conftest import ROOT
from tests.support.extras import needs

PHOTOS, BROKEN, PART = 90, (3, 50, 51, 89), 10
OPTIONS = ["--quality", "fast", "--photos-per-part", PART]
SECONDS = 240
SLOW_MERGE = """
import time
from estimation import merge as lab

def merge(subset, min_num_body_parts=4, min_score=0.4):
    time.sleep(0.05)
    return lab.merge(subset, min_num_body_parts, min_score)
"""


def with_ray(test):
    """Mark a test that starts Ray."""
    missing = importlib.util.find_spec("ray") is None
    return pytest.mark.slow(pytest.mark.skipif(missing, reason="needs ray, of requirements-dev.txt")(test))


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")


# Ray is not needed


def refused(call_program, *arguments):
    status, _, err = call_program("batch", batch.main, *arguments)
    assert status == 1
    assert err.count("\n") == 1, err
    return err


def test_ray_is_an_extra(call_program, tmp_path, monkeypatch):
    def missing(library, task):
        raise MissingLibraryError(f"{task} needs {library}, which is not installed")

    monkeypatch.setattr(batch, "require", missing)
    assert "openpose-lab batch needs ray, which is not installed" in refused(call_program, tmp_path, tmp_path / "out")


@pytest.fixture
def no_ray(monkeypatch):
    monkeypatch.setattr(batch, "require", lambda *_: None)


@needs("pyarrow")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", 0], "--workers must be"),
        (["--threads", 0], "--threads must be"),
        (["--photos-per-part", 0], "--photos-per-part must be"),
        (["--store", 10], "--store must be"),
        (["--every", 0], "every must be"),
        (["--gpus", "--runtime", "openvino"], "--gpus needs the runtime keras"),
        (["--grouping", "missing.py"], "missing.py"),
        (["--set", "nonsense=1"], "no threshold is named 'nonsense'"),
    ],
)
def test_wrong_options_are_told_before_the_work(no_ray, call_program, tmp_path, options, message):
    (tmp_path / "a.jpg").write_bytes(b"")
    assert message in refused(call_program, tmp_path, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


@needs("pyarrow")
def test_a_source_that_is_missing_is_told(no_ray, call_program, tmp_path):
    assert "there is no file or folder" in refused(call_program, tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs("pyarrow")
@pytest.mark.parametrize(("name", "library"), [("a.mp4", "av"), ("a.heic", "pillow_heif")])
def test_a_library_that_decodes_is_checked_before_ray_starts(call_program, tmp_path, monkeypatch, name, library):
    def missing(one, task):
        if one == library:
            raise MissingLibraryError(f"{task} needs {one}, which is not installed")

    monkeypatch.setattr(batch, "require", missing)
    (tmp_path / name).write_bytes(b"")
    assert f"needs {library}, which is not installed" in refused(call_program, tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("machines", "resources", "fits"),
    [
        ([{"CPU": 2}], Resources(1, 2), True),
        ([{"CPU": 2}], Resources(2, 1), True),
        ([{"CPU": 2}], Resources(2, 2), False),
        ([{"CPU": 7}], Resources(1, 8), False),  # no core is left to decode photos
        ([{"CPU": 4}, {"CPU": 4}], Resources(2, 4), True),
        ([{"CPU": 4}, {"CPU": 4}], Resources(1, 8), False),
        ([{"CPU": 8}], Resources(1, 2, gpus=True), False),
        ([{"CPU": 8, "GPU": 2}, {"CPU": 8}], Resources(2, 2, gpus=True), True),
        ([{"CPU": 8, "GPU": 2}, {"CPU": 8}], Resources(3, 2, gpus=True), False),
        ([], Resources(1, 1, address="x"), False),
    ],
)
def test_workers_must_fit_into_the_machines(machines, resources, fits):
    if fits:
        check_fit(resources, machines, free=100)
        with pytest.raises(OpenPoseLabError, match=r"do not fit now: only 1 of \d+ cores of .* are free"):
            check_fit(resources, machines, free=1)
    else:
        with pytest.raises(OpenPoseLabError, match="do not fit: .*; give fewer --workers or --threads"):
            check_fit(resources, machines, free=100)


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (29, "29 s"), (100, "2 min"), (7500, "2 h 05 min")])
def test_times_are_for_people(seconds, text):
    assert batch.duration(seconds) == text


# With Ray


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with photos of the skiers, each cut in another way, and some that are broken."""
    folder = tmp_path_factory.mktemp("batch") / "photos"
    folder.mkdir()
    skiers = read_photo(ROOT / "images" / "skiers.jpg")
    for number in range(PHOTOS):
        part = skiers[number % 7 :, 2 * (number % 45) :]
        data = cv2.imencode(".jpg", cv2.resize(part[:, :: -1 if number % 2 else 1], (320, 240)))[1].tobytes()
        (folder / f"{number:03}.jpg").write_bytes(data[: len(data) // 2] if number in BROKEN else data)
    return folder


@pytest.fixture(scope="module")
def expected(photos):
    """The keypoints of each person that the estimator finds, (parts, 2), by the name of the photo."""
    views = QUALITIES["fast"]
    with PoseEstimator(height=views.height, scales=views.scales, flip=views.flip) as estimator:
        names = [f"{number:03}.jpg" for number in range(PHOTOS) if number not in BROKEN]
        return {name: best_first(estimator(photos / name)).keypoints for name in names}


def command(*arguments):
    return [sys.executable, "-m", "openpose_lab", "batch", *map(str, arguments)]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def run(*arguments, status=1, **more):
    """Run the program, and return its outputs. Its exit status is 1 if photos failed."""
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=SECONDS, env=environment(**more), check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def read(place, files=None):
    import pyarrow.parquet

    return pyarrow.parquet.read_table(str(place), filesystem=files).to_pylist()


def check(out, expected, files=None, name=lambda row: row["source"]):
    """Each photo's people are those of the estimator, and each broken photo is one failure."""
    rows = read(f"{out}/people", files)
    found = {}
    for row in rows:
        keypoints = np.array(row["keypoints"], float).reshape(-1, 2)
        found.setdefault(name(row), []).append(keypoints)
    assert found.keys() == {name for name, people in expected.items() if len(people)}
    for name_, people in found.items():
        assert len(people) == len(expected[name_])
        np.testing.assert_allclose(people, expected[name_], atol=0.01)
    failed = read(f"{out}/failures", files)
    assert sorted(name(row) for row in failed) == [f"{number:03}.jpg" for number in BROKEN]


def written(out):
    """The time at which each finished part was written."""
    return {path.name: path.stat().st_mtime_ns for path in (out / "people").glob("part-*.parquet")}


@contextmanager
def running(*arguments):
    """Start the program, and wait until it has finished two parts. Nothing of it is left after the block."""
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    out = Path(str(arguments[1]))
    try:
        end = time.monotonic() + SECONDS
        while len(written(out)) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        assert len(written(out)) < PHOTOS // PART - 2, "the program was too fast for this test"
        yield process
    finally:
        process.kill()
        process.communicate()


def below(pid):
    """The processes that a process has started, directly or not: their numbers and names."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            name = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        children.setdefault(parent, []).append((int(folder.name), name))
    found, waiting = [], [pid]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += [number for number, _ in new]
    return found


@pytest.fixture(scope="module")
def slow_merge(tmp_path_factory):
    path = tmp_path_factory.mktemp("merge") / "slow_merge.py"
    path.write_text(SLOW_MERGE)
    return path


@with_ray
@pytest.mark.parametrize("workers", [1, 2])
def test_the_people_are_those_of_the_demo(photos, expected, tmp_path, workers):
    done = run(photos, tmp_path / "out", *OPTIONS, "--workers", workers)
    check(tmp_path / "out", expected)
    assert f"photos       {PHOTOS - len(BROKEN)} of {PHOTOS} done" in done.stdout
    assert f"failed       {len(BROKEN)}" in done.stdout
    assert done.stderr.splitlines()[-1].startswith(f"batch: {len(BROKEN)} of {PHOTOS} photos failed, see ")
    assert "Traceback" not in done.stderr
    assert not re.search(r"\bray\b", done.stderr), done.stderr

    before = written(tmp_path / "out")
    again = run(photos, tmp_path / "out", *OPTIONS, "--workers", 3 - workers)  # nothing is left to do
    assert written(tmp_path / "out") == before
    assert f"{PHOTOS} processed in an earlier run" in again.stdout
    assert "starting Ray" not in again.stdout


@with_ray
@on_linux
def test_a_worker_may_be_killed(photos, expected, slow_merge, tmp_path):
    options = [photos, tmp_path / "out", *OPTIONS, "--workers", 2, "--grouping", slow_merge]
    with running(*options) as process:
        workers = [pid for pid, name in below(process.pid) if "MapWorker" in name]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        before = written(tmp_path / "out")
        process.communicate(timeout=SECONDS)
        assert process.returncode in (0, 1)
    if len(written(tmp_path / "out")) < PHOTOS // PART:  # Ray gave up, so a second run does the rest
        run(*options)
    assert before.items() <= written(tmp_path / "out").items()
    check(tmp_path / "out", expected)


@with_ray
@on_linux
def test_a_photo_that_kills_its_process_is_a_failure(photos, tmp_path):
    """As a decoder that crashes, or the system that ends a process because memory is full."""
    folder, code = tmp_path / "photos", tmp_path / "code"
    for place in (folder, code):
        place.mkdir()
    for number in range(20, 40):
        (folder / f"{number}.jpg").write_bytes((photos / f"{number:03}.jpg").read_bytes())
    (folder / "30.jpg").write_bytes(b"poison")
    (code / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from openpose_lab.sources import photo_files\n"
        "decode = photo_files.decode_any_photo\n"
        "def poisoned(data, name):\n"
        "    if data == b'poison':\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return decode(data, name)\n"
        "photo_files.decode_any_photo = poisoned\n"
    )
    done = run(folder, tmp_path / "out", *OPTIONS, PYTHONPATH=os.pathsep.join([str(code), str(ROOT)]))
    assert [row["source"] for row in read(tmp_path / "out" / "failures")] == ["30.jpg"]
    assert "each process that worked on 30.jpg was lost" in done.stdout
    assert len({row["source"] for row in read(tmp_path / "out" / "people")}) == 19


@with_ray
@on_linux
def test_the_program_may_be_killed(photos, expected, slow_merge, tmp_path):
    options = [photos, tmp_path / "out", *OPTIONS, "--workers", 2, "--grouping", slow_merge]
    with running(*options) as process:
        others = [pid for pid, name in below(process.pid) if "Agent" not in name]  # two of Ray's end a minute later
        process.kill()
        process.wait()
    before = written(tmp_path / "out")
    assert 2 <= len(before) < PHOTOS // PART
    done = run(*options)
    assert before.items() <= written(tmp_path / "out").items()  # a finished part is not done again
    assert f"{PART * len(before)} processed in an earlier run" in done.stdout
    check(tmp_path / "out", expected)
    assert [pid for pid in others if Path(f"/proc/{pid}").exists()] == []


@with_ray
@on_linux
def test_ctrl_c_stops_at_once(photos, slow_merge, tmp_path):
    with running(photos, tmp_path / "out", *OPTIONS, "--grouping", slow_merge) as process:
        others = [pid for pid, _ in below(process.pid)]
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err.splitlines()[-1] == "batch: stopped"
        assert "Traceback" not in err
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in others):
        assert time.monotonic() < end, below(1)
        time.sleep(0.1)


@with_ray
def test_photos_in_a_parquet_file(photos, expected, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet

    data = [(photos / f"{number:03}.jpg").read_bytes() for number in range(PHOTOS)]
    pyarrow.parquet.write_table(
        pa.table({"label": list(range(PHOTOS)), "photo": data}), tmp_path / "t.parquet", row_group_size=40
    )
    run(tmp_path / "t.parquet", tmp_path / "out", *OPTIONS)
    check(tmp_path / "out", expected, name=lambda row: f"{int(row['source'].rpartition('#')[2]):03}.jpg")


@pytest.fixture
def bucket(photos, monkeypatch):
    """The options of an address for a local S3, in which the bucket ``data`` holds the photos."""
    server = pytest.importorskip("moto.server", reason="needs moto, of requirements-dev.txt")
    import pyarrow.fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    moto = server.ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    options = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1&allow_bucket_creation=true"
    files, _ = pyarrow.fs.FileSystem.from_uri(f"s3://data?{options}")
    files.create_dir("data")
    for path in photos.iterdir():
        with files.open_output_stream(f"data/photos/{path.name}") as stream:
            stream.write(path.read_bytes())
    yield options, files
    moto.stop()


@with_ray
def test_photos_in_a_bucket(bucket, expected):
    options, files = bucket
    done = run(f"s3://data/photos?{options}", f"s3://data/out?{options}", *OPTIONS)
    check("data/out", expected, files)
    assert "wrote s3://data/out\n" in done.stdout  # the options of an address may hold secrets
    again = run(f"s3://data/photos?{options}", f"s3://data/out?{options}", *OPTIONS)
    assert f"{PHOTOS} processed in an earlier run" in again.stdout


@with_ray
def test_failed_photos_are_done_again(photos, expected, tmp_path):
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for number in range(3, 23):
        (folder / f"{number:03}.jpg").write_bytes((photos / f"{number:03}.jpg").read_bytes())
    run(folder, out, *OPTIONS)
    before = written(out)
    assert len(before) == 2
    (folder / "003.jpg").write_bytes((photos / "004.jpg").read_bytes())
    (folder / "new.jpg").write_bytes((photos / "005.jpg").read_bytes())
    run(folder, out, *OPTIONS, "--retry-failed", status=0)
    after = written(out)
    assert [name for name in before if before[name] != after[name]] == ["part-000000.parquet"]
    assert len(after) == 3
    assert list((out / "failures").iterdir()) == []
    found = {row["source"] for row in read(out / "people")}
    assert {"003.jpg", "new.jpg"} <= found


@with_ray
@needs("av")
def test_a_video_has_the_ids_of_the_demo(tmp_path):
    from tests.support.video_files import make_clip

    skiers = cv2.resize(read_photo(ROOT / "images" / "skiers.jpg"), (320, 240))
    for name in ("a.mp4", "b.mp4"):
        clip = tmp_path / "clips" / name
        clip.parent.mkdir(exist_ok=True)
        ticks = range(0, 20 * 3600, 3600)
        make_clip(clip, ticks, (320, 240), draw=lambda number: np.roll(skiers, 3 * number, axis=1))
    run(tmp_path / "clips", tmp_path / "out", "--quality", "fast", "--workers", 2, status=0)
    demo = [sys.executable, "-m", "openpose_lab", "video", tmp_path / "clips" / "a.mp4", "--no-draw"]
    subprocess.run(
        [*map(str, demo), "--quality", "fast", "--jsonl", tmp_path / "a.jsonl"], check=True, env=environment()
    )
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    rows = read(tmp_path / "out" / "people")
    assert {row["source"] for row in rows} == {"a.mp4", "b.mp4"}
    mine = {}
    for row in rows:
        if row["source"] == "a.mp4":
            mine.setdefault(row["index"], []).append(row["person_id"])
    assert len(mine) == 20
    theirs = [[person["person_id"] for person in line["people"]] for line in lines]
    assert [[-1 if one is None else one for one in people] for people in mine.values()] == theirs


@with_ray
def test_a_dry_run_counts_and_estimates(photos, tmp_path):
    done = run(photos, tmp_path / "out", *OPTIONS, "--dry-run", status=0)
    assert f"photos       {PHOTOS}" in done.stdout
    assert re.search(r"^rate         \d+\.\d photos a second, measured on \d+ photos$", done.stdout, re.MULTILINE)
    assert re.search(r"^about        \d+ (s|min) for all, with --workers 1 --threads \d+$", done.stdout, re.MULTILINE)
    assert not (tmp_path / "out").exists()


def memory_of(pid):
    """MB of memory of a process and all below it; shared memory counts once."""
    total = 0
    for number in [pid, *(number for number, _ in below(pid))]:
        try:
            text = Path(f"/proc/{number}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])
    return total / 1024


@with_ray
@on_linux
def test_memory_stays_below_its_bound(tmp_path):
    """The decoded photos have over ten times the size of the object store, and would not fit below the bound."""
    side, count, store = 2592, 44, 80
    photo = side * side * 3 / 2**20
    bound = memory_bound(Resources(1, count_cores(), store=store), count_cores(), photo)
    assert count * photo > 10 * store
    folder = tmp_path / "photos"
    folder.mkdir()
    data = cv2.imencode(".jpg", cv2.resize(read_photo(ROOT / "images" / "skiers.jpg"), (side, side)))[1].tobytes()
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(data)
    arguments = command(folder, tmp_path / "out", "--quality", "fast", "--store", store)
    peak = 0
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.1)
        assert process.returncode == 0, process.communicate()
    print(f"at most {peak:.0f} MB; the formula gives {bound:.0f} MB")
    assert peak < bound


@with_ray
def test_wrong_clusters_are_told(photos, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = run(photos, tmp_path / "a", "--address", f"127.0.0.1:{port}")
    assert "no cluster answers at" in done.stderr
    assert "is for Ray's client" in run(photos, tmp_path / "b", "--address", "ray://host:10001").stderr
    assert "is not the address of a cluster" in run(photos, tmp_path / "c", "--address", "host").stderr
    assert "do not fit: this machine has" in run(photos, tmp_path / "d", "--gpus", "--workers", 999).stderr


@with_ray
def test_a_grouping_that_always_fails_ends_the_job(photos, tmp_path):
    (tmp_path / "wrong.py").write_text("def merge(subset, *_, **__):\n    raise ValueError('not yet')\n")
    done = run(photos, tmp_path / "out", *OPTIONS, "--grouping", tmp_path / "wrong.py")
    assert "the grouping failed 5 times in a row" in done.stderr
    assert "Traceback" not in done.stderr
    assert "RayDeprecationWarning" not in done.stderr
