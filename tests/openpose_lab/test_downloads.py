"""Downloads from a local server: whole, resumed, and each way to fail."""

import gc
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab import downloads
from openpose_lab.checksums import checksum, checksum_like
from openpose_lab.downloads import DownloadInterruptedError, download, is_downloaded
from tests.conftest import ROOT

DATA = bytes(range(256)) * 1000
BUFFERED = 16 << 20
"""Bytes that the sockets of two ends hold at most, generously: Linux's default limits are 4 and 6 MB."""
EXPECTED = f"md5:{hashlib.md5(DATA).hexdigest()}"


@pytest.fixture
def url(file_server):
    return file_server.serve("/net.bin", DATA)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.bin"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_checksums_of_a_file(path):
    path.write_bytes(b"abc")
    assert checksum(path, "sha1") == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert checksum_like(path, "md5:0") == "md5:900150983cd24fb0d6963f7d28e17f72"


def test_a_download_is_whole(url, path, tmp_path):
    download(url, path, EXPECTED)
    assert path.read_bytes() == DATA
    assert names(tmp_path) == ["net.bin"]
    assert is_downloaded(path, EXPECTED)


@pytest.mark.parametrize("resumes", [True, False])
def test_a_download_that_broke_off_is_continued(file_server, url, path, tmp_path, resumes):
    file_server.resumes = resumes
    file_server.breaks_after = 100_000
    with pytest.raises(OpenPoseLabError, match="it stopped after 100000 of 256000 bytes; run again to continue"):
        download(url, path, EXPECTED)
    assert names(tmp_path) == ["net.bin.part"]
    assert not is_downloaded(path, EXPECTED)
    file_server.breaks_after = None
    download(url, path, EXPECTED)
    assert path.read_bytes() == DATA
    assert file_server.asked == [("/net.bin", None), ("/net.bin", "bytes=100000-")]
    assert names(tmp_path) == ["net.bin"]


def test_a_part_that_is_complete_gets_its_name(url, path, tmp_path):
    (tmp_path / "net.bin.part").write_bytes(DATA)
    download(url, path, EXPECTED)
    assert path.read_bytes() == DATA


def test_another_file_at_the_address_is_thrown_away(file_server, url, path, tmp_path):
    file_server.serve("/net.bin", b"<html>this site has moved</html>")
    with pytest.raises(OpenPoseLabError) as error:
        download(url, path, EXPECTED)
    sentence = str(error.value)
    assert f"cannot fetch net.bin from {url} (the server sent another file: md5:" in sentence
    assert len(sentence) - len(url) - len(str(path)) < 250
    assert sentence.endswith(f"find a file with {EXPECTED} elsewhere, and put it at {path}")
    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [404, 416])
def test_a_refusal_of_the_server(file_server, url, path, tmp_path, status):
    file_server.status = status
    reason = {404: "Not Found", 416: "Requested Range Not Satisfiable"}[status]
    with pytest.raises(OpenPoseLabError) as error:
        download(url, path, EXPECTED)
    assert str(error.value) == (
        f"cannot fetch net.bin from {url} ({reason}); if the address is gone, find a file with "
        f"{EXPECTED} elsewhere, and put it at {path}"
    )
    assert names(tmp_path) == []


def test_a_reason_that_steers_the_terminal_is_shown_as_escapes(file_server, url, path):
    file_server.status, file_server.reason = 404, "gone\x1b[2J\x1b]0;title\x07" + 5000 * "x"
    with pytest.raises(OpenPoseLabError) as error:
        download(url, path, EXPECTED)
    sentence = str(error.value)
    assert sentence.isprintable()
    assert "(gone\\x1b[2J" in sentence
    assert len(sentence.replace(str(path.parent), "model_weights")) < 300


@pytest.mark.parametrize("kept", [b"other", DATA + b"more"])
def test_a_part_of_another_file_is_thrown_away(file_server, url, path, tmp_path, kept):
    (tmp_path / "net.bin.part").write_bytes(kept.ljust(len(DATA), b"."))
    download(url, path, EXPECTED)
    assert path.read_bytes() == DATA
    assert [asked for _, asked in file_server.asked][-1] is None
    assert names(tmp_path) == ["net.bin"]


@pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning")
def test_an_address_that_cannot_be_read(file_server, url, path):
    """The server redirects to it. urllib raises before it closes the response."""
    file_server.status, file_server.location = 302, "http://[::1"
    with pytest.raises(DownloadInterruptedError, match=r"\(it redirects to an invalid address: Invalid IPv6 URL\)"):
        download(url, path, EXPECTED)
    gc.collect()


