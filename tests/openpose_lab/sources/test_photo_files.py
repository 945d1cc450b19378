"""Test the photos of sources: their order and names, and the messages for sources without photos."""

import io
import os
import sys
import types
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.sources import paths_in_order, photo_files
from openpose_lab.sources.photo_files import PhotoFile, list_photos

PHOTO = cv2.imencode(".png", np.full((2, 3, 3), 7, np.uint8))[1].tobytes()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Create empty files in a folder, and make it the current folder."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def paths(sources, *args, **options):
    return [photo.path.as_posix() for photo in list_photos(sources, *args, **options)]


def names(sources, *args, **options):
    return [photo.name for photo in list_photos(sources, *args, **options)]


def link(place, target):
    try:
        place.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links here")


# Order


def test_a_folder_gives_its_photos_in_natural_order(tree):
    tree("p/10.jpg", "p/2.JPG", "p/a10.png", "p/A2.heic", "p/readme.txt", "p/1.jpg.bak", "p/below/3.jpg")
    assert paths(["p"]) == ["p/2.JPG", "p/10.jpg", "p/A2.heic", "p/a10.png"]


def test_sub_folders_are_read_on_request(tree):
    tree("p/10/1.jpg", "p/9/b/2.jpg", "p/9/10.jpg", "p/9/2.jpg", "p/b.jpg")
    assert paths(["p"]) == ["p/b.jpg"]
    assert paths(["p"], recursive=True) == ["p/9/2.jpg", "p/9/10.jpg", "p/9/b/2.jpg", "p/10/1.jpg", "p/b.jpg"]


def test_sources_stay_in_their_order(tree):
    tree("z/2.jpg", "z/1.jpg", "a/1.jpg", "m.jpg")
    assert paths(["z", "m.jpg", "a"]) == ["z/1.jpg", "z/2.jpg", "m.jpg", "a/1.jpg"]


def test_numbers_of_other_scripts_are_letters(tree):
    tree("p/٣.jpg", "p/4.jpg", "p/²x.jpg", "p/x.jpg", "p/" + "9" * 200 + ".jpg")
    assert len(paths(["p"])) == 5


def test_names_with_any_letters(tree):
    odd = ["a b", "Füße", "l'été", "say “hi”", "👩\u200d👩\u200d👧 1", "人"] + (
        ['"quoted"', "a?", "new\nline"] if os.name != "nt" else []
    )
    tree(*(f"p/{name}.jpg" for name in odd))
    assert sorted(names(["p"])) == sorted(name.replace("\n", "_") for name in odd)


def test_hidden_files_and_folders_are_left_out(tree):
    tree("p/1.jpg", "p/._1.jpg", "p/.cache/2.jpg", ".hidden/3.jpg")
    assert paths(["p"], recursive=True) == paths(["p/**/*.jpg"]) == ["p/1.jpg"]
    assert paths([".hidden"]) == [".hidden/3.jpg"]
    assert paths(["p/.*.jpg"]) == ["p/._1.jpg"]


def test_a_file_that_is_named_may_have_any_ending(tree):
    tree("scan.dat", "none")
    assert paths(["scan.dat", Path("none")]) == ["scan.dat", "none"]
    assert names(["scan.dat", "none"]) == ["scan", "none"]


# Globs


def test_globs(tree):
    tree("p/10.jpg", "p/2.jpg", "p/a.png", "p/notes.txt", "p/x/3.jpg", "p/x/y/4.jpg", "q/5.jpg")
    for glob, found in {
        "p/*.jpg": ["p/2.jpg", "p/10.jpg"],
        "p/*": ["p/2.jpg", "p/10.jpg", "p/a.png"],
        "p/?.jpg": ["p/2.jpg"],
        "p/[!0-9]*": ["p/a.png"],
        "*/*.jpg": ["p/2.jpg", "p/10.jpg", "q/5.jpg"],
        "p/**/*.jpg": ["p/2.jpg", "p/10.jpg", "p/x/3.jpg", "p/x/y/4.jpg"],
        "p/x/**": ["p/x/3.jpg", "p/x/y/4.jpg"],
        "**/**/y/*": ["p/x/y/4.jpg"],
        "**/x/**/*.jpg": ["p/x/3.jpg", "p/x/y/4.jpg"],
        "p/*/../a.png": ["p/x/../a.png"],
    }.items():
        assert paths([glob]) == found, glob


def test_an_absolute_glob(tree):
    root = tree("p/2.jpg", "p/1.jpg")
    assert names([str(root / "*" / "*.jpg")]) == ["p/1", "p/2"]


