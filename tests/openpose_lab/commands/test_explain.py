"""The page of explain: its data, the program, and the page itself in a browser, where there is one."""

import base64
import html
import json
import re
import subprocess
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.field_maps import FieldMaps, cells_to_pixels
from estimation.grouping import LAB_MERGE, load_grouping
from estimation.grouping.film import make_film
from estimation.pipeline import group_maps
from estimation.quality import Views
from estimation.synthesis import synthesize
from estimation.views import average_maps, compute_maps
from openpose_lab.commands import explain as program
from openpose_lab.evaluation.crowds import Disturbance
from openpose_lab.evaluation.scenes import crowd_scenes
from openpose_lab.lab.explain import data as explain_data
from openpose_lab.lab.explain.data import Told, explain
from openpose_lab.lab.explain.page import make_page
from openpose_lab.lab.explain.stages import Stages, see_stages
from openpose_lab.networks import loading
from openpose_lab.networks.runtimes.base import StageMaps
from tests.estimation.test_pipeline import EdgeNetwork
from tests.openpose_lab.conftest import PEOPLE, PerfectNetwork
from tests.support.browser import BROWSER
from tests.support.scenes import BODY_25, figure

MERGE = "from estimation.merge import merge\n"
WIDTHS = (1280, 360)
EVERY_KEY = """
    for (const key of ["Home", "ArrowRight", "End", ..."123456splc+0t?"])
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    parent.postMessage({ name: "NAME", found: { problems, ready: document.body.dataset.ready } }, "*");
"""
CHECKS = (Path(__file__).parent / "explain_checks.js").read_text(encoding="utf-8")


def told(found, names=("lab",), config=COCO_18):
    films = []
    for name in names:
        grouping = load_grouping(name)
        film = make_film(grouping, config, found.connections, like=films[0].film if films else None)
        films.append(Told(name, grouping.door, film, 1.25))
    return films


def data_of(maps, photo, names=("lab",), name="photo.png", stages=None):
    found = group_maps(maps, COCO_18)
    return found, explain(photo, name, COCO_18, found, told(found, names), stages)


@pytest.fixture(scope="module")
def ideal():
    """Two people on ideal maps: the estimate, and the page's data."""
    photo = np.zeros((480, 640, 3), np.uint8)
    return data_of(PerfectNetwork()(photo), photo)


@pytest.fixture(scope="module")
def crowd():
    """Six people who overlap: the photo's size, and the page's data for two groupings."""
    (scene,) = crowd_scenes(COCO_18, 6, 0.5, 1, 0, Disturbance()).scenes
    maps = scene.maps()
    height, width = (round(side * cell) for side, cell in zip(maps.heatmaps.shape[:2], maps.cell_size))
    photo = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    heatmaps, pafs = maps.heatmaps / 2, maps.pafs / 2
    heatmaps[0], pafs[0], heatmaps[0, 1, 0] = 0, 0, 1
    pafs[0, :4, COCO_18.paf_channels[2]] = (1, 0, -1, 0), (0, 1, 0, -1)  # right, down, left, up
    stages = Stages(
        [(1, heatmaps), (2, maps.heatmaps)], [(1, pafs), (2, maps.pafs)], 2, maps.cell_size, maps.offset, None
    )
    return data_of(maps, cv2.GaussianBlur(photo, (0, 0), 5), ("lab", "openpose_cpu"), stages=stages)


def values(kept, dtype, shape):
    """Read the bytes as the page does: after each 0 stands how many there are."""
    found, place = bytearray(), 0
    text = base64.b64decode(kept["bytes"])
    while place < len(text):
        zeros = text[place + 1] if text[place] == 0 else 0
        found += bytes(zeros) or text[place : place + 1]
        place += 2 if zeros else 1
    return np.frombuffer(bytes(found), dtype).reshape(shape) * kept["scale"]


def test_peaks_lie_on_the_keypoints(ideal):
    found, data = ideal
    assert found.maps.cell_size == (8, 8)
    xy = np.stack([data["peaks"]["x"], data["peaks"]["y"]], axis=1)
    assert len(data["groupings"][0]["people"]) == 2
    for keypoints, ids in zip(found.skeletons.keypoints, found.skeletons.peak_ids):
        np.testing.assert_allclose(xy[ids], keypoints, atol=6e-4)
    nearest = np.linalg.norm(PEOPLE.reshape(-1, 1, 2) - xy, axis=2).min(axis=1)
    assert nearest.max() < 0.5
    np.testing.assert_allclose(data["peaks"]["score"], found.coordinates.score, atol=6e-5)


