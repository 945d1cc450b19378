"""Mutated files of every kind are read, or refused in one sentence; and the run that finds this out sees all else."""

import contextlib
import random
import struct
import sys
import zipfile
import zlib

import cv2
import numpy as np
import pytest

pytest.importorskip("h5py")

from estimation.errors import OpenPoseLabError
from estimation.photos import read_photo
from tests.support import containers, mutation, mutation_toys
from tests.support.mutation_kinds import KINDS
from tests.support.mutation_runner import KINDS_MODULE, Limits, run_mutations
from tests.support.mutation_worker import examine, mutant, write_files
from tests.support.seeds import archives, photos, weights

TOYS = mutation_toys.__name__
PER_KIND = 20
SEED = 20


@pytest.mark.slow
def test_no_mutant_does_harm():
    """``python -m tests.mutation_run`` does the same with more mutants."""
    run = run_mutations(dict.fromkeys(KINDS, PER_KIND), SEED)
    print(run.table())
    assert not run.findings, run.listing()
    assert {kind: tally.inputs for kind, tally in run.tallies.items()} == dict.fromkeys(KINDS, PER_KIND)
    assert {kind: tally.share for kind, tally in run.tallies.items() if tally.share < 0.5} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_seeds_are_what_they_should_be(tmp_path, name):
    kind = KINDS[name]
    taken = []
    for number, files in enumerate(kind.seeds()):
        path = write_files(files, tmp_path / str(number))
        outcome = examine(kind, path)
        assert outcome["past"]
        assert outcome["faults"] == []
        taken.append(not outcome["refused"])
    # The sentence about a record is that its small network is none; some photos have a format that is refused.
    assert taken[0] or name == "texts/record"


@pytest.mark.parametrize("name", ["photos/png", "texts/annotations", "rows/answer", "submissions/archive"])
def test_a_mutant_can_be_made_again(name):
    made = [mutant(KINDS_MODULE, name, 1, number) for number in range(20)]
    assert made == [mutant(KINDS_MODULE, name, 1, number) for number in range(20)]
    assert all(files not in KINDS[name].seeds() for files in made)
    assert made != [mutant(KINDS_MODULE, name, 2, number) for number in range(20)]


@pytest.mark.parametrize("mutator", {*mutation.MUTATORS, mutation.mutate_bytes}, ids=lambda mutator: mutator.__name__)
def test_mutators_take_any_bytes(mutator):
    rng = random.Random(0)
    for data in (b"", b"a", b"12", bytes(range(256)), b'{"a": 1.5e3}'):
        for _ in range(50):
            assert isinstance(mutator(data, rng, b"other"), bytes)


def test_what_is_read_is_written_again():
    png = photos.pngs()[0]["photo.png"]
    assert containers.write_png(containers.read_png(png)) == png
    members = [containers.Member(b"a", b"stored"), containers.Member(b"b/c", b"deflated" * 9, zipfile.ZIP_DEFLATED)]
    members += [containers.Member(b"d", b"other", method) for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)]
    assert containers.read_zip(containers.write_zip(members)) == members
    index = weights.checkpoint()[0]["a.index"]
    assert containers.write_table(containers.read_table(index)) == index
    assert containers.write_message(containers.read_message(weights.GRAPH)) == weights.GRAPH
    assert containers.read_png(b"GIF89a") is containers.read_zip(b"PK\3\4") is containers.read_table(b"") is None
    assert containers.read_message(b"\xff") is None


@pytest.mark.slow
def test_a_bomb_is_what_it_says():
    packed, size, checksum = containers.deflated_bomb(b"abc")
    assert len(packed) < 2e6
    unpacker, unpacked, found = zlib.decompressobj(-15), 0, 0
    rest = packed
    while rest and not unpacker.eof:
        piece = unpacker.decompress(rest, 1 << 24)
        unpacked, found, rest = unpacked + len(piece), zlib.crc32(piece, found), unpacker.unconsumed_tail
    assert (unpacked, found) == (size, checksum)
    assert unpacker.eof


