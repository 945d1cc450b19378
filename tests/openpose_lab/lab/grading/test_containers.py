"""Archives that unpack to far more than their size are read in a process with limits."""

import io
import json
import random
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT
from tests.support.archives import packed

resource = pytest.importorskip("resource", reason="Windows has no limits of memory")

CODE = """
import json, resource, sys
from pathlib import Path
from openpose_lab.lab.grading.submissions import find_submissions
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = find_submissions(Path(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([{s.student: s.problem or s.code.decode() for s in found}, used // 1024]))
"""


def read(folder, seconds=60):
    """What is found, in a process with 2 GB of addresses. It may take 400 MB."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    done = subprocess.run(
        [sys.executable, "-c", CODE, str(folder)],
        cwd=ROOT,
        preexec_fn=limit if sys.platform == "linux" else None,
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    found, megabytes = json.loads(done.stdout)
    assert megabytes < 400
    return found


def zeros(megabytes):
    """An archive with one entry of so many zeros, without making them all at once."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file, file.open("merge.py", "w") as entry:
        for _ in range(megabytes):
            entry.write(bytes(1 << 20))
    return data.getvalue()


@pytest.mark.slow
def test_a_bomb_is_a_row(tmp_path):
    one = zeros(300)
    (tmp_path / "B1.zip").write_bytes(one)
    (tmp_path / "B2.zip").write_bytes(packed({"merge.py": bytes(1 << 20) * 30}, zipfile.ZIP_BZIP2))
    (tmp_path / "B3.zip").write_bytes(packed({"merge.py": bytes(1 << 20) * 30}, zipfile.ZIP_LZMA))
    (tmp_path / "B4.zip").write_bytes(packed({"inner.zip": bytes(1 << 20) * 120}))
    (tmp_path / "Z_merge.py").write_text("x")
    assert read(tmp_path) == {
        "B1": "the file is larger than a megabyte",
        "B2": "it is packed by bzip2, not deflate; ask for an ordinary .zip",
        "B3": "it is packed by LZMA, not deflate; ask for an ordinary .zip",
        "B4": "the file is larger than 100 megabytes",
        "Z": "x",
    }


@pytest.mark.slow
def test_a_bomb_of_many_archives_costs_nobody_else_their_row(tmp_path):
    """Sixteen archives in each of sixteen, of a megabyte of zeros each, and a file that says it is small."""
    inner = packed({f"{k}_merge.py": bytes(1 << 20) for k in range(64)})
    bomb = packed({f"{k}.zip": packed({f"{n}.zip": inner for n in range(16)}) for k in range(16)})
    course = packed(
        {
            "Ann Lee_1_assignsubmission_file_/Lab3.zip": bomb,
            "Bo Ek_2_assignsubmission_file_/merge.py": "fine",
            "Cy Um_3_assignsubmission_file_/Lab3.zip": packed({"merge.py": "fine too"}),
        }
    )
    (tmp_path / "course.zip").write_bytes(course)
    found = read(tmp_path)
    assert (found["Bo Ek"], found["Cy Um"]) == ("fine", "fine too")
    assert " files in the archive may be the submission" in found["Ann Lee"]


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, pytest.param(zipfile.ZIP_DEFLATED, marks=pytest.mark.slow)],
    ids=["stored", "deflated"],
)
def test_a_large_archive_in_an_archive_is_read(tmp_path, method):
    noise = random.Random(0).randbytes(20 << 20)
    inner = packed({"merge.py": "fine", "photos.bin": noise}, zipfile.ZIP_STORED)
    (tmp_path / "course.zip").write_bytes(packed({"Ann Lee_1_assignsubmission_file_/Lab3.zip": inner}, method))
    assert read(tmp_path) == {"Ann Lee": "fine"}


@pytest.mark.slow
def test_a_list_of_very_many_files_is_a_row(tmp_path):
    with zipfile.ZipFile(tmp_path / "B1.zip", "w") as file:
        for number in range(210_000):
            file.writestr(zipfile.ZipInfo(f"{number}"), b"")
    with zipfile.ZipFile(tmp_path / "B2.zip", "w") as file:
        for number in range(300):
            file.writestr(zipfile.ZipInfo(f"{number:03}" + "x" * 65_000), b"")
    (tmp_path / "Z_merge.py").write_text("x")
    assert read(tmp_path) == {
        "B1": "the archive cannot be read: the archive unpacks to far more than its size; unpack it, and look at its "
        "files",
        "B2": "the archive cannot be read: its list of files is larger than 16 MB",
        "Z": "x",
    }


@pytest.mark.slow
def test_very_many_merges_are_a_row(tmp_path):
    names = ("{}_merge.py", "{}/estimation/merge.py", "{}/merge.py", "{}/x.py")
    for which, name in enumerate(names):
        with zipfile.ZipFile(tmp_path / f"B{which}.zip", "w") as file:
            for number in range(30_000):
                file.writestr(zipfile.ZipInfo(name.format(number)), b"%d" % number)
    found = read(tmp_path, seconds=120)
    assert len(found) == len(names)
    assert all(problem.startswith("30000 files in the archive may be the submission") for problem in found.values())


def test_a_damaged_archive_is_a_row(tmp_path):
    """Each byte of a small archive, changed."""
    whole = packed({"merge.py": "x = 1\n" * 10})
    for number in range(len(whole)):
        damaged = bytearray(whole)
        damaged[number] ^= 0xFF
        (tmp_path / f"B{number:03}.zip").write_bytes(damaged)
    assert len(read(tmp_path)) == len(whole)


def test_cut_archives_are_rows(tmp_path):
    whole = packed({"merge.py": "x = 1\n" * 10})
    for number in range(len(whole)):
        (tmp_path / f"B{number:03}.zip").write_bytes(whole[:number])
    assert len(read(tmp_path)) == len(whole)
