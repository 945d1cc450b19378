"""The program on several photos, with a toy network: which files come out, and what it says of what is wrong."""

import io
import json
import os
import re
import shlex
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest

from openpose_lab.commands import image
from openpose_lab.lab.sandbox import isolated
from openpose_lab.networks import loading
from openpose_lab.sources import photo_files
from tests.conftest import ROOT
from tests.support.extras import needs
from tests.support.toy_network import ToyNetwork, png_of

EXAMPLES = re.findall(r"^  \{program\}(.*?)(?:  .*)?$", image.EXAMPLES, re.MULTILINE)


@pytest.fixture
def demo(monkeypatch, call_program, tmp_path):
    """Run the program in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load_network", lambda *_: ToyNetwork())
    monkeypatch.setattr(loading, "recognised_network", lambda _: "mobilenet_thin")
    monkeypatch.setattr(isolated, "is_debugged", lambda: True)  # the grouping needs no process of its own
    weights = tmp_path.parent / "weights.h5"
    weights.write_bytes(b"any weights")

    def call(*arguments):
        return call_program("demo_image.py", image.main, *arguments, "--weights", weights)

    return call


@pytest.fixture
def photos(demo):
    """Photos of 0 to 3 people, two of one stem, and one more in a sub-folder."""
    add("0.png", "1.png", "2.png", "3.png", "2.jpg", "below/1.png")
    Path("photos/2.jpg").write_bytes(png_of(2))


def add(*names, folder="photos"):
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        digit = re.search(r"\d", path.stem)
        path.write_bytes(png_of(int(digit[0]) if digit else 1))


def files(folder="."):
    """Every file below a folder that is no photo, in order."""
    found = [path for path in Path(folder).rglob("*") if path.is_file() and path.parts[0] != "photos"]
    return sorted(path.as_posix() for path in found)


def of(*names, folder="output", ending="jpg", keypoints=True):
    """The files that a run writes for photos."""
    kinds = [f"rendered.{ending}", *(["keypoints.json"] if keypoints else [])]
    return sorted([*(f"{folder}/{name}_{kind}" for name in names for kind in kinds), f"{folder}/journal.jsonl"])


def rows(csv):
    return [row.split(",")[0] for row in Path(csv).read_text(encoding="utf-8").splitlines()[1:]]


FOUR = ("0", "1", "2.jpg", "2.png", "3")
NAMES = [f"photos/{name}" for name in ("1.png", "2.jpg", "2.jpg", "2.png", "2.png", "3.png", "3.png", "3.png")]


# What comes out


@pytest.mark.usefixtures("photos")
def test_a_folder(demo):
    status, out, err = demo("photos")
    assert (status, err) == (0, "")
    assert out == f"photos       5 of 5 done\nwrote output{os.sep}\n"
    assert files() == of(*FOUR)
    assert [len(json.loads(Path(f"output/{name}_keypoints.json").read_text())["people"]) for name in FOUR] == [
        0, 1, 2, 2, 3
    ]  # fmt: skip
    for name in FOUR:
        assert cv2.imread(f"output/{name}_rendered.jpg").shape == (96, 160, 3)
        assert Path(f"output/{name}_rendered.jpg").read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["photos", "--recursive"], [*FOUR, "below/1"]),
        (["photos/*.png"], ["0", "1", "2", "3"]),
        (["photos/**/1.png"], ["1", "below/1"]),
        (["photos/3.png", "photos/1.png"], ["1", "3"]),
        (["photos/1.png", "photos/below/1.png"], ["photos/1", "below/1"]),
        (["photos/2.jpg", "photos/below"], ["2", "1"]),
        (["photos/1.png", "--recursive"], ["1"]),
    ],
)
def test_sources(demo, sources, names):
    status, _, err = demo(*sources)
    assert (status, err) == (0, "")
    assert files() == of(*names)


@pytest.mark.usefixtures("photos")
def test_the_standard_input_beside_others(demo, monkeypatch):
    stdin = types.SimpleNamespace(buffer=io.BytesIO(png_of(2)), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(photo_files.sys, "stdin", stdin)
    status, _, err = demo("-", "photos/1.png", "--csv", "people.csv")
    assert (status, err) == (0, "")
    assert files("output") == of("stdin", "1", keypoints=False)
    assert rows("people.csv") == ["standard input", "standard input", "photos/1.png"]


@pytest.mark.usefixtures("photos")
def test_one_photo_with_a_folder_for_its_outputs(demo):
    """A folder that is there, or an option for several photos, makes one photo a run of one."""
    Path("drawn").mkdir()
    assert demo("photos/1.png", "--output", "drawn")[0] == 0
    assert demo("photos/1.png", "--overwrite")[0] == 0
    assert demo("photos/1.png", "--resume")[0] == 0
    assert demo("photos/1.png", "--json", "drawn", "--no-draw", "--overwrite")[0] == 0
    assert files() == [*of("1", folder="drawn"), *of("1")]


@pytest.mark.usefixtures("photos")
def test_one_photo_keeps_its_file_names(demo):
    assert demo("photos/1.png", "--json", "people.json", "--csv", "people.csv")[0] == 0
    assert demo("photos/1.png")[0] == 0  # as ever, without a question
    assert files() == ["output.png", "people.csv", "people.json"]


@pytest.mark.usefixtures("photos")
@needs("pyarrow")
def test_formats(demo):
    tables = ["--csv", "t.csv", "--coco", "t.json", "--parquet", "t.parquet"]
    status, out, err = demo("photos", "--output", "drawn", "--json", "texts", *tables)
    assert (status, err) == (0, "")
    wrote = [f"drawn{os.sep}", f"texts{os.sep}", "t.csv", "t.json", "t.parquet"]
    assert sorted(re.findall("^wrote (.*)$", out, re.MULTILINE)) == sorted(wrote)
    drawn = of(*FOUR, folder="drawn", keypoints=False)
    texts = sorted(f"texts/{name}_keypoints.json" for name in FOUR)
    assert files() == sorted([*drawn, *texts, "t.csv", "t.json", "t.parquet"])
    assert rows("t.csv") == NAMES
    results = json.loads(Path("t.json").read_text())
    assert [(one["image_id"], one["file_name"]) for one in results] == [
        (["", *FOUR].index(re.sub(r"(?<=[013])\.png", "", Path(name).name)), name) for name in NAMES
    ]
    from pyarrow import parquet

    assert parquet.read_table("t.parquet").column("photo").to_pylist() == NAMES


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--no-draw"], [f"output/{name}_keypoints.json" for name in FOUR] + ["output/journal.jsonl"]),
        (["--no-draw", "--json", "texts"], [f"texts/{name}_keypoints.json" for name in FOUR] + ["texts/journal.jsonl"]),
        (["--no-draw", "--csv", "t.csv"], ["t.csv", "t.csv.journal.jsonl"]),
        (["--csv", "t.csv"], [*of(*FOUR, keypoints=False), "t.csv"]),
        (["--csv", "output/t.csv"], [*of(*FOUR, keypoints=False), "output/t.csv"]),
        (["--image-format", "png"], of(*FOUR, ending="png")),
        (["--output", "a/b c"], of(*FOUR, folder="a/b c")),
    ],
)
def test_which_files_are_written(demo, options, expected):
    assert demo("photos", *options)[0] == 0
    assert files() == sorted(expected)


@pytest.mark.usefixtures("photos")
def test_options_for_every_photo(demo):
    options = ["--rotate", "270", "--max-people", "2", "--blank", "--keypoint-scale", "-1..1", "--csv", "t.csv"]
    assert demo("photos", *options, "--image-format", "png", "--json", "output")[0] == 0
    picture = cv2.imread("output/3_rendered.png")
    assert picture.shape == (160, 96, 3)
    assert not cv2.imread("output/0_rendered.png").any()
    assert Path("t.csv").read_text().splitlines()[0].split(",")[9:11] == ["nose_x_minus_1_to_1", "nose_y_minus_1_to_1"]
    for name in FOUR:
        people = json.loads(Path(f"output/{name}_keypoints.json").read_text())["people"]
        assert len(people) <= 2
        numbers = np.array([person["pose_keypoints_2d"] for person in people]).reshape(-1, 3)
        assert (np.abs(numbers[:, :2]) <= 1).all()


@pytest.mark.usefixtures("photos")
def test_faces_are_blurred(demo):
    assert demo("photos", "--output", "plain", "--image-format", "png")[0] == 0
    assert demo("photos", "--output", "blurred", "--image-format", "png", "--blur-faces")[0] == 0
    plain, blurred = (cv2.imread(f"{folder}/2.png_rendered.png") for folder in ("plain", "blurred"))
    assert plain.shape == blurred.shape


@pytest.mark.parametrize("people", [0, -1, 10_001])
def test_how_many_people_may_be_kept(demo, people):
    status, _, err = demo("--max-people", people)
    assert (status, err) == (1, f"demo_image.py: --max-people must be from 1 to 10000 but is {people}\n")


# Again


@pytest.mark.usefixtures("photos")
def test_nothing_is_overwritten(demo):
    demo("photos")
    before = {path: Path(path).read_bytes() for path in files()}
    status, out, err = demo("photos", "--blank")
    assert (status, out, err.count("\n")) == (1, "", 1)
    first = Path("output", "0_rendered.jpg")
    assert err.startswith(f"demo_image.py: {first} and 9 more outputs exist already; give --resume to skip")
    assert {path: Path(path).read_bytes() for path in files()} == before
    status, out, err = demo("photos", "--blank", "--overwrite")
    assert (status, out.splitlines()[0], err) == (0, "photos       5 of 5 done", "")
    assert Path("output/3_rendered.jpg").read_bytes() != before["output/3_rendered.jpg"]


@pytest.mark.usefixtures("photos")
def test_going_on(demo):
    demo("photos/*.png", "--csv", "t.csv")
    add("4.png")
    Path("output/1_rendered.jpg").unlink()
    status, out, err = demo("photos/*.png", "--csv", "t.csv", "--resume")
    assert (status, out.splitlines()[0], err) == (0, "photos       5 of 5 done, 3 of them in an earlier run", "")
    assert rows("t.csv") == [f"photos/{count}.png" for count in range(1, 5) for _ in range(count)]
    status, out, err = demo("photos/*.png", "--csv", "t.csv", "--resume")
    assert (status, out.splitlines()[0], err) == (0, "photos       5 of 5 done, 5 of them in an earlier run", "")


@pytest.mark.usefixtures("photos")
def test_going_on_with_sub_folders_and_other_formats(demo):
    demo("photos")
    status, out, _ = demo("photos", "--recursive", "--resume", "--json", "output", "--image-format", "png")
    assert (status, out.splitlines()[0]) == (0, "photos       6 of 6 done")
    status, out, _ = demo("photos", "--recursive", "--resume", "--csv", "t.csv", "--image-format", "png")
    assert (status, out.splitlines()[0]) == (0, "photos       6 of 6 done, 6 of them in an earlier run")
    assert len(rows("t.csv")) == 9


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--rotate", "90"], "another rotate: 0 instead of 90"),
        (["--max-people", "1"], "another max-people: None instead of 1"),
        (["--blank"], "another blank: False instead of True"),
        (["--blur-faces"], "another blur-faces: False instead of True"),
        (["--keypoint-scale", "-1..1"], "another keypoint-scale: pixels instead of -1..1"),
        (["--quality", "fast"], "another quality: "),
        (["--set", "peak_threshold=0.1"], "another set: "),
        (["--grouping", "mine.py"], "another grouping: merge.py, "),
    ],
)
def test_going_on_with_other_settings_is_one_sentence(demo, options, sentence):
    Path("mine.py").write_text("def merge(subset):\n    return subset[:0]\n")
    demo("photos")
    before = {path: Path(path).read_bytes() for path in files()}
    status, out, err = demo("photos", "--resume", *options)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"demo_image.py: the run in {Path('output', 'journal.jsonl')} has {sentence}")
    assert {path: Path(path).read_bytes() for path in files()} == before


def test_going_on_with_the_photos_of_another_folder_is_one_sentence(demo):
    """Cameras give the same names again. What was made of the photos of Monday stays."""
    add("1.png", "2.png", folder="photos/monday")
    add("1.png", "3.png", folder="photos/tuesday")
    demo("photos/monday")
    before = {path: Path(path).read_bytes() for path in files()}
    status, out, err = demo("photos/tuesday", "--resume")
    assert (status, out, err.count("\n")) == (1, "", 1)
    replaced = f"{Path('photos/tuesday/1.png')} would replace an earlier run's outputs of {Path('photos/monday/1.png')}"
    assert replaced in err
    assert {path: Path(path).read_bytes() for path in files()} == before


@pytest.mark.usefixtures("photos")
def test_going_on_with_more_sources(demo):
    add("7.png", folder="more")
    demo("photos/1.png", "photos/3.png", "--output", "output")
    add("9.png")
    status, out, err = demo("photos", "more", "--resume")
    assert (status, out.splitlines()[0], err) == (0, "photos       7 of 7 done, 2 of them in an earlier run", "")


@pytest.mark.usefixtures("photos")
def test_files_of_other_programs_stay(demo):
    """Without a journal, --resume is no leave to replace or remove files."""
    Path("photos/1.png").write_bytes(b"")
    Path("output").mkdir()
    for name in ("1", "3"):
        Path(f"output/{name}_keypoints.json").write_text("of another program")
    status, out, err = demo("photos", "--resume")
    assert (status, out) == (1, "")
    assert "1 more outputs exist already" in err
    assert Path("output/1_keypoints.json").read_text() == "of another program"
    assert Path("output/3_keypoints.json").read_text() == "of another program"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_photo_is_never_an_output(demo):
    """As where case does not count: A_RENDERED.png is the picture of A.png."""
    add("1.png", "2.png")
    os.link("photos/2.png", "photos/1_rendered.jpg")
    status, out, err = demo("photos/1.png", "photos/2.png", "--output", "photos", "--overwrite")
    assert (status, out) == (1, "")
    assert f"{Path('photos', '1_rendered.jpg')} is one of the photos, and would be overwritten" in err


def test_resume_and_overwrite_together_are_one_sentence(demo):
    status, out, err = demo("photos", "--resume", "--overwrite")
    assert (status, out) == (1, "")
    assert err == "demo_image.py: --resume keeps finished photos, but --overwrite processes them again; give only one\n"


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["empty"], "the folder empty is empty; give a folder with photos"),
        (["texts"], "the folder texts has no photo among its 1 file; "),
        (["deep"], "the folder deep has photos only in its sub-folders; add --recursive"),
        (["none/*.jpg"], "nothing matches none"),
        (["texts/*.jpg"], "nothing matches texts"),
        (["texts/*"], "matches 1 file but no photo; "),
        (["none", "photos"], "there is no photo or folder none; check the path"),
        (["photos", "--output", "texts/a.txt"], "it is not a folder; choose another place"),
        (["photos", "--json", "-"], "--json - works only for one photo; give a folder for the files of several photos"),
        (["photos", "--csv", "photos/1.png"], "is also the photo, and would be overwritten"),
        (["photos", "--csv", "texts"], "it is a folder"),
        (["photos", "--no-draw", "--csv", "/dev/null"], "needs an output; give --output DIR, or the path of"),
        (["photos", "--grouping", "none.py"], "there is no grouping none.py"),
        (["photos\0"], "there is no photo or folder photos"),
        (["photos", "--csv", "a\0b"], "a\\x00b"),
    ],
)
def test_whatever_is_wrong_is_one_sentence(demo, photos, arguments, sentence):
    Path("empty").mkdir()
    add("1.png", folder="deep/below")
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("Dear Sir or Madam")
    before = files()
    status, out, err = demo(*arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("demo_image.py: ")
    assert sentence in err
    assert files() == before


@pytest.mark.usefixtures("photos")
def test_outputs_within_the_folder_of_photos(demo):
    demo("photos", "--output", "photos/output", "--recursive", "--image-format", "png")
    status, out, err = demo("photos", "--output", "photos/output", "--recursive", "--overwrite")
    assert (status, out.splitlines()[0]) == (0, "photos       6 of 6 done")
    folder = Path("photos", "output")
    assert err == f"demo_image.py: note: 6 pictures are left out, because an earlier run drew them into {folder}\n"
    status, out, _ = demo("photos", "--output", "photos/output", "--recursive", "--resume")
    assert (status, out.splitlines()[0]) == (0, "photos       6 of 6 done, 6 of them in an earlier run")


@pytest.mark.usefixtures("photos")
def test_outputs_beside_the_photos(demo):
    status, out, err = demo("photos/1.png", "photos/3.png", "--output", ".")
    assert (status, err, out.splitlines()[0]) == (0, "", "photos       2 of 2 done")
    status, out, err = demo("photos", "--output", "photos")
    assert (status, err, out.splitlines()[0]) == (0, "", "photos       5 of 5 done")
    status, out, err = demo("photos", "--output", "photos", "--resume")
    assert (status, out.splitlines()[0]) == (0, "photos       5 of 5 done, 5 of them in an earlier run")
    assert "note: 5 pictures are left out" in err


def test_the_standard_input_is_never_done_before(demo, monkeypatch):
    for number in (1, 2):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(png_of(number))))
        assert demo("-", "--resume")[1].splitlines()[0] == "photos       1 of 1 done"
        people = json.loads(Path("output/stdin_keypoints.json").read_text())["people"]
        assert len(people) == number


@pytest.mark.usefixtures("photos")
def test_nothing_stays_of_a_photo_that_fails_now(demo):
    demo("photos", "--csv", "t.csv")
    Path("photos/1.png").write_bytes(b"")
    status, _, _ = demo("photos", "--csv", "t.csv", "--overwrite")
    assert status == 1
    assert files("output") == of(*FOUR[:1], *FOUR[2:], keypoints=False)
    Path("photos/3.png").write_bytes(b"")
    Path("output/3_rendered.jpg").unlink()
    demo("photos", "--csv", "t.csv", "--resume")
    assert files("output") == of("0", "2.jpg", "2.png", keypoints=False)
    assert set(rows("t.csv")) == {"photos/2.jpg", "photos/2.png"}


def test_a_grouping_that_fails_on_every_photo_ends_the_run(demo):
    add(*(f"{number}.png" for number in range(1, 20)))
    Path("mine.py").write_text("def merge(subset):\n    return 1 / 0\n")
    status, out, err = demo("photos", "--grouping", "mine.py")
    assert (status, out) == (1, "")
    assert "the grouping failed on 5 photos in a row; correct it, and run again with --overwrite. The last" in err
    assert "ZeroDivisionError" in err


@pytest.mark.usefixtures("photos")
def test_the_same_photo_twice(demo):
    status, out, err = demo("photos/1.png", "photos/*.png", "./photos/1.png", "--csv", "t.csv")
    assert (status, out.splitlines()[0]) == (0, "photos       4 of 4 done")
    assert err.startswith("demo_image.py: note: 2 photos are given twice, first ")
    assert err.count("\n") == 1
    assert rows("t.csv").count("photos/1.png") == 1


@pytest.mark.usefixtures("photos")
def test_bad_photos_are_listed(demo):
    Path("photos/1.png").write_bytes(b"")
    Path("photos/a b.png").write_bytes(b"Dear Sir or Madam")
    status, out, err = demo("photos", "--csv", "t.csv")
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "photos       4 of 6 done"
    assert lines[-3] == "failed       2"
    assert lines[-2].startswith(f"  {Path('photos/1.png')}: the photo {Path('photos/1.png')} is empty")
    assert lines[-1].startswith(f'  "{Path("photos/a b.png")}": {Path("photos/a b.png")} is not a photo')
    assert err == (
        "demo_image.py: 2 of 6 photos failed, see the list above; repair or remove them, and run again with --resume\n"
    )
    Path("photos/a b.png").unlink()
    Path("photos/1.png").write_bytes(png_of(1))
    status, out, err = demo("photos", "--csv", "t.csv", "--resume")
    assert (status, out.splitlines()[0], err) == (0, "photos       5 of 5 done, 4 of them in an earlier run", "")
    assert rows("t.csv") == NAMES


def test_names_with_any_letters(demo):
    odd = ["a b", "Füße", "l'été", "say “hi”", "👩\u200d👩\u200d👧 1", "人", "-x", "%s {0} [1]", "a" * 200]
    odd += ['"quoted"', "a?*", "back\\slash", "new\nline", "bell\a"] if os.name != "nt" else []
    add(*(f"{name}.png" for name in odd))
    status, out, err = demo("photos", "--csv", "t.csv", "--coco", "t.json", "--json", "output")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"photos       {len(odd)} of {len(odd)} done"
    safe = [re.sub(r"[\n\a]", "_", name) for name in odd]
    assert files("output") == of(*safe)
    assert demo("photos", "--csv", "t.csv", "--resume")[1].splitlines()[0] == (
        f"photos       {len(odd)} of {len(odd)} done, {len(odd)} of them in an earlier run"
    )


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_no_text(demo):
    for name in (b"caf\xe9.png", b"caf\xe8.png", b"caf\\udce9.png"):
        add("1.png")
        os.rename("photos/1.png", os.path.join(b"photos", name))
    status, out, err = demo("photos", "--csv", "t.csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "photos       3 of 3 done"
    assert len(files("output")) == 4
    assert len(rows("t.csv")) == 3


def test_names_that_differ_in_case_alone(demo, tmp_path):
    add("A.png", "a.png")
    if len(os.listdir("photos")) == 1:
        pytest.skip("this system takes the names for one")
    assert demo("photos")[0] == 0
    assert len({path.lower() for path in files("output")}) == 5


# The examples of --help


def test_the_examples_are_found():
    assert len(EXAMPLES) == image.EXAMPLES.count("{program}") == 9


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_run(demo, example):
    for name in ("1.jpg", "2.jpg", "below/1.jpg"):
        add(name)
    Path("photo.jpg").write_bytes(png_of(1))
    Path("my_merge.py").write_text((ROOT / "estimation" / "merge.py").read_text())
    before = files()
    status, out, err = demo(*shlex.split(example))
    assert status == 0, err
    assert set(files()) > set(before) or "--json -" in example
    assert "people       " in out + err or out.startswith("photos       ")