def test_samples_add_up_to_the_score(ideal, crowd):
    for _, data in (ideal, crowd):
        kept = data["candidates"]
        height = data["maps"]["height"]
        xy = np.stack([data["peaks"]["x"], data["peaks"]["y"]], axis=1)
        compared = 0
        for k, along in enumerate(kept["along"]):
            cells = np.linalg.norm(np.subtract(*xy[[kept["from"][k], kept["to"][k]]])) / data["maps"]["cell"][0]
            points = kept["quadratures"][str(len(along))]
            if 1.01 < cells < height / 2 - 0.01:  # else more than the samples counts
                assert np.dot(along, points["weight"]) / 10_000 == pytest.approx(kept["score"][k], abs=2e-4)
                compared += 1
            agree = np.dot(np.greater(along, 10_000 * COCO_18.sample_threshold), points["weight"])
            assert agree == pytest.approx(kept["agreement"][k], abs=1e-3) or cells < 1.01
            assert (len(along) == COCO_18.long_limb_samples) == (cells > COCO_18.limb_samples)
        assert compared > 30


def test_candidates_and_rows_are_those_of_the_connections(crowd):
    found, data = crowd
    kept, candidates = data["candidates"], found.connections.candidates
    assert kept["limb"] == candidates.limb.tolist()
    assert np.flatnonzero(kept["accepted"]).tolist() == sorted(found.connections.accepted.tolist())
    assert kept["left_out"] == 0
    assert len(data["rows"]) == len(found.connections.accepted)
    scores = [row["score"] for row in data["rows"]]
    assert scores == sorted(scores, reverse=True)


def test_only_so_many_candidates_are_shown(crowd, monkeypatch):
    found, data = crowd
    accepted = len(found.connections.accepted)
    monkeypatch.setattr(explain_data, "MAX_CANDIDATES", accepted + 3)
    few = explain_data.candidates_data(COCO_18, found.connections, found.maps)
    assert sum(few["accepted"]) == accepted
    assert len(few["limb"]) == len(few["along"]) == accepted + 3
    assert few["left_out"] == len(data["candidates"]["limb"]) - accepted - 3


def test_maps_in_eight_bits(ideal):
    found, data = ideal
    kept = data["maps"]
    shape = kept["height"], kept["width"]
    assert shape == found.maps.heatmaps.shape[:2]
    heatmaps = values(kept["heatmaps"], np.uint8, (19, *shape))
    np.testing.assert_allclose(heatmaps, found.maps.heatmaps.transpose(2, 0, 1), atol=1 / 255)
    pafs = values(kept["pafs"], np.int8, (19, 2, *shape))
    neck_to_shoulder = COCO_18.limbs[0]
    np.testing.assert_allclose(pafs[0, 1], found.maps.pafs[:, :, neck_to_shoulder.paf_y], atol=1 / 127)


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        (b"", b""),
        (b"\1\xff", b"\1\xff"),
        (b"\0", b"\0\1"),
        (b"\0\0\7\0", b"\0\2\7\0\1"),
        (bytes(257), b"\0\xff\0\2"),
        (b"\n\0\n", b"\n\0\1\n"),
    ],
)
def test_runs_of_zeros_are_packed(plain, expected):
    assert explain_data.packed(plain) == expected


def flat(value, count):
    return np.full((2, 3, count), value, np.float32)


def test_one_view_has_its_last_stage_from_the_maps():
    pafs = flat(0, 38)
    pafs[1, 2, COCO_18.paf_channels[4]] = -0.5, 0.25
    stages = Stages([(3, flat(0.5, 19))], [(1, pafs), (2, flat(1, 38))], 3, (8, 8), (0, 0.1), None)
    kept = explain_data.stages_data(COCO_18, stages)
    assert kept["heatmaps"] == []
    (first,) = kept["pafs"]
    assert [first[name] for name in ("title", "height", "width", "cell", "offset", "factor")] == [
        "Stage 1 of 3",
        2,
        3,
        [8, 8],
        [0, 0.1],
        1,
    ]
    found = values(first, np.int8, (19, 2, 2, 3))
    np.testing.assert_allclose(found[4, :, 1, 2], (-0.5, 0.25), atol=0.002)
    assert np.count_nonzero(found) == 2
    assert kept["final"] == {"heatmaps": "Stage 3 of 3", "pafs": "Stage 2 of 3"}
    assert kept["views"] is None