def test_a_body_without_an_end_is_not_received_to_its_end(file_server, url, path, tmp_path):
    file_server.endless = True
    with pytest.raises(OpenPoseLabError, match="it sends more than the limit of 300000 bytes"):
        download(url, path, EXPECTED, most_bytes=300_000)
    assert names(tmp_path) == []
    assert file_server.sent < 300_000 + BUFFERED


def test_a_body_that_is_stated_to_be_too_large_is_not_received(url, path, tmp_path):
    with pytest.raises(OpenPoseLabError, match="it states 256000 bytes, more than the limit of 255999"):
        download(url, path, EXPECTED, most_bytes=255_999)
    assert names(tmp_path) == []


@pytest.mark.parametrize("slow_head", [False, True], ids=["body", "head"])
def test_a_server_that_is_too_slow_is_left(file_server, url, path, monkeypatch, slow_head):
    """Each byte comes within the timeout of the socket."""
    monkeypatch.setattr(downloads, "_TIMEOUT_SECONDS", 0.2)
    file_server.pause, file_server.slow_head = 0.05, slow_head
    with pytest.raises(DownloadInterruptedError, match="it sends less than 1 kB a second; run again later"):
        download(url, path, EXPECTED)


def test_a_file_that_another_program_downloads_is_left_to_it(file_server, url, path, tmp_path):
    script = f"""
import sys, time
from pathlib import Path
from openpose_lab.downloads import _alone
with _alone(Path({str(path)!r})):
    print("ready", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(
            OpenPoseLabError, match="another program is downloading .*net.bin; wait until it has finished"
        ):
            download(url, path, EXPECTED)
        other.stdin.close()
    assert file_server.asked == []
    download(url, path, EXPECTED)
    assert names(tmp_path) == ["net.bin"]


def test_a_file_that_another_program_has_just_downloaded_is_not_asked_for(file_server, url, path):
    path.write_bytes(DATA)
    download(url, path, EXPECTED)
    assert file_server.asked == []


def test_no_server(path):
    with pytest.raises(OpenPoseLabError, match="cannot fetch net.bin from http://127.0.0.1:9/net.bin .*refused"):
        download("http://127.0.0.1:9/net.bin", path, EXPECTED)


def test_another_file_in_the_place(path):
    path.write_bytes(b"other")
    with pytest.raises(OpenPoseLabError) as error:
        is_downloaded(path, EXPECTED)
    found = hashlib.md5(b"other").hexdigest()
    assert str(error.value) == (
        f"{path} is not the published file: md5:{found}, expected {EXPECTED}; delete it and run again"
    )


def test_a_folder_in_the_place(path):
    path.mkdir()
    with pytest.raises(OpenPoseLabError, match="net.bin is a folder, but a file with this name is needed; move"):
        is_downloaded(path, EXPECTED)


def test_a_file_that_cannot_be_read(path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    path.write_bytes(DATA)
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(OpenPoseLabError, match=r"net.bin cannot be read \(Permission denied\); check the path"):
        is_downloaded(path, EXPECTED)


def test_a_full_disk(url, path, monkeypatch):
    class FullDisk:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, _):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_: FullDisk())
    with pytest.raises(OpenPoseLabError) as error:
        download(url, path, EXPECTED)
    assert str(error.value) == f"cannot write {path}.part: No space left on device; free some space and run again"


@pytest.mark.parametrize("ending", ["part", "lock"])
@pytest.mark.parametrize("make", ["mkdir", "mkfifo"])
def test_no_file_in_the_place_of_the_part_or_the_lock(url, path, ending, make):
    """A pipe that nothing reads would be waited for."""
    if not hasattr(os, make):
        pytest.skip("needs a system with pipes that have names")
    getattr(os, make)(f"{path}.{ending}")
    with pytest.raises(OpenPoseLabError, match=rf"net\.bin\.{ending} is not a file, but the download needs its name"):
        download(url, path, EXPECTED)


def test_a_name_that_cannot_be_given(url, path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(downloads.os, "replace", refused)
    with pytest.raises(OpenPoseLabError, match=r"cannot write .*net.bin.part: Permission denied; check its folder"):
        download(url, path, EXPECTED)
    monkeypatch.undo()
    assert os.listdir(path.parent) == ["net.bin.part"]
    download(url, path, EXPECTED)
    assert path.read_bytes() == DATA