def test_a_path_that_exists_is_no_glob(tree):
    tree("photo[1].jpg", "photo1.jpg", "trip [2]/a.jpg", "trip 2/b.jpg")
    assert paths(["photo[1].jpg"]) == ["photo[1].jpg"]
    assert paths(["trip [2]/*.jpg"]) == ["trip [2]/a.jpg"]
    assert paths(["photo?.jpg"]) == ["photo1.jpg"]


def test_the_name_starts_where_the_wildcards_do(tree):
    tree("in/a/1.jpg", "in/b/1.jpg")
    assert names(["in/*/*.jpg"]) == ["a/1", "b/1"]
    assert names(["in/a/*.jpg"]) == ["1"]


# Names


def test_names_are_paths_within_the_source_without_the_ending(tree):
    root = tree("p/a/1.jpg", "p/b/1.jpg", "p/b.tar.jpg")
    assert names(["p"], recursive=True) == ["a/1", "b/1", "b.tar"]
    assert names(["p/a/1.jpg"]) == names([root / "p" / "a" / "1.jpg"]) == names(["./p/b/../a/1.jpg"]) == ["1"]


@pytest.mark.parametrize(
    ("files", "sources", "expected"),
    [
        (["p/1.jpg", "p/1.png", "p/2.jpg"], ["p"], ["1.jpg", "1.png", "2"]),
        (["x/1.jpg", "y/1.jpg"], ["x/1.jpg", "y/1.jpg"], ["x/1", "y/1"]),
        (["x/1.jpg", "y/1.jpg"], ["y", "x"], ["y/1", "x/1"]),
        (["a/s/1.jpg", "b/s/1.jpg"], ["a/s", "b/s"], ["a/s/1", "b/s/1"]),
        (["x/1.jpg", "x/1.png", "y/1.jpg"], ["x", "y"], ["x/1", "1.png", "y/1"]),
        (["p/1.jpg", "p/1.png", "p/1.jpg.jpg"], ["p"], ["p/1", "1.jpg.jpg", "1.png"]),
        (["p/été.jpg", "p/ÉTÉ.png"], ["p"], ["été.jpg", "ÉTÉ.png"]),
    ],
)
def test_photos_of_one_name_are_told_apart(tree, files, sources, expected):
    tree(*files)
    assert sorted(names(sources)) == sorted(expected)
    assert names(sources) == names(sources)


def test_photos_that_differ_in_case_alone_are_numbered(tree):
    root = tree("p/A.jpg", "p/a.jpg")
    if len(list((root / "p").iterdir())) == 1:
        pytest.skip("this system takes upper and lower case for the same")
    assert names(["p"]) == ["A", "a-2"]


@pytest.mark.filterwarnings("ignore:2 photos are given twice")
def test_a_name_is_no_path_elsewhere(tree, monkeypatch):
    root = tree("a/x.jpg", "b/x.jpg", "...jpg")
    monkeypatch.chdir(root / "a")
    for name in names(["../b/x.jpg", "../a/../b/../a/x.jpg", "../*/../b/x.jpg", "../...jpg"]):
        assert not Path(name).is_absolute()
        assert not {"..", ".", ""} & set(name.split("/"))


@pytest.mark.filterwarnings("ignore::estimation.errors.OpenPoseLabWarning")
def test_names_are_unique_whatever_comes(tree, rng):
    stems = ["1", "1-2", "1.jpg", "a", "A"]
    files = [
        f"{'/'.join(rng.choice(['x', 'X', 'y'], rng.integers(1, 4)))}/{rng.choice(stems)}{rng.choice(['.jpg', '.png'])}"
        for _ in range(60)
    ]
    root = tree(*files)
    found = names([root / "x", root / "y", root / "x", "*/*", root], recursive=True)
    assert len(found) == len({paths_in_order.folded(name) for name in found}) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
def test_bytes_that_are_no_text(tree):
    root = tree("p/ok.jpg")
    (root / os.fsdecode(b"p/caf\xe9.jpg")).touch()
    photo = list_photos(["p"])[0]
    assert (photo.name, photo.shown) == ("caf_", "p/caf\\udce9.jpg")
    assert photo.path.exists()


# The same photo twice


def test_a_photo_that_comes_twice_is_read_once(tree):
    root = tree("p/1.jpg", "p/2.jpg")
    link(root / "p" / "3.jpg", root / "p" / "2.jpg")
    with pytest.warns(OpenPoseLabWarning, match=r"^3 photos are given twice, first p.3\.jpg; each is read once$"):
        assert paths(["p", "p/../p/1.jpg", root / "p" / "1.jpg"]) == ["p/1.jpg", "p/2.jpg"]


def test_hard_links_are_different_photos(tree):
    root = tree("p/1.jpg")
    os.link(root / "p" / "1.jpg", root / "p" / "2.jpg")
    assert names(["p"]) == ["1", "2"]