def test_several_views_have_all_stages_and_their_mean():
    stages = Stages([(1, flat(0.2, 19)), (2, flat(1, 19))], [(2, flat(1, 38))], 2, (8, 8), (0, 0), "two views")
    kept = explain_data.stages_data(COCO_18, stages)
    assert [[one["title"] for one in kept[kind]] for kind in ("heatmaps", "pafs")] == [
        ["Stage 1 of 2", "Stage 2 of 2"],
        ["Stage 2 of 2"],
    ]
    np.testing.assert_allclose(values(kept["heatmaps"][0], np.uint8, (19, 2, 3)), 0.2, rtol=1e-6)
    assert kept["final"] == {"heatmaps": "Mean of the views", "pafs": "Mean of the views"}
    assert kept["views"] == "two views"


def test_stages_of_large_maps_have_larger_cells(monkeypatch):
    monkeypatch.setattr(explain_data, "MAX_STAGE_CELLS", 4)
    stages = Stages([(1, flat(1, 19)), (2, flat(1, 19))], [(1, flat(1, 38)), (2, flat(1, 38))], 2, (8, 8), (0, 0), None)
    first = explain_data.stages_data(COCO_18, stages)["pafs"][0]
    assert (first["factor"], first["height"], first["width"], first["cell"]) == (2, 1, 2, [16, 16])


