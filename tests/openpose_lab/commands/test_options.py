"""Every program's options, and the thresholds that ``--set`` changes."""

import importlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from estimation.config import COCO_18
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.grouping import load_grouping, run_merge
from estimation.quality import QUALITIES, Views
from openpose_lab.__main__ import command_names
from openpose_lab.commands.options import (
    add_measuring_options,
    add_network_options,
    add_scale_option,
    apply_settings,
    chosen_views,
    make_parser,
    output_path,
    warn_of_unused_settings,
)
from openpose_lab.evaluation.completion import Completion
from openpose_lab.formats import FORMATS
from openpose_lab.networks import DEFAULT_NETWORK, NETWORKS, loading
from openpose_lab.networks.importers import npz
from openpose_lab.networks.loading import load_network
from openpose_lab.networks.reading import read_weights
from openpose_lab.networks.runtimes.base import BatchMaps, RuntimeSpec
from tests.conftest import ROOT

SIGNATURES = [(name, *spec.signature) for name, spec in NETWORKS.items() if spec.signature]
VIEWS = {"--quality", "--height", "--scales", "--flip"}
NETWORK = {"--network", "--weights", "--runtime", "--precision", *VIEWS}
PHOTOS = {"--images", "--annotations", *NETWORK}
CROWDS = {
    "--people",
    "--overlap",
    "--scenes",
    "--seed",
    "--skeletons",
    "--noise",
    "--missing",
    "--doubled",
    "--crossing",
}
OPTIONS = {
    "image": {
        "--output",
        "--json",
        "--csv",
        "--parquet",
        "--coco",
        "--keypoint-scale",
        "--no-draw",
        "--recursive",
        "--resume",
        "--overwrite",
        "--image-format",
        "--rotate",
        "--max-people",
        "--blank",
        "--blur-faces",
        "--grouping",
        "--set",
        *NETWORK,
    },
    "evaluate": {
        *{
            "--grouping",
            "--no-guesses",
            "--limit",
            "--breakdown",
            "--worst",
            "--results",
            "--json",
            "--photos-csv",
            "--predictions",
            "--only-predictions",
            "--set",
        },
        *PHOTOS,
    },
    "compare-groupings": {"--grouping", "--only", "--csv", "--plot", "--crowds", "--set", *CROWDS, *PHOTOS},
    "compare-refinements": {"--set", *PHOTOS},
    "check-merge": {"--all", "--case", "--hint", "--list", "--seconds", "--watch"},
    "explain": {"--beside", "--grouping", "--output", "--set", "--watch", *NETWORK},
    "handout": {"--out", "--gradescope", "--points", "--seconds", "--memory"},
    "report": {"--out", "--photos"},
    "grade": {"--out", "--one", "--format", "--points", "--jobs", "--seconds", "--memory", "--excel", *PHOTOS},
    "train": {
        *{"--images", "--annotations", "--limit", "--layout"},
        *{"--validate-images", "--validate-annotations", "--validate-every"},
        *{"--teacher", "--teacher-weights", "--teacher-quality", "--teacher-share", "--unlabelled"},
        *{"--network", "--weights", "--front", "--freeze"},
        *{"--side", "--augment", "--scale", "--sigma", "--limb-width"},
        *{"--epochs", "--batch", "--optimizer", "--rate", "--workers", "--seed", "--mixed", "--deterministic"},
        *{"--out", "--checkpoint-every", "--resume", "--log", "--tensorboard", "--preview"},
    },
    "weights": set(),
    "weights list": set(),
    "weights fetch": set(),
    "weights import": {"--network", "--out", "--float16"},
    "weights verify": set(),
    "fetch-photos": {"--out"},
    "benchmark": {
        "--only",
        "--networks",
        "--repeat",
        "--video",
        "--images",
        "--annotations",
        "--people",
        "--seed",
        "--json",
        "--markdown",
    },
}
"""What users' scripts rely on: an option may be added here, but none may go. Each output format adds its own."""


