"""Test the paths of the outputs of many photos, and the outputs that are refused before the work."""

import os
from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.job.outputs import Outputs, check_places, make_folder
from openpose_lab.sources.photo_files import PhotoFile, list_photos
from tests.support.toy_network import png_of


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Create a folder with three photos, two of them with the same stem."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b/a.png", "c d.jpg"):
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_of(1))
    return list_photos(["photos"], recursive=True)


def check(outputs, photos, replace=False, inputs=()):
    check_places(outputs, photos, inputs, replace)


DRAWN = Outputs(Path("out"), ".jpg", {"json": Path("out")})


def test_files_have_openpose_s_names():
    photo = PhotoFile(Path("photos/b/a.png"), "b/a")
    outputs = Outputs(Path("drawn"), ".png", {"json": Path("texts")}, {"csv": Path("people.csv")})
    assert outputs.picture_of(photo) == Path("drawn/b/a_rendered.png")
    assert outputs.files_of(photo) == {"json": Path("texts/b/a_keypoints.json")}
    assert outputs.all_of(photo) == [Path("drawn/b/a_rendered.png"), Path("texts/b/a_keypoints.json")]
    assert Outputs(None, files={"json": Path("texts")}).all_of(photo) == [Path("texts/b/a_keypoints.json")]


@pytest.mark.parametrize(
    ("outputs", "folders", "journal"),
    [
        (DRAWN, ["out"], "out/journal.jsonl"),
        (Outputs(Path("drawn"), ".jpg", {"json": Path("texts")}), ["drawn", "texts"], "drawn/journal.jsonl"),
        (Outputs(None, ".jpg", {"json": Path("texts")}), ["texts"], "texts/journal.jsonl"),
        (Outputs(None, tables={"csv": Path("t/a.csv"), "coco": Path("b.json")}), [], "t/a.csv.journal.jsonl"),
        (Outputs(None, tables={"csv": Path("/dev/stdout"), "coco": Path("b.json")}), [], "b.json.journal.jsonl"),
    ],
)
def test_the_journal_lies_in_the_first_folder_or_beside_a_table(outputs, folders, journal):
    assert [folder.as_posix() for folder in outputs.folders] == folders
    assert outputs.journal.as_posix() == journal


def test_folders_are_made(photos):
    outputs = Outputs(Path("new/drawn"), ".jpg", {"json": Path("other/texts")})
    check(outputs, photos)
    assert Path("new/drawn").is_dir()
    assert Path("other/texts").is_dir()
    check(outputs, photos)


def test_photos_of_one_stem_keep_both_outputs(photos):
    assert len({path for photo in photos for path in DRAWN.all_of(photo)}) == 2 * len(photos)


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (["out/b/a_rendered.jpg"], "out/b/a_rendered.jpg exists already; give --resume to skip"),
        (
            ["out/a_keypoints.json", "out/c d_rendered.jpg", "out/a_rendered.jpg"],
            "out/a_rendered.jpg and 2 more outputs exist already; give --resume to skip finished photos, --overwrite "
            "to process all again, or another --output DIR",
        ),
        (["out/journal.jsonl"], "out/journal.jsonl exists already"),
        (["people.csv"], "people.csv exists already"),
    ],
)
def test_nothing_is_overwritten(photos, there, sentence):
    for name in there:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("mine")
    outputs = Outputs(DRAWN.pictures, ".jpg", DRAWN.files, {"csv": Path("people.csv")})
    with pytest.raises(OpenPoseLabError) as error:
        check(outputs, photos)
    assert str(error.value).startswith(sentence.replace("/", os.sep))
    assert all(Path(name).read_text() == "mine" for name in there)
    check(outputs, photos, replace=True)


def test_other_files_in_the_folder_are_no_obstacle(photos):
    Path("out").mkdir()
    for name in ("x_rendered.jpg", "a_rendered.png", "notes.txt"):
        Path("out", name).touch()
    check(DRAWN, photos)


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right to make links")
def test_a_link_that_leads_nowhere_is_there(photos):
    Path("out").mkdir()
    Path("out/a_rendered.jpg").symlink_to("nowhere")
    with pytest.raises(OpenPoseLabError, match="exists already"):
        check(DRAWN, photos)


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"csv": Path("photos/a.jpg")}, "a.jpg is also the photo, and would be overwritten"),
        ({"csv": Path("mine.py")}, "mine.py is also the grouping file, and would be overwritten"),
        ({"csv": Path("t"), "coco": Path("t")}, "two outputs cannot both be t; choose two names"),
        ({"csv": Path("out/journal.jsonl")}, "two outputs cannot both be"),
        ({"csv": Path("none/t.csv")}, "there is no folder none; make it first"),
        ({"csv": Path("photos")}, "cannot write photos: it is a folder"),
    ],
)
def test_tables_that_cannot_be_written(photos, tables, sentence):
    Path("mine.py").touch()
    before = Path("photos/a.jpg").read_bytes()
    with pytest.raises(OpenPoseLabError, match=sentence):
        check(Outputs(DRAWN.pictures, ".jpg", DRAWN.files, tables), photos, True, [("grouping file", Path("mine.py"))])
    assert Path("photos/a.jpg").read_bytes() == before


def test_a_table_may_go_to_a_folder_of_the_run(photos):
    check(Outputs(DRAWN.pictures, ".jpg", DRAWN.files, {"csv": Path("out/people.csv")}), photos)


def test_a_run_needs_a_file_to_write(photos):
    for tables in ({}, {"csv": Path("/dev/stdout")}):
        with pytest.raises(OpenPoseLabError, match="needs an output; give --output DIR, or the path of a table"):
            check(Outputs(None, tables=tables), photos)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_the_place_of_the_journal(photos):
    Path("out").mkdir()
    os.mkfifo("out/journal.jsonl")
    with pytest.raises(OpenPoseLabError, match="it is a device or a pipe"):
        check(DRAWN, photos, replace=True)


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("file", "^cannot write into file: it is not a folder; choose another place$"),
        ("file/below", "^cannot make the folder file/below: Not a directory; choose another place$"),
        ("x" * 300, "^cannot make the folder x+: File name too long; choose another place$"),
        ("a\0b", r"^cannot make the folder a\\x00b: embedded null byte; choose another place$"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has other words for them")
def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch, folder, sentence):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(OpenPoseLabError, match=sentence):
        make_folder(Path(folder))
