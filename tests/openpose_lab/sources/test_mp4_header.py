"""Test the counts in MP4 files: counts of real videos pass, and huge counts in small files are refused."""

import io
import struct

import pytest

from estimation.errors import OpenPoseLabError
from estimation.photo_headers import DamagedError
from openpose_lab.sources.mp4_header import MOST_SAMPLES, check_counts
from openpose_lab.sources.videos import open_video
from tests.support.extras import needs
from tests.support.video_files import UNEVEN, make_clip


def box(name, *contents):
    content = b"".join(part if isinstance(part, bytes) else struct.pack(">I", part) for part in contents)
    return struct.pack(">I4s", 8 + len(content), name) + content


def track(samples, edits=None, handler=b"vide", ticks=1):
    tables = box(b"stbl", box(b"stts", 0, 1, samples, ticks), box(b"stsz", 0, 1, samples))
    media = box(b"mdia", box(b"hdlr", 0, 0, handler), box(b"minf", tables))
    return box(b"trak", *([] if edits is None else [box(b"edts", box(b"elst", 0, edits))]), media)


START = box(b"ftyp", b"isom")
GOOD = {
    "most": box(b"moov", track(MOST_SAMPLES), track(MOST_SAMPLES)),
    "edits": box(b"moov", track(1000, 1000)),
    "sound": box(b"moov", track(2**31, 1, b"soun")),
    "runs": box(b"moof", box(b"traf", box(b"trun", 0, MOST_SAMPLES))),
    "run of entries": box(b"moof", box(b"traf", box(b"trun", 0x200, 2**31))),
    "no size": START + struct.pack(">I4s", 0, b"mdat") + bytes(100),
    "large size": struct.pack(">I4sQ", 1, b"mdat", 16) + box(b"moov", track(5)),
    "cut off": box(b"moov", track(2**31))[:30],
    "empty": b"",
}
BAD = {
    "samples": box(b"moov", track(MOST_SAMPLES + 1)),
    "second track": box(b"moov", track(5), track(2**31)),
    "edits": box(b"moov", track(100_000, 1000)),
    "compressed sound": box(b"moov", track(2**31, handler=b"soun", ticks=1024)),
    "edits of sound": box(b"moov", track(2**31, 1000, b"soun")),
    "runs": 3 * box(b"moof", box(b"traf", box(b"trun", 0, MOST_SAMPLES // 2))),
    "behind a box without a size": box(b"moov", box(b"udta", 4, b"none", track(5)), track(2**31)),
    "first box of another kind": box(b"free", b"x") + box(b"moov", track(2**31)),
    "compressed": box(b"moov", box(b"cmov", 5)),
    "behind data": struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100) + box(b"moov", track(2**31)),
    "boxes": box(b"free") * 1_100_000,
}


@pytest.mark.parametrize("name", GOOD)
def test_counts_that_are_possible(name):
    check_counts(io.BytesIO(GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_counts_that_no_video_has(name):
    with pytest.raises(DamagedError):
        check_counts(io.BytesIO(BAD[name]))


@needs("av")
def test_a_small_file_that_asks_for_gigabytes(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", UNEVEN)
    with path.open("rb") as file:
        check_counts(file)
    data = bytearray(path.read_bytes())
    place = data.index(b"stsz")
    struct.pack_into(">II", data, place + 8, 1, 2**31)
    path.write_bytes(data)
    with pytest.raises(
        OpenPoseLabError, match=r"clip\.mp4 is damaged: it states more frames than it can have; copy it"
    ):
        open_video(path)