def help_of(command, capsys):
    name, *rest = command.split()
    module = importlib.import_module(f"openpose_lab.commands.{name.replace('-', '_')}")
    with pytest.raises(SystemExit) as stopped:
        module.main([*rest, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", OPTIONS)
def test_every_program_has_its_options(command, capsys):
    text = help_of(command, capsys)
    usage = text.split("\n\n")[0]
    offered = set(re.findall(r"--[a-z][a-z0-9-]*", usage))
    added = {f"--{name}" for name in FORMATS} if command == "image" else set()
    assert OPTIONS[command] <= offered <= OPTIONS[command] | added


@pytest.mark.parametrize("command", command_names())
def test_help_has_an_example(command, capsys):
    text = help_of(command, capsys)
    assert re.search(rf"^examples?:\n  .*(openpose-lab|openpose_lab {command})", text, re.MULTILINE)


def test_no_program_of_the_list_is_gone():
    assert {command.split()[0] for command in OPTIONS} <= set(command_names())


def test_the_usage_lists_all_programs():
    done = subprocess.run([sys.executable, "-m", "openpose_lab", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for name, summary in command_names().items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", done.stdout, re.MULTILINE)
        assert summary.endswith(".")
        assert len(summary) <= 90, f"the first paragraph of {name} is its line in the list; make it one short sentence"


def test_an_option_that_programs_share_is_defined_once():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "openpose_lab" / "commands").glob("*.py")]
    defined = [option for text in sources for option in re.findall(r'\badd(?:_argument)?\(\s*"(--[a-z-]+)"', text)]
    shared = {"--network", "--weights", *VIEWS, "--images", "--annotations", "--seconds", "--memory", "--set"}
    assert {option: defined.count(option) for option in shared - {"--network"}} == dict.fromkeys(
        shared - {"--network"}, 1
    )
    assert defined.count("--network") == 2  # that of `weights import` says what a file is for, and has no default


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nosuchphoto.jpg"], "there is no photo or folder nosuchphoto.jpg; check the path"),
        (["image", "nosuchphoto.jpg"], "there is no photo or folder nosuchphoto.jpg; check the path"),
        (["image", "evaluate"], "there is no photo or folder evaluate; check the path"),
        (["evalute", "--images", "x"], "there is no command and no photo evalute; did you mean evaluate?"),
        (["Check_Merges"], "there is no command and no photo Check_Merges; did you mean check-merge?"),
        (["xyz"], "there is no command and no photo xyz; `openpose-lab --help` lists the commands"),
        (["./xyz"], "there is no command and no photo xyz; `openpose-lab --help` lists the commands"),
    ],
)
def test_what_is_no_command_is_a_photo(arguments, sentence, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = {arguments!r}; "
         "from openpose_lab.__main__ import main; sys.exit(main())"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"openpose-lab: {sentence}\n"


def test_thresholds_are_set_by_name():
    config, completion = apply_settings(
        ["peak_threshold=0.1", "completion_reach=2e-1", "min_num_body_parts=3"], COCO_18, Completion()
    )
    assert (config.peak_threshold, config.min_num_body_parts) == (0.1, 3)
    assert completion.completion_reach == 0.2
    assert COCO_18.peak_threshold == 0.05


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("peak_threshold", "--set peak_threshold must be NAME=VALUE, such as peak_threshold=0.1"),
        (
            "peak_treshold=1",
            "--set peak_treshold=1: no threshold is named 'peak_treshold'; choose from min_photo_side, ",
        ),
        ("peak_threshold=high", "--set peak_threshold=high: 'high' is not a number"),
        ("min_agreement=80", "--set min_agreement=80: min_agreement must be a number from 0 to 1 but is 80"),
        ("limb_samples=2.5", "--set limb_samples=2.5: limb_samples must be a whole number from 1 to 1000 but is 2.5"),
        ("layout=COCO_18", "--set layout=COCO_18: no threshold is named 'layout'"),
    ],
)
def test_a_wrong_setting_is_one_sentence(setting, sentence):
    with pytest.raises(OpenPoseLabError) as error:
        apply_settings([setting], COCO_18)
    assert str(error.value).startswith(sentence)


