import json

import pytest

from openpose_lab.benchmark import start, variants
from openpose_lab.benchmark.table import Row, Table
from openpose_lab.benchmark.timing import Timing
from openpose_lab.commands import benchmark
from openpose_lab.networks import loading
from tests.openpose_lab.conftest import ANNOTATIONS
from tests.support.extras import needs


@pytest.fixture
def program(call_program):
    return lambda *options: call_program("benchmark", benchmark.main, *options)


@pytest.fixture
def measured(monkeypatch):
    """Every part takes no time; a list of the parts that were measured, each with its number of runs."""
    found = []

    def measure(options, repeat, part):
        found.append((part, repeat))
        return Table(part, part.title(), ("what",), "ms", [Row((part,), Timing((0.001,)))])

    for part in benchmark.REPEATS:
        monkeypatch.setattr(
            benchmark, f"measure_{part}", lambda options, repeat, part=part: measure(options, repeat, part)
        )
    return found


def test_all_parts_are_measured_in_order(program, measured):
    status, out, _ = program()
    assert status == 0
    assert measured == list(benchmark.REPEATS.items())
    assert out.index("Network") < out.index("Stages") < out.index("Start") < out.index("Photos")
    assert " cores" in out.splitlines()[0]


def test_only_some_parts_are_measured(program, measured):
    assert program("--only", "photos", "stages", "--repeat", 3)[0] == 0
    assert measured == [("stages", 3), ("photos", 3)]


def test_json_and_markdown(program, measured, tmp_path):
    files = tmp_path / "found.json", tmp_path / "found.md"
    status, out, _ = program("--only", "stages", "--json", files[0], "--markdown", files[1])
    assert status == 0
    assert out.endswith(f"\nwrote {files[0]}\nwrote {files[1]}\n")
    found = json.loads(files[0].read_text())
    assert found.keys() == {"command", "machine", "parts"}
    assert found["command"].startswith("openpose-lab benchmark --only stages --json ")
    assert found["machine"].keys() == {"processor", "cores", "computes_in", "system", "busy", "versions"}
    (row,) = found["parts"]["stages"]["rows"]
    assert row == {
        "what": "stages",
        "count": 1,
        "seconds": [0.001],
        "median": 0.001,
        "low": 0.001,
        "high": 0.001,
    }
    page = files[1].read_text()
    assert page.startswith("```\nopenpose-lab benchmark --only stages ")
    assert "| stages | 1.00 | 1.00 to 1.00 |" in page


def test_the_report_goes_to_the_standard_error_if_json_takes_the_output(program, measured):
    status, out, err = program("--only", "stages", "--json", "-")
    assert (status, out) == (0, "")
    assert "| " not in err
    assert "Stages" in err


def test_a_part_that_fails_is_a_line_and_the_others_go_on(program, measured, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(loading, "weights_here", lambda name: None)
    status, out, _ = program("--only", "photos", "stages", "--people", 1, "--repeat", 1, "--networks", "vgg19")
    assert status == 0
    assert "The part photos cannot be measured\n  the weights of vgg19 are missing" in out
    assert "The stages after the network" in out


def test_networks_without_weights_are_lines(program, monkeypatch):
    monkeypatch.setattr(variants, "weights_here", lambda name: None)
    status, out, _ = program("--only", "network", "--networks", "vgg19", "body25")
    assert status == 0
    assert "vgg19 is left out: " in out
    assert "body25 is left out: " in out


def test_the_stages_can_be_measured_alone(program):
    status, out, err = program("--only", "stages", "--people", 2, "--repeat", 1)
    assert (status, err.strip()) == (0, "")
    assert "coordinates" in out


def test_the_start_part_times_commands(program, monkeypatch):
    monkeypatch.setattr(start, "run_process", lambda command: (0.5, 123_000_000))
    status, out, _ = program("--only", "start", "--repeat", 1)
    assert status == 0
    assert "the demo, first run" in out
    assert "0.50  0.50 to 0.50       123 MB" in out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--repeat", 0], "--repeat must be from 1 to 10000 but is 0"),
        (["--people", 5, 0], "--people must be from 1 to 200 but is 0"),
        (["--seed", -1], "--seed must be from 0 to 4294967295 but is -1"),
        (["--annotations", "a.json"], "--annotations needs the folder of the photos; give it with --images"),
        (["--images", "no-such-folder"], "cannot read the folder no-such-folder: "),
        (["--json", "no-such-folder/found.json"], "no-such-folder"),
    ],
)
def test_wrong_options_are_one_sentence(program, measured, options, sentence):
    status, out, err = program(*options)
    assert (status, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert measured == []


@needs("pycocotools")
def test_annotations_that_do_not_fit_are_found_before_anything_is_measured(program, measured, annotations, tmp_path):
    status, _, err = program("--images", tmp_path, "--annotations", annotations(ANNOTATIONS))
    assert status == 1
    assert "photo.png" in err
    assert measured == []


@pytest.mark.slow
def test_the_default_network_is_measured(program, tmp_path):
    found = tmp_path / "found.json"
    options = ("--only", "network", "photos", "stages", "--networks", "lightweight", "--repeat", 1, "--json", found)
    status, out, _ = program(*options)
    assert status == 0
    rows = json.loads(found.read_text())["parts"]["network"]["rows"]
    assert {row["network"] for row in rows} == {"lightweight"}
    assert not any(row["wrong"] for row in rows if row["runtime"] in ("openvino", "keras")), out
    assert len(json.loads(found.read_text())["parts"]["photos"]["rows"]) == 4