def test_inside_a_container_checksums_stay_right(tmp_path):
    """Half of these mutants of pixels are photos still, though a PNG has checksums."""
    rng, png = random.Random(0), photos.pngs()[0]["photo.png"]
    path = tmp_path / "photo.png"
    changed = 0
    for _ in range(50):
        made = containers.in_png(png, rng, png, mutation.mutate_bytes)
        path.write_bytes(made)
        chunks = containers.read_png(made)
        changed += chunks is not None and containers.write_png(chunks) == made
        with contextlib.suppress(OpenPoseLabError):
            assert read_photo(path).ndim == 3
    assert changed > 40


def test_pictures_state_other_sizes():
    change, rng = containers.in_sized_picture(28, 20), random.Random(0)
    for data in (struct.pack("<2xII", 28, 20), struct.pack(">3xHH", 20, 28), b"P6\n28 20\n255\n"):
        made = {change(data, rng, b"", mutation.mutate_bytes) for _ in range(99)}
        assert len(made) > 5
        assert data not in made


def test_an_archive_of_a_course_is_an_archive():
    for files in archives.submissions():
        (data,) = files.values()
        assert containers.read_zip(data)


@pytest.fixture(scope="module")
def quick_toys():
    names = ("fine", "refuses", "raises", "lacks_memory", "says_much", "steers", "warns", "prints")
    return run_mutations(dict.fromkeys(names, 40), 0, module=TOYS)


def test_what_is_no_fault(quick_toys):
    for name, refused in (("fine", 0), ("refuses", 40)):
        tally = quick_toys.tallies[name]
        assert (tally.inputs, tally.refused, tally.faulty) == (40, refused, 0)
        assert 0 < tally.past < 40


@pytest.mark.parametrize(
    ("name", "what", "text"),
    [
        ("raises", "traceback KeyError", "mutation_toys.py:"),
        ("lacks_memory", "traceback MemoryError", "lacks_memory"),
        ("says_much", "long sentence", "300 letters: aaa"),
        ("steers", "control characters", r"\x1b[31m"),
        ("warns", "warning RuntimeWarning", "divided"),
        ("prints", "noise", "libtoy: error"),
    ],
)
def test_what_is_a_fault(quick_toys, name, what, text):
    (found,) = (found for found in quick_toys.findings.values() if found.kind == name)
    assert (found.what, found.times) == (what, {name: 40})
    assert text in found.text
    assert quick_toys.tallies[name].faulty == 40
    assert f"--seed 0 --only {name} --number {found.number}" in quick_toys.listing()
    files = mutant(TOYS, name, 0, found.number)
    assert (
        sum(map(len, files.values()))
        == found.size
        == min(len(mutant(TOYS, name, 0, number)["toy.txt"]) for number in range(40))
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("loops", "hang"),
        ("dies", "died with status -6"),
        pytest.param(
            "hoards", "memory", marks=pytest.mark.skipif(sys.platform != "linux", reason="memory is watched on Linux")
        ),
    ],
)
def test_a_run_goes_on_after_a_mutant_that_ends_the_process(name, what):
    run = run_mutations({"fine": 2, name: 2, "raises": 2}, 0, Limits(0.5, 100 << 20), TOYS)
    assert {kind: tally.inputs for kind, tally in run.tallies.items()} == {"fine": 2, name: 2, "raises": 2}
    (found,) = (found for found in run.findings.values() if found.kind == name)
    assert found.times == {name: 2}
    if sys.platform != "win32":
        assert found.what == what
        assert f"in {name}" in found.where


def test_the_photos_are_small():
    assert (photos.COLOUR.shape, photos.COLOUR.dtype) == ((20, 28, 3), np.uint8)
    assert all(len(data) < 20_000 for files in photos.tiffs() for data in files.values())
    assert cv2.imdecode(np.frombuffer(photos.jpegs()[0]["photo.jpg"], np.uint8), cv2.IMREAD_COLOR).shape == (20, 28, 3)