def test_parsers_are_made_in_one_place():
    for path in (ROOT / "openpose_lab" / "commands").glob("*.py"):
        if path.name != "options.py":
            assert "ArgumentParser(" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize(
    ("setting", "used", "other"),
    [
        ("min_parts=12", "hungarian", "lab"),
        ("min_mean_score=1", "hungarian", "lab"),
        ("min_num_body_parts=12", "lab", "hungarian"),
        ("min_score=1", "lab", "hungarian"),
        ("tie=3", "spanning_tree", "lab"),
    ],
)
def test_a_threshold_that_the_grouping_does_not_use_is_told(setting, used, other, recwarn):
    warn_of_unused_settings([setting, "peak_threshold=0.1"], [load_grouping(used), load_grouping(other)])
    warn_of_unused_settings([setting], [load_grouping(used)])
    assert not recwarn
    with pytest.warns(OpenPoseLabWarning, match=f"--set {setting} has no effect: .* is for "):
        warn_of_unused_settings([setting], [load_grouping(other)])


def test_a_merge_gets_the_limits_that_it_takes(tmp_path):
    with pytest.warns(OpenPoseLabWarning, match="no effect: merge in .* has no argument min_score"):
        warn_of_unused_settings(["min_score=1"], [load_grouping(lambda subset: subset)])
    got = {}

    def merge(subset, **limits):
        got.update(limits)
        return subset[:0]

    run_merge(load_grouping(merge), replace(COCO_18, min_score=1.0), np.empty((0, 20)))
    assert got == {"min_score": 1.0}


@pytest.fixture(params=[add_network_options, add_measuring_options], ids=["photo", "photos"])
def network_of(request):
    """The network that a program with these options uses."""
    parser = make_parser("any", None, "")
    request.param(parser)

    def network_of(*options):
        photos = ["--images", "any", "--annotations", "any"] if request.param is add_measuring_options else []
        return parser.parse_args([*photos, *map(str, options)]).network

    return network_of


@pytest.mark.parametrize(("network", "variable", "shape"), SIGNATURES)
def test_the_network_of_the_weights_is_recognised(network_of, tmp_path, network, variable, shape):
    np.savez(tmp_path / "a.npz", **{variable: np.zeros(shape)})
    assert network_of("--weights", tmp_path / "a.npz") == network
    assert network_of("--weights", tmp_path / "a.npz", "--network", "vgg19") == "vgg19"
    assert network_of() == DEFAULT_NETWORK


def test_weights_of_no_known_network_need_its_name(network_of, tmp_path):
    np.savez(tmp_path / "a.npz", **{"first/kernel": np.zeros(3)})
    with pytest.raises(
        OpenPoseLabError, match=r"a.npz .* fits no network of this project: .*add --network NAME to see what does"
    ):
        network_of("--weights", tmp_path / "a.npz")
    assert network_of("--weights", tmp_path / "a.npz", "--network", "vgg19") == "vgg19"


@pytest.mark.parametrize("program", ["image", "evaluate", "explain", "grade", "compare-groupings"])
def test_every_program_recognises_the_network_of_the_weights(tmp_path, program):
    np.savez(tmp_path / "a.npz", **{"Mconv7_stage3_L2/bias": np.zeros(52)})
    module = importlib.import_module(f"openpose_lab.commands.{program.replace('-', '_')}")
    arguments = ["--weights", str(tmp_path / "a.npz"), "--images", "any", "--annotations", "any"]
    if program in ("image", "explain"):
        arguments = arguments[:2]
    if program == "grade":
        arguments.insert(0, "folder")
    options = module.parse_options(arguments, *(["demo"] if program == "image" else []))
    assert options.network == "body25"


def test_a_file_is_read_once_to_recognise_and_to_load_its_network(tmp_path, monkeypatch):
    reads, loaded = [], []

    class Zeros:
        def run(self, batch):
            height, width = batch.shape[1] // 8, batch.shape[2] // 8
            return BatchMaps(*(np.zeros((len(batch), height, width, channels), np.float32) for channels in (26, 52)))

    def load(spec, weights, precision):
        loaded.append(read_weights(weights)[1].arrays["Mconv7_stage3_L2/bias"][0])
        return Zeros()

    def counted(path, read=npz.read):
        reads.append(path)
        return read(path)

    monkeypatch.setattr(npz, "read", counted)
    monkeypatch.setattr(loading, "find_runtime", lambda _: RuntimeSpec("zeros", load))
    path = tmp_path / "a.npz"
    np.savez(path, **{"Mconv7_stage3_L2/bias": np.zeros(52)})
    parser = make_parser("any", None, "")
    add_network_options(parser)
    options = parser.parse_args(["--weights", str(path)])
    load_network(options.network, options.weights, "zeros")
    assert reads == [path]
    load_network("body25", path, "zeros")  # it is not kept for ever
    assert reads == 2 * [path]
    parser.parse_args(["--weights", str(path)])
    np.savez(path, **{"Mconv7_stage3_L2/bias": np.ones(52), "another/bias": np.zeros(1)})
    load_network("body25", path, "zeros")  # nor if the file changes
    assert reads == 4 * [path]
    assert loaded == [0, 0, 1]