def test_a_folder_by_way_of_a_link(tree):
    root = tree("p/1.jpg")
    link(root / "q", root / "p")
    assert paths(["q"]) == ["q/1.jpg"]
    assert paths(["[q]/*.jpg"]) == ["q/1.jpg"]
    with pytest.warns(OpenPoseLabWarning, match=r"^1 photo is given twice, first q.1.jpg; each is read once$"):
        assert paths(["p", "q"]) == ["p/1.jpg"]


def test_links_to_folders_are_not_followed_and_that_is_said(tree):
    root = tree("p/1.jpg", "p/a/2.jpg")
    link(root / "p" / "a" / "round", root / "p")
    with pytest.warns(OpenPoseLabWarning, match=r"^1 link is not followed, first p.a.round: links .* form circles$"):
        assert paths(["p"], recursive=True) == ["p/1.jpg", "p/a/2.jpg"]
    with pytest.warns(OpenPoseLabWarning, match=r"^1 link is not followed, first p.a.round: links .* form circles$"):
        assert paths(["p/**/*.jpg"]) == ["p/1.jpg", "p/a/2.jpg"]


def test_links_that_lead_nowhere_are_photos_that_cannot_be_read(tree):
    root = tree("p/1.jpg")
    link(root / "p" / "2.jpg", "nowhere.jpg")
    link(root / "p" / "3.jpg", "3.jpg")
    assert paths(["p"]) == ["p/1.jpg", "p/2.jpg", "p/3.jpg"]
    with pytest.raises(OpenPoseLabError, match=r"there is no photo .*2\.jpg; check the path"):
        list_photos(["p"])[1].read()
    with pytest.raises(OpenPoseLabError, match=r"there is no photo or folder p.2\.jpg; check the path"):
        list_photos(["p/2.jpg"])
    with pytest.raises(OpenPoseLabError, match=r"p.3\.jpg (cannot be read|; check the path)"):
        list_photos(["p/3.jpg"])


# Folders of outputs


@pytest.mark.filterwarnings("ignore:1 photo is given twice")
def test_pictures_of_an_earlier_run_are_left_out_and_that_is_said(tree):
    root = tree("p/1.jpg", "p/output/1_rendered.jpg", "p/output/x/2_rendered.jpg", "p/output2/3_rendered.jpg")
    said = r"^2 pictures are left out, because an earlier run drew them into p.output$"
    with pytest.warns(OpenPoseLabWarning, match=said):
        assert paths(["p"], True, [Path("p/output")]) == ["p/1.jpg", "p/output2/3_rendered.jpg"]
    link(root / "elsewhere", root / "p" / "output")
    with pytest.warns(OpenPoseLabWarning, match="^3 pictures are left out, because an .*elsewhere$"):
        assert names(["p/**/*.jpg", "p/output/1_rendered.jpg"], leave_out=[root / "elsewhere"]) == [
            "1",
            "output2/3_rendered",
        ]


def test_photos_beside_outputs_are_read(tree):
    tree("p/1.jpg", "p/1_rendered.jpg", "2.jpg")
    with pytest.warns(OpenPoseLabWarning, match="^1 picture is left out"):
        assert paths(["p", "2.jpg"], leave_out=[Path(".")]) == ["p/1.jpg", "2.jpg"]


def test_a_link_among_outputs_is_an_output(tree):
    root = tree("1.jpg", "2.jpg", "output/3.jpg")
    link(root / "output" / "1_rendered.jpg", root / "1.jpg")
    link(root / "5_rendered.jpg", root / "output" / "3.jpg")
    with pytest.warns(OpenPoseLabWarning, match="^2 pictures are left out"):
        assert paths(["."], True, [Path("output")]) == ["1.jpg", "2.jpg", "output/3.jpg"]