class TwoStages(PerfectNetwork):
    """Tells two stages: heatmaps only, then both."""

    def stages(self, photos):
        ((height, width, _),) = (photo.shape for photo in photos)
        self.seen = height
        heatmaps, pafs = (np.ones((1, height // 8, width // 8, count), np.float32) for count in (19, 38))
        return [StageMaps(heatmaps, None), StageMaps(heatmaps, pafs)]


@pytest.mark.parametrize(
    ("views", "title"),
    [
        (Views(240), None),
        (Views(120, (1, 2)), "height 120 times 1, 2"),
        (Views(240, flip=True), "height 240, and mirrored"),
    ],
)
def test_stages_are_those_of_the_largest_view(views, title):
    network, photo = TwoStages(), np.zeros((480, 640, 3), np.uint8)
    maps = average_maps(photo, network, views)
    found = see_stages(photo, network, views, COCO_18, maps)
    assert network.seen == 240
    assert [number for number, _ in found.heatmaps] == [1, 2]
    assert [(number, pafs.shape) for number, pafs in found.pafs] == [(2, (30, 40, 38))]
    assert (found.count, found.cell_size, found.views) == (2, (16, 16), title)


def test_a_network_need_not_tell_its_stages(ideal):
    found, data = ideal
    assert see_stages(np.zeros((480, 640, 3), np.uint8), PerfectNetwork(), Views(480), COCO_18, found.maps) is None
    assert data["stages"]["heatmaps"] == data["stages"]["pafs"] == []
    assert data["stages"]["final"] == {"heatmaps": "The network's maps", "pafs": "The network's maps"}


def test_peaks_lie_in_the_photo():
    photo = np.zeros((356, 636, 3), np.uint8)
    found, data = data_of(compute_maps(photo, EdgeNetwork(), 356), photo)
    xy = np.stack([data["peaks"]["x"], data["peaks"]["y"]], axis=1)
    np.testing.assert_allclose(xy[found.skeletons.peak_ids[0]], found.skeletons.keypoints[0], atol=1e-3)
    assert xy.max(axis=0).tolist() == [635, 355]


def test_large_maps_are_shown_with_larger_cells_in_the_same_place():
    rng = np.random.default_rng(0)
    maps = FieldMaps(
        rng.random((201, 101, 19), np.float32), rng.random((201, 101, 38), np.float32), (4.0, 5.0), (0.5, 0.25)
    )
    kept = explain_data.maps_data(COCO_18, maps)
    assert (kept["factor"], kept["height"], kept["width"]) == (2, 101, 51)
    heatmaps = values(kept["heatmaps"], np.uint8, (19, 101, 51))
    np.testing.assert_allclose(heatmaps[0, 3, 4], maps.heatmaps[6:8, 8:10, 0].mean(), atol=1 / 255)
    np.testing.assert_allclose(heatmaps[0, 100, 50], maps.heatmaps[200, 100, 0], atol=1 / 255)
    # The middle of cells 8 and 9 across, 6 and 7 down, is where the page draws the centre of cell 4, 3.
    middle = cells_to_pixels(np.array([8.5, 6.5]) + maps.offset, maps.cell_size)
    np.testing.assert_allclose(cells_to_pixels(np.array([4, 3]) + kept["offset"], kept["cell"]), middle)


def test_frames_tell_what_changes(crowd):
    _, data = crowd
    for grouping in data["groupings"]:
        people = {}
        for frame in grouping["frames"]:
            for number in frame["gone"]:
                del people[number]
            people.update(frame["people"])
        assert set(people) == {person["number"] for person in grouping["people"]} != set()
        assert grouping["milliseconds"] == 1.25
    assert [grouping["source"] for grouping in data["groupings"]] == ["replayed", "recorded"]


def test_a_large_photo_is_made_smaller_but_positions_stay():
    maps = synthesize(COCO_18, np.empty((0, 18, 2)), (60, 80))
    _, data = data_of(maps, np.zeros((1500, 2000, 3), np.uint8))
    assert (data["photo"]["width"], data["photo"]["height"]) == (2000, 1500)
    kept = base64.b64decode(data["photo"]["uri"].split(",")[1])
    assert cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_COLOR).shape == (960, 1280, 3)
    assert data["peaks"]["x"] == data["candidates"]["limb"] == data["rows"] == data["groupings"][0]["people"] == []
    make_page(data)


def test_the_page_needs_no_network(crowd):
    page = make_page(crowd[1])
    assert re.findall(r"\b(?:src|href|action)\s*=\s*([^\s>;]+)", page) == ['"data:,"', *["data.photo.uri"] * 2]
    assert set(re.findall(r"https?://[^\"'\s]*", page)) == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", page)
    assert "default-src 'none'" in page
    assert len(page) < 5e6


ODD = "</script><script>alert(1)</script>&amp;\u2028'\"{{js}}\udcff.jpg"


def test_names_are_never_markup(ideal):
    page = make_page({**ideal[1], "photo": {**ideal[1]["photo"], "name": ODD}})
    page.encode()
    assert page.count("</script>") == 2
    assert "alert(1)</script>" not in page
    content = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(content)["photo"]["name"] == ODD
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page


@pytest.fixture
def run(call_program, monkeypatch, tmp_path):
    """Run the program on a photo whose maps are ideal: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load_network", lambda *_: PerfectNetwork())
    cv2.imwrite("photo.png", np.zeros((480, 640, 3), np.uint8))
    return partial(call_program, "explain", program.main)


def test_the_whole_program(run):
    Path("mine.py").write_text(MERGE)
    status, out, err = run("photo.png", "--height", 480, "--grouping", "mine.py", "--beside", "optimal")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "photo        photo.png (640x480)",
        "mine.py      2 people; 38 steps, replayed",
        "optimal      2 people; before and after",
    ]
    assert re.fullmatch(r"wrote explain.html \(0\.\d MB\); open it in a browser", lines[3])
    page = Path("explain.html").read_text(encoding="utf-8")
    assert "<title>photo.png" in page
    assert "mine.py" in page


TWICE = f"{MERGE}all_of_them = merge\n\ndef merge(subset, **limits):\n    rows = all_of_them(subset, **limits)\n"
TWICE += "    return rows[[0, *range(len(rows))]] if len(subset) > 5 else rows\n"
"""A merge that returns the first person twice if there are six rows or more."""


def page_data(path="explain.html"):
    text = re.search(r'id="data">(.*?)</script>', Path(path).read_text(encoding="utf-8"), re.DOTALL)[1]
    return json.loads(text)


def test_an_answer_that_breaks_the_contract_has_a_page(run):
    Path("twice.py").write_text(TWICE)
    status, out, err = run("photo.png", "--height", 480, "--grouping", "twice.py", "--beside", "lab")
    assert status == 1
    assert "twice.py     no answer; 38 steps, replayed\nlab          2 people; 38 steps, replayed\nwrote explain" in out
    assert re.fullmatch(
        r"explain: merge in twice.py broke the contract: peak \d+ \(\w+\) is in rows 0 and 1, but a peak belongs to "
        r"one person; the page shows where\n",
        err,
    )
    broken, whole = page_data()["groupings"]
    assert broken["people"] == []
    assert (broken["breach"]["step"], whole["breach"]) == (6, None)
    rows = broken["breach"]["rows"]
    assert [row["broken"] for row in rows[:2]] == [True, True]
    assert not any(row["broken"] for row in rows[2:])
    assert rows[0]["ids"] == rows[1]["ids"]
    assert rows[0]["number"] != rows[1]["number"]
    assert rows[0]["parts"] == f"{len(rows[0]['ids'])}"
    kinds = [frame["kind"] for frame in broken["frames"]]
    assert kinds[5:] == ["breaks", *["not tried"] * 32, "breaks"]
    assert broken["frames"][5]["note"].startswith("With the best 6 rows: merge in twice.py broke the contract: peak ")
    assert broken["frames"][5]["broken"] == sorted(row["number"] for row in rows[:2])


def test_a_crash_has_a_page(run):
    Path("crash.py").write_text("def merge(subset):\n    return 1 / 0\n")
    status, out, err = run("photo.png", "--height", 480, "--grouping", "crash.py", "--beside", "optimal")
    assert status == 1
    assert "crash.py     no answer; 38 steps, replayed\n" in out
    assert (
        err == "explain: merge in crash.py failed: line 2: ZeroDivisionError: division by zero; the page shows where\n"
    )
    broken, whole = page_data()["groupings"]
    assert broken["breach"] == {"sentence": err[9:-23], "step": 1, "rows": [], "left_out": 0}
    assert [frame["kind"] for frame in broken["frames"]] == ["breaks", *["not tried"] * 37, "breaks"]
    assert len(whole["people"]) == 2


def test_the_merge_of_a_notebook(run):
    cells = [{"cell_type": "code", "source": "1 / 0"}, {"cell_type": "code", "source": MERGE + "merge = merge"}]
    Path("lab.ipynb").write_text(json.dumps({"cells": cells}))
    status, out, _ = run("photo.png", "--height", 480, "--grouping", "lab.ipynb", "--beside", "optimal")
    assert status == 0
    assert "lab.ipynb    2 people; 38 steps, replayed" in out
    status, _, err = run("photo.png", "--grouping", "lab.ipynb", "--watch")
    assert status == 1
    assert err.startswith("explain: --watch needs a Python file; in a notebook, run the cell with explain(photo, ")


def test_two_files_of_one_name(run):
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "merge.py").write_text(MERGE)
    out = run("photo.png", "--grouping", "a/merge.py", "--beside", "b/merge.py")[1]
    assert "merge.py (1) 2 people" in out
    assert "merge.py (2) 2 people" in out


@pytest.mark.parametrize(
    ("names", "advice"),
    [(("lab", "optimal"), "give another grouping or another file"), (("lab",), "this archive holds no other grouping")],
)
def test_a_grouping_does_not_stand_beside_itself(run, monkeypatch, names, advice):
    monkeypatch.setattr(program, "GROUPINGS", dict.fromkeys(names))
    status, out, err = run("photo.png", "--beside", LAB_MERGE)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"--grouping and --beside are the same file, {LAB_MERGE}; {advice}" in err


def test_what_could_not_be_told_is_noted(run):
    Path("mine.py").write_text(
        "from estimation.grouping import step\nimport estimation.merge\n\n"
        "def merge(subset):\n    step(1, [])\n    return estimation.merge.merge(subset)\n"
    )
    status, _, err = run("photo.png", "--grouping", "mine.py")
    sentence = "call 1 of step is left out: the limb must be a list or another iterable but is 1"
    assert (status, err) == (0, f"explain: note: mine.py: {sentence}\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.jpg"], "there is no photo none.jpg"),
        (["photo.png", "--output", "none/page.html"], "there is no folder none; make it first"),
        (["photo.png", "--output", "photo.png"], "photo.png is also the photo, and would be overwritten"),
        (["photo.png", "--output", "page.pdf"], "cannot write page.pdf: its name must end in one of .html .htm"),
        (["photo.png", "--beside", "none"], "there is no grouping none; give the path"),
        (["photo.png", "--height", "3"], "the height must be from 32 to 2048 pixels but is 3"),
        (["photo.png", "--grouping", "broken.py"], "the grouping file broken.py cannot be loaded: line 1: "),
    ],
)
def test_what_goes_wrong_is_one_sentence(run, arguments, sentence):
    Path("broken.py").write_text("1 / 0\n")
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("explain.html").exists()


@pytest.mark.slow
def test_the_sample_photo(mobilenet, call_program, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load_network", lambda *_: mobilenet)
    status, out, _ = call_program("explain", program.main, "--beside", "openpose_cpu")
    assert status == 0
    assert "skiers.jpg (640x360)" in out
    assert 200_000 < Path("explain.html").stat().st_size < 2_000_000
    stages = page_data()["stages"]
    assert [one["title"] for one in stages["pafs"]] == [f"Stage {number} of 6" for number in range(1, 7)]
    assert stages["views"] == "height 480 times 0.5, 1"


@pytest.fixture(scope="module")
def others(ideal):
    """Pages of a photo of nobody, of 25 parts without steps to compare, and of names that are no file names."""
    maps = synthesize(COCO_18, np.empty((0, 18, 2)), (60, 80))
    photo = np.zeros((480, 640, 3), np.uint8)
    feet = synthesize(BODY_25, figure(BODY_25)[None] * 40 + (20, 10), (60, 50))
    found = group_maps(feet, BODY_25, load_grouping("optimal"))
    found_people = ideal[0]

    def repeated(subset):
        return np.repeat(found_people.subset, 2, axis=0) * np.where(np.arange(20) == 18, np.nan, 1)

    film = make_film(load_grouping(repeated), COCO_18, found_people.connections)
    return {
        "broken": explain(photo, "broken", COCO_18, found_people, [Told("repeated", "merge", film, 0)]),
        "nobody": data_of(maps, photo)[1],
        "feet": explain(photo, "feet", BODY_25, found, told(found, ("optimal", "lab"), BODY_25)),
        "odd": {**ideal[1], "photo": {**ideal[1]["photo"], "name": ODD}},
    }


@pytest.fixture(scope="module")
def verdicts(crowd, others, tmp_path_factory):
    """What explain_checks.js finds at each width, what the other pages say, and what the browser complains of."""
    if BROWSER is None:
        pytest.skip("no chromium, chromium-browser or google-chrome to open the page in")
    folder = tmp_path_factory.mktemp("browser")
    early = (
        "<script>window.problems = [];"
        "for (const kind of ['error', 'unhandledrejection', 'securitypolicyviolation'])"
        " addEventListener(kind, (event) => problems.push(kind + ' ' + (event.message || event.reason || '')), true);"
        "console.error = console.warn = (...what) => problems.push(what.join(' '));</script>"
    )
    pages = {"crowd": (crowd[1], CHECKS), **{name: (data, EVERY_KEY) for name, data in others.items()}}
    for name, (data, script) in pages.items():
        page = make_page(data).replace("<title>", f"{early}<title>", 1)
        page = page.replace("</body>", f"<script>{script.replace('NAME', name)}</script></body>")
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    shown = [*(("crowd", width) for width in WIDTHS), *((name, 700) for name in others)]
    frames = "".join(
        f'<iframe src="{name}.html" style="width:{width}px;height:800px;border:0"></iframe>' for name, width in shown
    )
    (folder / "frames.html").write_text(
        "<body><script>const all = {}; addEventListener('message', ({ data }) => { all[data.name] = data.found;"
        " document.querySelector('#verdict').textContent = JSON.stringify(all); });</script>"
        f"<pre id=verdict>{{}}</pre>{frames}"
    )
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=6000", "--dump-dom"]
    done = subprocess.run(
        [*command, (folder / "frames.html").as_uri()], capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    verdict = re.search(r'<pre id="verdict">(.*?)</pre>', done.stdout, re.DOTALL)
    assert verdict, done.stderr[-2000:]
    return json.loads(html.unescape(verdict[1])), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.slow
def test_the_page_works_in_a_browser(verdicts, width):
    found, complaints = verdicts
    assert complaints == []
    assert {name: verdict for name, verdict in found[f"crowd {width}"].items() if verdict is not True} == {}
    assert len(found[f"crowd {width}"]) == CHECKS.count("await check(") > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["broken", "nobody", "feet", "odd"])
def test_pages_of_other_kinds_say_nothing_wrong(verdicts, name):
    found, complaints = verdicts
    assert complaints == []
    assert found[name] == {"problems": [], "ready": "yes"}
