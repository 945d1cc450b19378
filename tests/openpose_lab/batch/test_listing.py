"""A source becomes items: the kinds, their names and their order."""

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.batch.items import PHOTO, ROWS, VIDEO, Item
from openpose_lab.batch.listing import list_items
from tests.support.extras import needs

pytestmark = needs("pyarrow")


def write(path, groups, name="photo", kind=None):
    import pyarrow as pa
    import pyarrow.parquet

    values = [value for group in groups for value in group]
    table = pa.table({name: pa.array(values, kind), "label": list(range(len(values)))})
    pyarrow.parquet.write_table(table, path, row_group_size=max(map(len, groups)))
    return str(path)


def items(source, column=None, rows=256):
    return list_items(str(source), column, rows).items


def test_a_folder_gives_its_photos_and_videos_in_natural_order(photos):
    (photos / "sub" / "clip.mp4").write_bytes(b"")
    expected = [(PHOTO, "2.jpg"), (PHOTO, "10.jpg"), (PHOTO, "sub/1.png"), (PHOTO, "sub/deep/3.JPG")]
    expected.append((VIDEO, "sub/clip.mp4"))
    assert [(one.kind, one.name) for one in items(photos)] == expected
    assert list_items(str(photos), None, 256).folder == str(photos)


def test_an_address_gives_the_same_as_its_folder(photos):
    assert items(photos.as_uri()) == items(photos)


def test_one_photo_is_a_source(photos):
    listing = list_items(str(photos / "2.jpg"), None, 256)
    assert (listing.folder, listing.items) == (str(photos), [Item(PHOTO, "2.jpg")])


def test_the_folder_of_a_relative_path_is_absolute(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert list_items("photos", None, 256).folder == str(photos)
    assert list_items("photos/2.jpg", None, 256).folder == str(photos)


def test_a_list_gives_its_lines_in_their_order(photos):
    (photos / "list.txt").write_text("# photos\nsub/1.png\n\n s3://bucket/a.mov?region=x \n2.jpg\n/abs/c.jpeg\n")
    expected = [(PHOTO, "sub/1.png"), (VIDEO, "s3://bucket/a.mov?region=x"), (PHOTO, "2.jpg"), (PHOTO, "/abs/c.jpeg")]
    assert [(one.kind, one.name) for one in items(photos / "list.txt")] == expected


def test_rows_of_a_parquet_file_never_cross_a_row_group(tmp_path):
    path = write(tmp_path / "t.parquet", [[b"x"] * 5, [b"y"] * 5, [b"z"] * 2])
    expected = [(0, 3, 0), (3, 2, 0), (5, 3, 1), (8, 2, 1), (10, 2, 2)]
    assert [(one.row, one.count, one.group) for one in items(path, rows=3)] == expected
    assert {(one.kind, one.name) for one in items(path)} == {(ROWS, "t.parquet")}


def test_a_folder_of_parquet_files_is_a_source(tmp_path):
    for name in ("b.parquet", "a.parquet"):
        write(tmp_path / name, [[b"x"]])
    assert [one.name for one in items(tmp_path)] == ["a.parquet", "b.parquet"]


def test_a_column_of_paths_gives_photos(tmp_path):
    path = write(tmp_path / "t.parquet", [["a.jpg", "sub/b.mp4", None]])
    assert items(path) == [Item(PHOTO, "a.jpg"), Item(VIDEO, "sub/b.mp4"), Item(PHOTO, "")]


def test_the_field_bytes_of_a_structure_is_found(tmp_path):
    path = write(tmp_path / "t.parquet", [[{"bytes": b"x", "path": "a.jpg"}] * 2])
    assert list_items(path, None, 256).column == "photo.bytes"


@pytest.mark.parametrize(
    ("wanted", "message"), [(None, "give one with --column"), ("c", "has no column c of text or bytes")]
)
def test_a_column_that_is_not_clear_is_an_error(tmp_path, wanted, message):
    import pyarrow as pa
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table({"a": [b"x"], "b": [b"y"], "c": [1]}), tmp_path / "t.parquet")
    with pytest.raises(OpenPoseLabError, match=message):
        items(tmp_path / "t.parquet", wanted)
    assert list_items(str(tmp_path / "t.parquet"), "b", 256).column == "b"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"# nothing\n", "lists no photo and no video"),
        ("secret.txt", b"s3://key:secret@bucket/a.jpg\n", "holds an address with a user name"),
        ("binary.txt", b"\xff\xfe\x00", "is not text in UTF-8"),
        ("x.parquet", b"PAR1 not really", "is not a Parquet file, or is damaged"),
        ("x.json", b"{}", "is neither a photo, a video, a list"),
    ],
)
def test_wrong_sources_are_told_in_a_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OpenPoseLabError, match=message):
        items(tmp_path / name)


def test_missing_and_empty_places_are_told(tmp_path):
    with pytest.raises(OpenPoseLabError, match="there is no file or folder"):
        items(tmp_path / "missing")
    with pytest.raises(OpenPoseLabError, match="has no photo, no video and no Parquet file among its 0 files"):
        items(tmp_path)
    with pytest.raises(OpenPoseLabError, match="there is no folder"):
        items((tmp_path / "missing").as_uri())
    with pytest.raises(OpenPoseLabError, match="is not an address that can be used"):
        items("ftp://user:secret@host/photos")


def test_an_error_shows_no_password():
    with pytest.raises(OpenPoseLabError) as caught:
        items("ftp://user:secret@host/photos?key=hidden")
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)
