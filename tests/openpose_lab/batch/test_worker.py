"""Reading tasks and workers, called without Ray: every photo is answered once, with people or with a reason."""

from collections import Counter

import numpy as np
import pytest

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.layouts import LAYOUTS
from estimation.quality import Views
from estimation.subset import GroupingError
from openpose_lab.batch import reading, worker
from openpose_lab.batch.listing import list_items
from openpose_lab.batch.plan import empty_plan
from openpose_lab.batch.rows import from_stream, to_stream
from openpose_lab.batch.settings import Settings
from openpose_lab.batch.stores import StoreError
from openpose_lab.extras import MissingLibraryError
from openpose_lab.networks import loading
from tests.support.extras import needs
from tests.support.toy_network import ToyNetwork

pytestmark = needs("pyarrow")


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(loading, "load_network", lambda *_: ToyNetwork())


def settings(folder, column=None, grouping="lab", **more):
    config = Config(LAYOUTS["COCO_18"])
    return Settings("lightweight", None, "auto", None, Views(64), grouping, config, **more).of(str(folder), column)


def blocks_of(source, rows=256, **more):
    listing = list_items(str(source), None, rows)
    chosen = settings(listing.folder, listing.column, **more)
    tasks = empty_plan().extended(listing.items, rows).tasks()
    return chosen, [block for task in tasks for block in reading.read_task(to_stream(task), chosen)]


def answer(source, rows=256, **more):
    """All people, failures and finished indexes of a source, and the reasons to stop."""
    import pyarrow as pa

    chosen, blocks = blocks_of(source, rows, **more)
    replies = worker.Worker(chosen)(pa.concat_tables(blocks)).to_pylist()
    people = [row for reply in replies for row in from_stream(reply["people"]).to_pylist()]
    failures = {row["source"]: row["reason"] for reply in replies for row in from_stream(reply["failures"]).to_pylist()}
    indexes = sorted(index for reply in replies for index in reply["indexes"])
    return people, failures, indexes, [reply["stop"] for reply in replies if reply["stop"]]


def test_pixels_arrive_as_they_were_decoded(photos):
    _, blocks = blocks_of(photos)
    assert [block["source"][0].as_py() for block in blocks] == ["2.jpg", "10.jpg", "sub/1.png", "sub/deep/3.JPG"]
    first = blocks[0]
    shape = first["height"][0].as_py(), first["width"][0].as_py(), 3
    pixels = np.frombuffer(first["pixels"][0].as_buffer(), np.uint8).reshape(shape)
    assert (pixels == 40).all()
    assert shape == (13, 20, 3)


def test_a_broken_photo_is_a_failure_and_the_others_are_done(photos):
    (photos / "2.jpg").write_bytes(b"no photo")
    (photos / "10.jpg").write_bytes(b"")
    _, failures, indexes, stops = answer(photos)
    assert failures.keys() == {"2.jpg", "10.jpg"}
    assert "is not a photo" in failures["2.jpg"]
    assert "is empty (0 bytes)" in failures["10.jpg"]
    assert (indexes, stops) == ([0, 1, 2, 3], [])


def test_a_photo_that_is_gone_is_a_failure(photos):
    (photos / "list.txt").write_text("2.jpg\nmissing.jpg\n")
    _, failures, indexes, _ = answer(photos / "list.txt")
    assert failures.keys() == {"missing.jpg"}
    assert indexes == [0, 1]


def write_rows(photos, values, group):
    import pyarrow as pa
    import pyarrow.parquet

    path = photos.parent / "t.parquet"
    pyarrow.parquet.write_table(pa.table({"photo": pa.array(values, pa.binary())}), path, row_group_size=group)
    return path


@pytest.mark.parametrize(("rows", "group"), [(256, 50), (3, 50), (3, 7), (1, 2)])
def test_the_rows_of_a_parquet_file_are_each_read_once(photos, rows, group):
    data = (photos / "2.jpg").read_bytes()
    path = write_rows(photos, [data, None, b"broken", *[data] * 37], group)
    _, blocks = blocks_of(path, rows)
    assert [block["index"][0].as_py() for block in blocks] == list(range(40))
    assert [block["source"][0].as_py() for block in blocks] == [f"t.parquet#{row}" for row in range(40)]
    reasons = {block["source"][0].as_py(): block["error"][0].as_py() for block in blocks}
    assert "its value is empty" in reasons["t.parquet#1"]
    assert "is not a photo" in reasons["t.parquet#2"]
    assert Counter(reason is None for reason in reasons.values()) == {True: 38, False: 2}