@pytest.fixture
def views_of(capsys):
    """The views of a program with the options of a network."""
    parser = make_parser("any", None, "")
    add_network_options(parser)
    return lambda *options: chosen_views(parser.parse_args(options))


@pytest.mark.parametrize(
    ("options", "views"),
    [
        ((), QUALITIES["balanced"]),
        (("--network", "vgg19"), QUALITIES["fast"]),
        (("--network", "vgg19", "--quality", "best"), QUALITIES["best"]),
        (("--height", "480"), Views(480)),
        (("--scales", "0.5", "1"), Views(368, (0.5, 1))),
        (("--flip", "--network", "vgg19"), Views(368, flip=True)),
    ],
)
def test_the_views_that_options_ask_for(views_of, options, views):
    assert views_of(*options) == views


def test_options_of_views_that_do_not_go_together_are_one_sentence(views_of, capsys):
    sentence = "quality fast stands for height, scales and flip together; give it or height and flip, not both"
    with pytest.raises(OpenPoseLabError, match=sentence):
        views_of("--quality", "fast", "--height", "368", "--flip")
    with pytest.raises(OpenPoseLabError, match="there is no network 'none'"):
        views_of("--network", "none")
    with pytest.raises(SystemExit):
        views_of("--quality", "good")
    assert "argument --quality: invalid choice: 'good'" in capsys.readouterr().err


def test_slow_networks_are_fast_by_default():
    assert {name for name, spec in NETWORKS.items() if spec.quality == "fast"} >= {"vgg19", "vgg19_mpi", "body25"}
    assert NETWORKS[DEFAULT_NETWORK].quality == "balanced"
    assert {spec.quality for spec in NETWORKS.values()} <= QUALITIES.keys()


def parse(*arguments):
    parser = make_parser("demo", None, "")
    parser.add_argument("--height", type=int)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--json", type=output_path)
    parser.add_argument_group("photos").add_argument("--images", type=Path)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--height", "\x1b[31m"], r"argument --height: invalid int value: '\x1b[31m'"),
        (["--\x1b[2J\n" + "x" * 100_000], r"unrecognized arguments: --\x1b[2J xxx"),
        (["--weights", ""], "argument --weights: the path is empty; give one, such as ./name"),
        (["--images", ""], "argument --images: the path is empty; give one"),
        (["--json", ""], "argument --json: the path is empty; give one"),
    ],
)
def test_what_the_parser_refuses_is_one_safe_line(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse(*arguments)
    assert stopped.value.code == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith(f"demo: error: {sentence}")
    assert len(last) < 620


def test_a_hyphen_is_the_standard_output():
    assert parse("--json", "-").json == Path("/dev/stdout")
    assert parse("--weights", "-").weights == Path("-")


@pytest.mark.parametrize("arguments", [["--keypoint-scale", "-1..1"], ["--keypoint-scale=-1..1"]])
def test_a_scale_that_begins_with_a_minus_is_no_option(arguments):
    parser = make_parser("any", None, "")
    add_scale_option(parser)
    assert parser.parse_args(arguments).keypoint_scale == "-1..1"


@pytest.mark.parametrize("arguments", [["-1..1"], ["--", "-1..1"]])
def test_a_range_is_joined_to_options_only(arguments):
    parser = make_parser("any", None, "")
    add_scale_option(parser)
    parser.add_argument("photo", nargs="?")
    if arguments[0] == "--":
        assert parser.parse_args(arguments).photo == "-1..1"
    else:
        with pytest.raises(SystemExit):
            parser.parse_args(arguments)
