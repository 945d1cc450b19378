import csv
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("pycocotools")

from estimation.built_in_groupings import LAB_MERGE
from estimation.config import COCO_18
from estimation.field_maps import pixels_to_cells
from estimation.quality import QUALITIES
from estimation.synthesis import synthesize
from openpose_lab.checksums import checksum
from openpose_lab.commands import evaluate
from openpose_lab.evaluation import photo_sheet
from openpose_lab.evaluation.annotations import annotate
from tests.conftest import ROOT
from tests.openpose_lab.conftest import ANNOTATIONS, PEOPLE, PerfectNetwork, results_of

MARGIN = 0.005  # other versions of the libraries may round otherwise


@pytest.fixture
def drawing_program(annotations, on_ideal_maps, call_program, tmp_path, monkeypatch):
    """Run it on one photo whose maps are ideal: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    truth = annotations(ANNOTATIONS)
    return partial(call_program, "evaluate", evaluate.main, *on_ideal_maps, "--annotations", truth, "--height", 480)


@pytest.fixture
def program(drawing_program, monkeypatch):
    """The same with an empty picture of the worst photos, which takes less time."""
    monkeypatch.setattr(photo_sheet, "draw_photo_sheet", lambda *_: np.zeros((2, 2, 3), np.uint8))
    return drawing_program


def test_the_whole_program(drawing_program, tmp_path):
    status, out, _ = drawing_program("--results", tmp_path / "out.json")
    assert status == 0
    assert "1 photos, 2 people found, mobilenet_thin (openvino, f32) at height 480" in out
    assert "AP         1.000  (95 %: 1.000 to 1.000)" in out
    assert "after network" in out
    assert "left_ankle             2  1.000    1.000" in out
    assert "PCKh" not in out
    assert out.endswith("\nwrote worst.jpg\n")
    assert cv2.imread(str(tmp_path / "worst.jpg")).shape == (320, 1280, 3)
    results = json.loads((tmp_path / "out.json").read_text())
    assert [len(person["keypoints"]) for person in results] == [51, 51]


def test_where_precision_is_lost(program):
    status, out, _ = program("--breakdown")
    table = {line[:36].strip(): line[36:].split()[:2] for line in out.split("where AP is lost")[1].splitlines()[1:]}
    assert status == 0
    assert table["right"] == ["34", "1.000"]
    assert table["miss"] == ["0", "1.000"]
    assert table["false positive"] == ["0", "1.000"]
    assert table["ground-truth peaks"][0] == "1.000"


def test_pckh_where_there_are_heads(program, annotations):
    people = [{**entry, "head_size": 40} for entry in ANNOTATIONS["annotations"]]
    out = program("--annotations", annotations({**ANNOTATIONS, "annotations": people}))[1]
    assert "PCKh@0.5" in out
    assert out.split("\nall ")[1].split()[4] == "1.000"


def test_the_network_is_timed_when_it_is_asked(program):
    first, second = program()[1], program()[1]
    assert "network  " in first
    assert "\nnetwork  " not in second
    assert "after network" in second
    assert first.splitlines()[:11] == second.splitlines()[:11]


def test_only_the_first_photos(program, annotations, tmp_path):
    more = {**ANNOTATIONS, "images": [*ANNOTATIONS["images"], {"id": 2, "file_name": "none.png"}]}
    more["annotations"] = [*ANNOTATIONS["annotations"], {**ANNOTATIONS["annotations"][0], "id": 3, "image_id": 2}]
    path = annotations(more)
    status, _, err = program("--annotations", path)
    assert (status, "the annotations name none.png" in err) == (1, True)
    status, out, _ = program("--annotations", path, "--limit", 1)
    assert (status, out.splitlines()[0].split(",")[0]) == (0, "1 photos")


def test_what_goes_wrong_is_one_sentence(program, tmp_path):
    for options, sentence in (
        (("--limit", 0), "--limit must be at least 1 but is 0"),
        (("--results", tmp_path / "annotations.json"), "annotations.json is also the annotations, and would"),
        (("--results", tmp_path / "none" / "out.json"), "there is no folder"),
        (("--network", "none"), "there is no network 'none'"),
        (("--worst", "worst.txt"), "cannot write worst.txt: its name must end in one of .png"),
        (("--worst", "x.png", "--results", "x.png"), "two outputs cannot both be x.png"),
        (("--worst", "photo.png"), "photo.png is also the photo, and would be overwritten"),
        (("--results", "weights.h5"), "weights.h5 is also the weights, and would be overwritten"),
        (("--weights", "none.h5"), "there is no weights file none.h5; check the path"),
        (
            ("--quality", "best"),
            "quality best stands for height, scales and flip together; give it or height, not both",
        ),
        (("--scales", 0.01), "the height must be from 32 to 2048 pixels but is 5 at scale 0.01"),
    ):
        status, out, err = program(*options)
        assert (status, out) == (1, "")
        assert sentence in err
        assert err.count("\n") == 1


def test_all_figures_as_json_and_a_row_for_each_photo(program, tmp_path):
    arguments = ("--breakdown", "--json", "figures.json", "--photos-csv", "photos.csv")
    status, out, _ = program(*arguments)
    assert status == 0
    assert out.endswith("\nwrote figures.json\nwrote photos.csv\nwrote worst.jpg\n")
    content = json.loads((tmp_path / "figures.json").read_bytes())
    assert content["command"][0] == "openpose-lab evaluate"
    assert content["command"][-5:] == list(arguments)
    annotations, weights = tmp_path / "annotations.json", tmp_path / "weights.h5"
    assert content["annotations"] == {"file": str(annotations), "sha256": checksum(annotations, "sha256")}
    assert [content[key] for key in ("photos", "people", "keypoints")] == [1, 2, 34]
    (system,) = content["systems"]
    assert (system["name"], system["kind"]) == ("mobilenet_thin", "network")
    assert system["weights"] == [{"file": str(weights), "sha256": checksum(weights, "sha256")}]
    settings = system["settings"]
    assert [settings[key] for key in ("quality", "height", "scales", "flip")] == [None, 480, [1], False]
    assert settings["imputed_keypoints"]
    assert settings["grouping"] | {"file": ""} == {"name": "lab", "file": "", "sha256": checksum(LAB_MERGE, "sha256")}
    assert settings["thresholds"]["peak_threshold"] == COCO_18.peak_threshold
    assert settings["thresholds"]["completion_reach"] == 0.1
    assert system["figures"]["AP"] == pytest.approx(1)
    assert [loss["what"] for loss in system["breakdown"]][-1] == "our parts, true grouping and order"
    rows = list(csv.DictReader((tmp_path / "photos.csv").read_text("utf-8").splitlines()))
    assert [(row["system"], row["file_name"], row["matched"]) for row in rows] == [("mobilenet_thin", "photo.png", "2")]


def test_the_json_differs_in_nothing_but_the_time(program, tmp_path):
    def without_time():
        program("--json", "figures.json")
        content = json.loads((tmp_path / "figures.json").read_bytes())
        del content["systems"][0]["milliseconds"]
        return content

    assert without_time() == without_time()


def test_settings_in_the_json_are_those_that_were_given(program, tmp_path):
    program("--json", "figures.json", "--no-guesses", "--set", "peak_threshold=0.2", "--flip")
    settings = json.loads((tmp_path / "figures.json").read_bytes())["systems"][0]["settings"]
    assert settings["thresholds"]["peak_threshold"] == 0.2
    assert "completion_reach" not in settings["thresholds"]
    assert (settings["imputed_keypoints"], settings["flip"]) == (False, True)


def test_the_quality_is_balanced_unless_another_is_named(
    on_ideal_maps, annotations, call_program, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = [*on_ideal_maps, "--annotations", annotations(ANNOTATIONS), "--json", "figures.json"]
    for options, quality in (((), "balanced"), (("--quality", "best"), "best")):
        status, out, err = call_program("evaluate", evaluate.main, *arguments, *options)
        assert (status, err) == (0, "")
        assert f"mobilenet_thin (openvino, f32) at {QUALITIES[quality].title}\n" in out
        settings = json.loads((tmp_path / "figures.json").read_bytes())["systems"][0]["settings"]
        assert settings["quality"] == quality
        assert settings["scales"] == list(QUALITIES[quality].scales)


def test_imputed_keypoints_are_marked_in_the_results(program, tmp_path, monkeypatch):
    people = PEOPLE.copy()
    people[:, [COCO_18.body_parts.index(name) for name in ("left_wrist", "right_wrist")]] = np.nan
    maps = synthesize(COCO_18, pixels_to_cells(people, 8), (60, 80))
    monkeypatch.setattr(PerfectNetwork, "__call__", lambda network, photo: maps)
    program("--results", tmp_path / "out.json")
    for person in json.loads((tmp_path / "out.json").read_text()):
        assert person["imputed"] == ["left_wrist", "right_wrist"]
        assert person["keypoints"][2::3] == [1] * 17
    program("--no-guesses", "--results", tmp_path / "out.json")
    for person in json.loads((tmp_path / "out.json").read_text()):
        assert "imputed" not in person
        assert person["keypoints"][2::3] == [1] * 9 + [0] * 2 + [1] * 6


@pytest.fixture
def predictions(tmp_path):
    """The file of a system that finds one of the two people, one in another photo, and a dog."""
    rows = [*results_of(PEOPLE[:1]), *results_of(PEOPLE[:1], image_id=77)]
    (tmp_path / "other.json").write_text(json.dumps([*rows, {**rows[0], "category_id": 18}]))
    return tmp_path / "other.json"


def test_predictions_of_another_system_beside_ours(drawing_program, predictions, tmp_path):
    status, out, err = drawing_program(
        "--predictions", predictions, "--breakdown", "--json", "figures.json", "--photos-csv", "photos.csv"
    )
    assert (status, err) == (0, "")
    ours, others = out.split("\n\n1 photos, ")
    assert ours.startswith("1 photos, 2 people found, mobilenet_thin (openvino, f32) at height 480\nAP         1.000")
    used = "1 of 3 rows used, 1 of other photos, 1 of other categories left out"
    assert others.startswith(f"1 people found, other.json ({used})\nAP         0.50")
    assert "missed person                            17" in others
    assert "ground-truth peaks" in ours
    assert "ground-truth peaks" not in others
    assert "\nAP of other.json - mobilenet_thin: -0.4" in others
    content = json.loads((tmp_path / "figures.json").read_bytes())
    first, second = content["systems"]
    assert second["predictions"] == {
        "file": str(predictions),
        "sha256": checksum(predictions, "sha256"),
        "rows": 3,
        "used": 1,
        "left_out": {"of other photos": 1, "of other categories": 1},
    }
    assert second["figures"].keys() == first["figures"].keys()
    assert content["AP_differences"][0]["of"] == "other.json"
    rows = list(csv.DictReader((tmp_path / "photos.csv").read_text("utf-8").splitlines()))
    assert [(row["system"], row["missed"]) for row in rows] == [("mobilenet_thin", "0"), ("other.json", "1")]
    assert cv2.imread(str(tmp_path / "worst.jpg")).shape == (320, 1920, 3)  # truth, ours, theirs


def test_our_own_results_give_the_same_figures_again(program, tmp_path):
    program("--results", "out.json", "--json", "one.json", "--breakdown")
    program("--predictions", "out.json", "--json", "two.json", "--breakdown")
    (network,) = json.loads((tmp_path / "one.json").read_bytes())["systems"]
    _, predictions = json.loads((tmp_path / "two.json").read_bytes())["systems"]
    for key in ("figures", "AP_interval_95", "parts", "worst_photos", "people_found"):
        assert predictions[key] == network[key]
    assert predictions["breakdown"] == network["breakdown"][: len(predictions["breakdown"])]


ALONE = """
import sys
from openpose_lab.commands.evaluate import main
main(sys.argv[1:])
heavy = {"tensorflow", "keras", "torch"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""


@pytest.fixture
def on_predictions_alone(annotations, predictions, tmp_path):
    """Options that measure them alone, and what the program must print and write."""
    options = ["--annotations", annotations(ANNOTATIONS), "--predictions", predictions, "--only-predictions"]

    def check(out, with_picture):
        assert out.startswith("1 photos, 1 people found, other.json (1 of 3 rows used")
        (system,) = json.loads((tmp_path / "figures.json").read_bytes())["systems"]
        assert system["figures"]["AR"] == pytest.approx(0.5)
        assert [path.name for path in tmp_path.glob("worst*")] == (["worst.png"] if with_picture else [])

    return [*options, "--json", tmp_path / "figures.json"], check


def test_predictions_alone_need_no_network(on_ideal_maps, on_predictions_alone, tmp_path):
    options, check = on_predictions_alone
    options += ["--images", tmp_path, "--worst", tmp_path / "worst.png"]
    command = [sys.executable, "-c", ALONE, *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check(done.stdout, with_picture=True)


def test_predictions_alone_need_no_photos(call_program, on_predictions_alone):
    options, check = on_predictions_alone
    status, out, _ = call_program("evaluate", evaluate.main, *options)
    assert status == 0
    check(out, with_picture=False)


def test_results_of_photos_without_annotations(on_ideal_maps, call_program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").rename(tmp_path / "000000000139.png")
    call = partial(call_program, "evaluate", evaluate.main, *on_ideal_maps, "--height", 480)
    status, out, err = call("--results", "out.json", "--photos-csv", "photos.csv", "--json", "figures.json")
    assert (status, err) == (0, "")
    assert out.startswith("1 photos, 2 people found, mobilenet_thin (openvino, f32) at height 480\nnetwork ")
    assert "AP" not in out
    assert out.endswith("\n\nwrote out.json\nwrote figures.json\nwrote photos.csv\n")
    assert [person["image_id"] for person in json.loads((tmp_path / "out.json").read_bytes())] == [139, 139]
    (row,) = csv.DictReader((tmp_path / "photos.csv").read_text("utf-8").splitlines())
    assert (row["image_id"], row["file_name"], row["found"]) == ("139", "000000000139.png", "2")
    assert "figures" not in json.loads((tmp_path / "figures.json").read_bytes())["systems"][0]
    assert not (tmp_path / "worst.jpg").exists()


def test_results_of_a_list_of_photos_alone(program, annotations, tmp_path):
    """COCO's test photos come with such a list."""
    path = annotations({"images": [{"id": 5, "file_name": "photo.png", "width": 640, "height": 480}]})
    status, _, err = program("--annotations", path, "--results", "out.json")
    assert (status, err) == (0, "")
    assert [person["image_id"] for person in json.loads((tmp_path / "out.json").read_bytes())] == [5, 5]
    status, _, err = program("--annotations", path)
    assert (status, "there must be a list 'annotations'" in err) == (1, True)


def test_people_who_are_nowhere_near_are_told(program, annotations):
    """As with annotations of other photos of the same size."""
    content = annotate(COCO_18, {"photo.png": PEOPLE[:, :, ::-1] * 0.3})
    status, out, err = program("--annotations", annotations(content))
    assert status == 0
    assert "AP         0.000" in out
    assert err == (
        "evaluate: note: AP of mobilenet_thin is 0, because none of the people found is near an annotated person; "
        "check that the annotations belong to these upright photos, and are in pixels of photos of this size\n"
    )


def test_annotations_of_smaller_photos_that_give_no_size_are_told(program, annotations):
    """They overlap the people found a little."""
    content = annotate(COCO_18, {"photo.png": PEOPLE * 0.8})
    status, out, err = program("--annotations", annotations(content))
    assert (status, "AP         0.000" in out) == (0, True)
    assert err.startswith("evaluate: note: AP of mobilenet_thin is 0, because none of the people found is near an")


@pytest.mark.parametrize("option", ["--results", "--json", "--photos-csv"])
def test_a_hyphen_is_the_standard_output(option):
    options = evaluate.parse_options([option, "-"])
    assert getattr(options, option[2:].replace("-", "_")) == Path("/dev/stdout")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "the photos are missing; give their folder with --images"),
        (("--images", "."), "--annotations is missing; give it to measure, or give --results to only write"),
        (("--images", ".", "--results", "o.json", "--breakdown"), "--breakdown needs the ground truth; give it"),
        (("--images", ".", "--results", "o.json", "--worst", "w.png"), "--worst needs the ground truth; give it"),
        (("--images", ".", "--predictions", "p.json"), "--predictions needs the ground truth; give it"),
        (
            ("--annotations", "a.json", "--predictions", "p.json"),
            "the photos are missing; give their folder with --images, or add --only-predictions",
        ),
        (("--only-predictions",), "--only-predictions needs --predictions, the file to measure"),
        (("--only-predictions", "--predictions", "p", "--results", "o"), "--results writes the people that"),
        (("--only-predictions", "--predictions", "p", "--flip"), "--flip changes only the network; remove it"),
        (("--only-predictions", "--predictions", "p", "--no-guesses"), "--no-guesses changes only the network; "),
        (("--only-predictions", "--predictions", "p", "--worst", "w.png"), "the photos are missing; give their folder"),
    ],
)
def test_options_that_do_not_go_together_are_one_sentence(call_program, tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    status, out, err = call_program("evaluate", evaluate.main, *options)
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_outputs_do_not_overwrite_inputs(program, call_program, annotations, predictions, tmp_path):
    alone = ("--predictions", predictions, "--only-predictions")
    for options, name in (
        (("--json", "annotations.json"), "annotations"),
        (("--photos-csv", "photo.png"), "photo"),
        (("--predictions", predictions, "--json", predictions), "predictions"),
    ):
        status, _, err = program(*options)
        assert (status, f"is also the {name}, and would be overwritten" in err) == (1, True)
    arguments = ("--images", tmp_path, "--annotations", annotations(ANNOTATIONS), *alone, "--json", "photo.png")
    status, _, err = call_program("evaluate", evaluate.main, *arguments)
    assert (status, "photo.png is also the photo, and would be overwritten" in err) == (1, True)


def test_names_with_control_characters_are_written_as_escapes(program, annotations):
    for content in (
        {**ANNOTATIONS, "images": [{"id": 1, "file_name": "\x1b[31mred\n.png"}]},
        {**ANNOTATIONS, "\x1b[31m": 1, "images": [{"id": 1, "file_name": "\u202e.png"}]},
    ):
        _, out, err = program("--annotations", annotations(content))
        assert (out, err.count("\n")) == ("", 1)
        assert err.rstrip().isprintable()


DOCUMENTED = re.search(r"^\| \*\*OpenPose Lab\*\* .*$", (ROOT / "docs/accuracy.md").read_text("utf-8"), re.MULTILINE)
COLUMNS = (
    ("mobilenet_thin", "coco_dev147"),
    ("mobilenet_thin", "coco_public20"),
    ("lightweight", "coco_dev147"),
    ("lightweight", "coco_public20"),
)


@pytest.mark.slow
@pytest.mark.parametrize("column", range(4), ids=lambda column: "-".join(COLUMNS[column]))
def test_the_documented_precision_on_photos_with_known_keypoints(shared_data, call_program, tmp_path, column):
    network, folder = COLUMNS[column]
    photos = shared_data / folder
    arguments = ["--images", photos / "images", "--annotations", photos / "annotations.json", "--network", network]
    status, out, err = call_program("evaluate", evaluate.main, *arguments, "--worst", tmp_path / "worst.jpg")
    assert status == 0, err
    (precision,) = re.findall(r"^AP +(0\.\d+)", out, re.MULTILINE)
    documented = re.findall(r"0\.\d{3}", DOCUMENTED[0])
    assert len(documented) == len(COLUMNS)
    assert float(precision) == pytest.approx(float(documented[column]), abs=MARGIN)