def test_outputs_elsewhere_are_not_spoken_of(tree):
    tree("p/1.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paths(["p"], leave_out=[Path("output"), Path("p/none")]) == ["p/1.jpg"]


def test_no_photo_may_be_left(tree):
    tree("p/1_rendered.jpg")
    sentence = "^no photo is left, because an earlier run drew all pictures in p; give the folder of the photos$"
    with pytest.raises(OpenPoseLabError, match=sentence):
        list_photos(["p"], leave_out=[Path("p")])


# Sources without photos


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("none.jpg", "there is no photo or folder none.jpg; check the path"),
        ("", "there is no photo or folder of an empty name; check the path"),
        ("nul\0.jpg", r"there is no photo or folder nul\x00.jpg; check the path"),
        ("p/1.txt/x", "there is no photo or folder p/1.txt/x; check the path"),
        ("x" * 5000, None),
        ("empty", "the folder empty is empty; give a folder with photos"),
        ("p", "the folder p has no photo among its 2 files; the names of photos end in .jpg, .png, .webp, .tif, "),
        ("shelves", "the folder shelves has no photo; give a folder with photos"),
        ("deep", "the folder deep has photos only in its sub-folders; add --recursive (in Python, recursive=True)"),
        ("p/*.jpg", "nothing matches p/*.jpg; check the path"),
        ("p/*", "p/* matches 2 files but no photo; the names of photos end in .jpg, .png, .webp, .tif, "),
        ("d*", f"d* matches 1 folder but no photo; add {os.sep}* to match the photos inside"),
        ("none/*.jpg", "nothing matches none/*.jpg, because the folder none is missing; check the path"),
        ("p/1.txt/*.jpg", "nothing matches p/1.txt/*.jpg, because the folder p/1.txt is missing; check the path"),
        ("[", "nothing matches [; check the path"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the sentences show paths with slashes")
def test_what_is_no_source_is_one_sentence(tree, source, sentence):
    tree("p/1.txt", "p/2.txt", "deep/er/1.jpg", "empty/x", "shelves/a/x.txt")
    Path("empty/x").unlink()
    with pytest.raises(OpenPoseLabError) as caught:
        list_photos([source])
    assert str(caught.value).startswith(sentence or "there is no photo or folder xxx")
    assert len(str(caught.value)) < 300


def test_no_source_at_all():
    with pytest.raises(OpenPoseLabError, match=r"^no source of photos is given; give a photo, a folder or a glob$"):
        list_photos([])


@pytest.mark.parametrize("source", ["p", "p/*", "p/**/*.jpg"])
def test_a_folder_that_cannot_be_read(tree, monkeypatch, source):
    tree("p/1.jpg")

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(paths_in_order.os, "scandir", refuse)
    with pytest.raises(OpenPoseLabError, match=r"^p cannot be read \(Permission denied\); check its permissions$"):
        list_photos([source])


# The standard input


class Input(io.TextIOWrapper):
    """A standard input with these bytes."""

    def __init__(self, data, terminal=False):
        super().__init__(io.BytesIO(data))
        self.terminal = terminal

    def isatty(self):
        return self.terminal


def test_one_photo_on_the_standard_input(tree, monkeypatch):
    tree("stdin.jpg")
    monkeypatch.setattr(sys, "stdin", Input(PHOTO))
    photos = list_photos(["-", "stdin.jpg"])
    assert [(photo.path, photo.name) for photo in photos] == [(None, "stdin"), (Path("stdin.jpg"), "stdin.jpg")]
    np.testing.assert_array_equal(photos[0].read(), np.full((2, 3, 3), 7))
    with pytest.raises(OpenPoseLabError, match=r"^the photo standard input is empty \(0 bytes\)"):
        photos[0].read()


def test_the_standard_input_is_one_photo(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Input(PHOTO))
    with pytest.warns(OpenPoseLabWarning, match="^1 photo is given twice, first standard input; each"):
        assert names(["-", "-"]) == ["stdin"]


def test_a_terminal_and_a_closed_input_hold_no_photo(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Input(b"", terminal=True))
    with pytest.raises(
        OpenPoseLabError, match="^- reads a photo from the standard input, which is a terminal; redirect"
    ):
        list_photos(["-"])
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(OpenPoseLabError, match="^- reads a photo from the standard input, which is closed; give"):
        list_photos(["-"])


def test_the_standard_input_is_read_to_a_bound(monkeypatch):
    asked = []
    endless = types.SimpleNamespace(read=lambda size: asked.append(size) or bytes(size))
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=endless, isatty=lambda: False))
    with pytest.raises(OpenPoseLabError, match=r"^the standard input is larger than 3 MB, so it is no photo$"):
        photo_files._read_standard_input(3 << 20)
    assert sum(asked) == (3 << 20) + 1


def test_a_standard_input_that_fails(monkeypatch):
    def fail(_):
        raise IsADirectoryError(21, "Is a directory")

    endless = types.SimpleNamespace(read=fail)
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=endless, isatty=lambda: False))
    with pytest.raises(OpenPoseLabError, match=r"^the standard input cannot be read \(Is a directory\); redirect"):
        PhotoFile(None, "stdin").read()


def test_a_photo_with_the_ending_of_a_video_is_a_photo(tmp_path):
    (tmp_path / "photo.ts").write_bytes(cv2.imencode(".png", np.zeros((70, 80, 3), np.uint8))[1].tobytes())
    assert PhotoFile(tmp_path / "photo.ts", "photo").read().shape == (70, 80, 3)
    (tmp_path / "clip.ts").write_bytes(b"no photo at all")
    with pytest.raises(OpenPoseLabError, match="is a video, not a photo; give it to demo_video.py"):
        PhotoFile(tmp_path / "clip.ts", "clip").read()