def test_a_row_group_is_read_once(photos, monkeypatch):
    path = write_rows(photos, [(photos / "2.jpg").read_bytes()] * 100, 100)
    opened = []
    original = reading._values
    monkeypatch.setattr(reading, "_values", lambda *more: opened.append(more) or original(*more))
    _, blocks = blocks_of(path, 10)
    assert (len(blocks), len(opened)) == (100, 1)


def test_a_column_with_a_dot_in_its_name(photos):
    import pyarrow as pa
    import pyarrow.parquet

    path = photos.parent / "t.parquet"
    pyarrow.parquet.write_table(pa.table({"image.data": [(photos / "2.jpg").read_bytes()]}), path)
    _, blocks = blocks_of(path)
    assert [block["error"][0].as_py() for block in blocks] == [None]


def test_an_unexpected_error_of_a_decoder_is_a_failure(photos, monkeypatch):
    def fail(*_):
        raise IndexError("list index out of range")

    monkeypatch.setattr(reading, "decode_any_photo", fail)
    _, failures, indexes, stops = answer(photos)
    assert len(failures) == len(indexes) == 4
    assert "IndexError: list index out of range" in failures["2.jpg"]
    assert stops == []


def test_rows_that_are_gone_are_failures(photos):
    path = write_rows(photos, [(photos / "2.jpg").read_bytes()] * 5, 5)
    listing = list_items(str(path), None, 256)
    task = to_stream(empty_plan().extended(listing.items).tasks()[0])
    write_rows(photos, [(photos / "2.jpg").read_bytes()] * 3, 5)
    blocks = list(reading.read_task(task, settings(listing.folder, listing.column)))
    assert [block["error"][0].as_py() is None for block in blocks] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("error", [StoreError("the disk fails"), MissingLibraryError("pillow_heif is missing")])
def test_trouble_that_is_not_of_the_photo_ends_the_job(photos, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(reading, "decode_any_photo", fail)
    assert answer(photos) == ([], {}, [], [str(error)])


def test_a_network_that_cannot_be_loaded_ends_the_job(photos, monkeypatch):
    def fail(*_):
        raise OpenPoseLabError("the weights are damaged")

    monkeypatch.setattr(loading, "load_network", fail)
    assert answer(photos) == ([], {}, [], ["the weights are damaged"])


def test_a_grouping_that_always_fails_ends_the_job(photos, monkeypatch):
    for number in range(6):
        (photos / f"more{number}.jpg").write_bytes((photos / "2.jpg").read_bytes())

    class Failing:
        def __call__(self, _):
            raise GroupingError("merge returned nonsense")

    monkeypatch.setattr(worker.Worker, "_load", lambda self: setattr(self, "_estimator", Failing()))
    _, _, _, stops = answer(photos)
    assert len(stops) == 1
    assert "the grouping failed 5 times in a row" in stops[0]
    assert "merge returned nonsense" in stops[0]


def test_a_photo_that_needs_too_much_memory_is_a_failure(photos, monkeypatch):
    class Hungry:
        def __call__(self, pixels):
            raise MemoryError

    monkeypatch.setattr(worker.Worker, "_load", lambda self: setattr(self, "_estimator", Hungry()))
    _, failures, indexes, _ = answer(photos)
    assert set(failures) == {"2.jpg", "10.jpg", "sub/1.png", "sub/deep/3.JPG"}
    assert indexes == [0, 1, 2, 3]


@needs("av")
def test_a_video_that_breaks_off_keeps_its_first_frames(tmp_path):
    from tests.support.video_files import make_clip

    make_clip(tmp_path / "a.mp4", muxer={"movflags": "frag_keyframe+empty_moov"}, options={"g": "5"})
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: 2 * len(whole) // 3])
    (tmp_path / "c.mp4").write_bytes(b"no video")
    make_clip(tmp_path / "d.mkv")
    (tmp_path / "d.mkv").write_bytes((tmp_path / "d.mkv").read_bytes()[:500])  # FFmpeg reports an error of the disk
    (tmp_path / "list.txt").write_text("a.mp4\nb.mp4\nc.mp4\nd.mkv\nfoo://bad/v.mp4\n")
    _, failures, indexes, stops = answer(tmp_path / "list.txt")
    assert (indexes, stops) == ([0, 1, 2, 3, 4], [])
    assert failures.keys() >= {"c.mp4", "d.mkv", "foo://bad/v.mp4"}
    assert "a.mp4" not in failures
