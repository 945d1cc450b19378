"""The OpenVINO runtime: its maps are Keras's, or those of the published INT8 graph, whatever happens to its files."""

import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from estimation.layouts import LAYOUTS
from estimation.photos import read_photo
from openpose_lab.extras import is_installed
from openpose_lab.kept_files import _seal
from openpose_lab.networks.catalogue import NETWORKS
from openpose_lab.networks.loading import find_weights, load_network
from openpose_lab.networks.runtimes import openvino
from openpose_lab.networks.runtimes.openvino_loading import load_openvino
from openpose_lab.networks.spec import NetworkSpec
from openpose_lab.networks.storage import encode
from openpose_lab.paths import weights_folder
from tests.conftest import ROOT
from tests.support.extras import needs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed("openvino"), reason="needs openvino, which has no wheel for this system"),
]
TOLERANCE = 1e-4  # of the largest value of a map


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where graphs are kept, empty at first."""
    monkeypatch.setattr(openvino, "FOLDER", tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def scratch():
    """A folder for large files, which is not left to pytest: it keeps those of the last runs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


def batches():
    """Photos of two sizes, and several of one."""
    photo = read_photo(ROOT / "images" / "people.jpg")
    small = [cv2.resize(photo[:, left : left + 512], (104, 96)) for left in (0, 200, 500)]
    return [cv2.resize(photo, (256, 128))[None], small[0][None], np.stack(small)]


def assert_same(found, expected, tolerance=TOLERANCE):
    assert (found is None) == (expected is None)
    if found is not None:
        assert found.dtype == expected.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def assert_same_network(found, expected):
    """The maps of two runtimes are the same: those of the last stage, and those of every stage."""
    for batch in batches():
        ours, theirs = found.run(batch), expected.run(batch)
        assert_same(ours.heatmaps, theirs.heatmaps)
        assert_same(ours.pafs, theirs.pafs)
        stages, their_stages = found.run_stages(batch), expected.run_stages(batch)
        assert len(stages) == len(their_stages)
        for stage, their_stage in zip(stages, their_stages):
            assert_same(stage.heatmaps, their_stage.heatmaps)
            assert_same(stage.pafs, their_stage.pafs)


def with_random_weights(name):
    """A network's Keras model, with weights that keep the spread of values from layer to layer."""
    model = NETWORKS[name].build(NETWORKS[name].layout)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name == "kernel":
                spread = np.sqrt(2 / np.prod(variable.shape[:-1]))
                variable.assign(spread * rng.standard_normal(variable.shape, np.float32))
            elif variable.name == "bias":
                variable.assign(0.05 * rng.standard_normal(variable.shape, np.float32))
    return model


@needs("tensorflow")
@needs("h5py")
@pytest.mark.parametrize("name", ["vgg19", "vgg19_mpi", "body25"])
def test_maps_are_those_of_keras(name, scratch, monkeypatch):
    from openpose_lab.networks.runtimes.keras import KerasRuntime

    model = with_random_weights(name)
    (scratch / "w.weights.h5").write_bytes(encode(model, name, half=False))
    monkeypatch.setattr(openvino, "FOLDER", scratch / "cache")
    runtime = openvino.load(NETWORKS[name], scratch / "w.weights.h5")
    for maps in vars(runtime.run(batches()[0])).values():
        assert 0.1 < np.abs(maps).max() < 100  # of a size where a difference shows
    assert_same_network(runtime, KerasRuntime(model))


@needs("tensorflow")
@needs("h5py")
def test_maps_of_mobilenet_are_those_of_keras_from_either_file(mobilenet, wheel, folder):
    spec, path = NETWORKS["mobilenet_thin"], find_weights("mobilenet_thin")
    keras = load_network("mobilenet_thin", path, "keras").runtime
    assert_same_network(openvino.load(spec, path), keras)
    assert_same_network(openvino.load(spec, wheel), keras)


@needs("tensorflow")
def test_maps_of_lightweight_in_floats_are_those_of_keras(folder):
    path = find_weights("lightweight")
    keras = load_network("lightweight", path, "keras").runtime
    assert_same_network(openvino.load(NETWORKS["lightweight"], path, "f32"), keras)


def sample(height):
    photo = read_photo(ROOT / "images" / "skiers.jpg")
    width = round(photo.shape[1] * height / photo.shape[0] / 8) * 8
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("precision", [None, "int8"])
def test_int8_maps_are_those_of_the_published_graph(folder, precision):
    """OpenVINO reads the file as it is, for photos of one size."""
    load_openvino()
    import openvino as ov

    runtime = openvino.load(NETWORKS["lightweight"], find_weights("lightweight"), precision)
    core = ov.Core()
    for height in (184, 368):
        photo = sample(height)
        graph = core.read_model(find_weights("lightweight"))
        graph.reshape([1, 3, *photo.shape[:2]])
        compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        outputs = compiled(photo.transpose(2, 0, 1)[None].astype(np.float32))
        published = {maps.shape[1]: maps.transpose(0, 2, 3, 1) for maps in outputs.values()}
        maps = runtime.run(photo[None])
        assert_same(maps.heatmaps, published[19])
        assert_same(maps.pafs, published[38])
        *_, last = runtime.run_stages(photo[None])
        assert_same(last.heatmaps, published[19])
        assert_same(last.pafs, published[38])


@needs("tensorflow")
def test_int8_maps_are_near_those_in_floats(folder):
    weights = find_weights("lightweight")
    photo = sample(368)[None]
    int8 = openvino.load(NETWORKS["lightweight"], weights).run(photo)
    floats = openvino.load(NETWORKS["lightweight"], weights, "f32").run(photo)
    for found, expected in ((int8.heatmaps[..., :18], floats.heatmaps[..., :18]), (int8.pafs, floats.pafs)):
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.985  # 0.994 and 0.991 were measured
        assert 0.01 < np.abs(found - expected).max() < 0.4  # 0.11 and 0.26: so INT8 is another precision


def hint(runtime):
    return str(runtime._last_stage.get_property("INFERENCE_PRECISION_HINT"))


@needs("tensorflow")
def test_only_bf16_computes_in_bf16(tiny, folder):
    """Where a processor can, OpenVINO itself would choose bf16."""
    assert "float32" in hint(openvino.load(NETWORKS["lightweight"], find_weights("lightweight")))
    assert "float32" in hint(openvino.load(tiny.spec, tiny.path))
    import openvino as ov

    if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        runtime = openvino.load(tiny.spec, tiny.path, "bf16")
        assert "bfloat16" in hint(runtime)
        assert_same(runtime.run(tiny.batch).pafs, tiny.expected(), 0.02)


# A network of one layer, which is quick to convert


@pytest.fixture
def tiny(tmp_path):
    """Its spec, its weights file, a photo, and the PAFs that it gives for it."""

    rng = np.random.default_rng(0)
    arrays = {}
    for kind, channels in (("pafs", 38), ("heatmaps", 19)):
        arrays[f"{kind}/kernel"] = rng.standard_normal((8, 8, 3, channels), np.float32) / 100
        arrays[f"{kind}/bias"] = rng.standard_normal(channels, np.float32)
    path = tmp_path / "tiny.npz"
    np.savez(path, **arrays)
    batch = rng.integers(0, 256, (1, 16, 24, 3)).astype(np.uint8)

    def expected(arrays=arrays):
        cells = batch.reshape(1, 2, 8, 3, 8, 3).astype(np.float32) / 255
        maps = np.einsum("nyixjc,ijcp->nyxp", cells, arrays["pafs/kernel"]) + arrays["pafs/bias"]
        return maps.astype(np.float32)

    spec = NetworkSpec("tiny", LAYOUTS["COCO_18"], "bgr", _build_tiny, "features")
    return SimpleNamespace(spec=spec, path=path, batch=batch, arrays=arrays, expected=expected)


def _build_tiny(layout):
    import keras

    photo = keras.Input((None, None, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(photo)
    outputs = {
        f"stage1_{kind}": keras.layers.Conv2D(channels, 8, strides=8, name=kind)(scaled)
        for kind, channels in (("pafs", layout.paf_count), ("heatmaps", layout.heatmap_count))
    }
    return keras.Model(photo, outputs, name="tiny")


def assert_right(tiny, arrays=None):
    runtime = openvino.load(tiny.spec, tiny.path)
    expected = tiny.expected() if arrays is None else tiny.expected(arrays)
    assert_same(runtime.run(tiny.batch).pafs, expected)


@pytest.fixture
def no_conversion(monkeypatch):
    """From now on, nothing may be converted again."""
    return lambda: monkeypatch.setattr(openvino, "read_weights", lambda *_: pytest.fail("converted again"))


@needs("tensorflow")
def test_weights_are_converted_once(tiny, folder, no_conversion):
    assert_right(tiny)
    assert len(list(folder.iterdir())) == 2  # the graph, and the compiled one
    no_conversion()
    assert_right(tiny)
    runtime = openvino.load(tiny.spec, tiny.path)
    assert_same(runtime.run_stages(tiny.batch)[0].pafs, tiny.expected())


@needs("tensorflow")
def test_changed_weights_are_converted_again(tiny, folder):
    assert_right(tiny)
    changed = {**tiny.arrays, "pafs/bias": tiny.arrays["pafs/bias"] + 1}
    np.savez(tiny.path, **changed)
    assert_right(tiny, changed)


@needs("tensorflow")
@pytest.mark.parametrize("when", ["before it is read", "before all stages are asked for"])
def test_weights_that_change_while_they_are_used_are_noticed(tiny, folder, monkeypatch, when):
    def change():
        np.savez(tiny.path, **{**tiny.arrays, "pafs/bias": tiny.arrays["pafs/bias"] + 1})

    if when == "before it is read":
        read = openvino.read_weights
        monkeypatch.setattr(openvino, "read_weights", lambda path: (change(), read(path))[1])
        with pytest.raises(OpenPoseLabError, match="tiny.npz changed while it was read; run again when it is complete"):
            openvino.load(tiny.spec, tiny.path)
        assert not folder.exists()
    else:
        runtime = openvino.load(tiny.spec, tiny.path)
        change()
        with pytest.raises(OpenPoseLabError, match="tiny.npz changed while it was read"):
            runtime.run_stages(tiny.batch)


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def damage_changed(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def sealed(path, content):
    path.write_bytes(_seal(path.name, content) + content)


DAMAGES = {
    "truncated": damage_truncated,
    "changed": damage_changed,
    "empty": lambda path: path.write_bytes(b""),
    "nothing, sealed": lambda path: sealed(path, b""),
    "garbage, sealed": lambda path: sealed(path, bytes(range(256)) * 50),
    "half of it, sealed": lambda path: sealed(path, path.read_bytes()[32:5000]),
}


@needs("tensorflow")
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_made_again(tiny, folder, damage, no_conversion):
    assert_right(tiny)
    kept = set(folder.iterdir())
    for path in kept:
        DAMAGES[damage](path)
    assert_right(tiny)
    assert set(folder.iterdir()) == kept
    no_conversion()
    assert_right(tiny)
    max(kept, key=lambda path: path.stat().st_size).unlink()  # the graph or the compiled one: either will do
    assert_right(tiny)


@needs("tensorflow")
def test_files_of_another_network_are_not_taken(tiny, folder):
    assert_right(tiny)
    before = set(folder.iterdir())
    changed = {**tiny.arrays, "pafs/bias": tiny.arrays["pafs/bias"] + 1}
    np.savez(tiny.path, **changed)
    assert_right(tiny, changed)
    sizes = [sorted(files, key=lambda path: path.stat().st_size) for files in (before, set(folder.iterdir()) - before)]
    for path, other in zip(*sizes):
        shutil.copy(path, other)
    assert_right(tiny, changed)


@needs("tensorflow")
def test_without_a_place_to_keep_them_the_work_goes_on(tiny, folder):
    folder.write_text("no folder")
    sentence = "compiled networks are not saved for the next run: .*cache is not a folder; move it away"
    with pytest.warns(OpenPoseLabWarning, match=sentence) as said:
        assert_right(tiny)
    assert len(said) == 1


@pytest.fixture
def no_temporary_files(tmp_path, monkeypatch):
    """A full disk under the folder for temporary files."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "mkdtemp", full)


@needs("tensorflow")
def test_without_temporary_files_the_work_goes_on(tiny, folder, no_temporary_files):
    assert_right(tiny)
    assert len(list(folder.iterdir())) == 1  # the compiled graph


def test_a_frozen_graph_without_temporary_files_is_one_sentence(wheel, folder, no_temporary_files):
    sentence = "cannot write temporary files into .*temporary: No space left on device; free some space there, or set"
    with pytest.raises(OpenPoseLabError, match=sentence):
        openvino.load(NETWORKS["mobilenet_thin"], wheel)


def test_a_system_without_a_folder_for_temporary_files_is_one_sentence(wheel, folder, monkeypatch):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/']")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", none)
    with pytest.raises(OpenPoseLabError, match="^cannot write temporary files: No usable temporary directory found in"):
        openvino.load(NETWORKS["mobilenet_thin"], wheel)


@needs("tensorflow")
def test_weights_that_give_no_sensible_maps_are_refused(tiny, folder):
    np.savez(tiny.path, **{**tiny.arrays, "pafs/bias": np.full(38, 1e8, np.float32)})
    for _ in range(2):  # and nothing is kept
        with pytest.raises(
            OpenPoseLabError, match="tiny.npz is damaged, or holds no trained weights: its maps have values that no"
        ):
            openvino.load(tiny.spec, tiny.path)
    assert not folder.exists()


@needs("tensorflow")
def test_a_graph_with_other_maps_than_keras_is_refused(tiny, folder, monkeypatch):
    monkeypatch.setattr(openvino, "_TOLERANCE", -1.0)
    with pytest.raises(OpenPoseLabError, match=r"OpenVINO's maps of .*tiny.npz differ from Keras's by .* in stage1_"):
        openvino.load(tiny.spec, tiny.path)
    assert not folder.exists()


@needs("tensorflow")
def test_exceptions_of_openvino_are_one_sentence(tiny, folder, monkeypatch):
    load_openvino()
    import openvino as ov

    def fail(*_):
        raise RuntimeError("Exception from src/core.cpp:1:\nCheck 'a' failed\nno memory for it\n")

    runtime = openvino.load(tiny.spec, tiny.path)
    monkeypatch.setattr(ov.InferRequest, "infer", fail)
    sentence = r"^OpenVINO cannot compute the maps of 1 x 24x16 pixels \(no memory for it\); use --runtime keras$"
    with pytest.raises(OpenPoseLabError, match=sentence):
        runtime.run(tiny.batch)
    monkeypatch.setattr(ov.Core, "compile_model", fail)
    with pytest.raises(OpenPoseLabError, match=r"cannot compile the graph with every stage \(no memory for it\); use"):
        runtime.run_stages(tiny.batch)
    monkeypatch.setattr(ov.Core, "get_property", fail)  # a part of OpenVINO is missing, say
    with pytest.raises(OpenPoseLabError, match=r"OpenVINO cannot execute .*tiny.npz \(no memory for it\); use"):
        openvino.load(tiny.spec, tiny.path)


# Precisions, and what is missing


def test_a_file_that_is_no_int8_graph_does_not_run_in_int8(tiny, folder):
    with pytest.raises(OpenPoseLabError, match="tiny.npz is not a published INT8 graph, so it cannot run in"):
        openvino.load(tiny.spec, tiny.path, "int8")


def test_a_processor_without_bf16_is_one_sentence(tiny, folder, monkeypatch):
    load_openvino()
    import openvino as ov

    monkeypatch.setattr(ov.Core, "get_property", lambda *_: ["FP32", "INT8"])
    with pytest.raises(OpenPoseLabError, match="^this processor does not compute in bf16; leave out --precision$"):
        openvino.load(tiny.spec, tiny.path, "bf16")


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_floats_without_tensorflow_name_weights_that_need_none(folder, monkeypatch, precision):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(OpenPoseLabError) as error:
        load_network("lightweight", runtime="openvino", precision=precision)
    sentence = str(error.value)
    assert sentence.startswith("OpenVINO needs tensorflow once to convert human-pose-estimation-0001-FP16-INT8.xml; ")
    path = weights_folder() / "human-pose-estimation-0001-FP32.xml"  # where the command puts it
    assert sentence.endswith(
        f', or run `python -m openpose_lab weights fetch lightweight` and give "{path}" with --weights'
    )
    assert len(sentence.replace(str(ROOT), "/home/student/lab")) < 300


def test_weights_without_tensorflow(tiny, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(OpenPoseLabError, match="OpenVINO needs tensorflow once to convert tiny.npz; [^,]*$"):
        openvino.load(tiny.spec, tiny.path)


def test_damaged_weights_without_tensorflow_are_said_to_be_damaged(tiny, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    data = tiny.path.read_bytes()
    tiny.path.write_bytes(data[:500] + bytes(100) + data[600:])
    with pytest.raises(OpenPoseLabError, match="tiny.npz is damaged, or is not in the form NumPy archive: "):
        openvino.load(tiny.spec, tiny.path)


@pytest.mark.parametrize(
    ("network", "name", "sentence"),
    [
        ("body25", "pose_iter_584000.caffemodel", "584000.caffemodel is not the published file of that name; delete"),
        ("body25", "body25.weights.h5", "OpenVINO needs tensorflow once to convert body25.weights.h5"),
    ],
)
def test_what_is_known_of_weights_without_tensorflow_and_h5py(tmp_path, folder, monkeypatch, network, name, sentence):
    for library in ("tensorflow", "h5py"):
        monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n and more")
    with pytest.raises(OpenPoseLabError, match=sentence):
        openvino.load(NETWORKS[network], tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tiny, folder):
    with tiny.path.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(OpenPoseLabError, match="tiny.npz is larger than 1024 MB, so it is not a weights file"):
        openvino.load(tiny.spec, tiny.path)


# Processes and threads


def in_new_process(code, *arguments, cwd=ROOT, timeout=180, **variables):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def test_a_broken_installation_is_one_sentence_of_a_program(tmp_path):
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text("raise ImportError('libtbb.so.12: cannot open it')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = in_new_process(
        "from openpose_lab.__main__ import main; raise SystemExit(main())", "explain", PYTHONPATH=path
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "explain: OpenVINO is installed but cannot be loaded (libtbb.so.12: cannot open it); reinstall it, or use "
        "--runtime keras\n"
    )


ALONE = """
import sys
import numpy as np
from openpose_lab import load_network
load_network("lightweight", runtime="openvino")(np.zeros((64, 64, 3), np.uint8))
import openvino
print(sorted({"openvino_telemetry", "openvino.tools.ovc", "tensorflow"} & set(sys.modules)), openvino.convert_model)
"""


def test_openvino_reports_nothing_and_prints_nothing(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    done = in_new_process(ALONE, HOME=str(home), USERPROFILE=str(home))
    assert done.stdout.startswith("[] <function ")
    assert done.stderr == ""
    assert list(home.iterdir()) == []


FORKS = """
import multiprocessing, os, sys
import numpy as np
from estimation.errors import OpenPoseLabError
from openpose_lab import load_network

def run(again):
    try:
        one = load_network("lightweight", runtime="openvino") if again else network
        one(np.zeros((16, 16, 3), np.uint8))
        one.stages(np.zeros((1, 16, 16, 3), np.uint8))
    except OpenPoseLabError as error:
        return str(error)

network = load_network("lightweight", runtime="openvino")
for again in (False, True):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print(pool.apply(run, [again]), flush=True)
    if os.fork() == 0:
        print(run(again), flush=True)
        os._exit(0)
    os.wait()
print(run(False))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_fork_of_a_process_with_a_network_is_refused():
    done = in_new_process(FORKS)
    sentence = (
        "a network cannot run in a fork of a process that has loaded one; load it in the new process only, or start "
        "processes with multiprocessing's method 'spawn'"
    )
    assert done.stdout.splitlines() == 4 * [sentence] + ["None"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork")
def test_a_fork_may_load_its_own_network():
    code = FORKS.partition("network = load")[0] + "if os.fork() == 0: print(run(True))\nelse: os.wait()"
    assert in_new_process(code).stdout == "None\n"


def maps_in(sent):
    """Of a network that was sent to another process: its runtime's name, its precision, and a map's values."""
    network = pickle.loads(sent)
    maps = network(np.full((32, 32, 3), 99, np.uint8))
    return type(network.runtime).__name__, hint(network.runtime), maps.heatmaps


@needs("tensorflow")
def test_runtime_and_precision_go_to_another_process_too():
    network = load_network("lightweight", runtime="openvino", precision="f32")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        name, precision, heatmaps = pool.apply(maps_in, [pickle.dumps(network)])
    assert (name, precision) == ("OpenVinoRuntime", hint(network.runtime))
    np.testing.assert_array_equal(heatmaps, network(np.full((32, 32, 3), 99, np.uint8)).heatmaps)


def test_several_threads_get_the_maps_of_their_own_photos(folder):
    network = load_network("lightweight", runtime="openvino")
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (8 * size, 64, 3)).astype(np.uint8) for size in (5, 6, 7, 8)]
    expected = [network(photo).heatmaps for photo in photos]
    found = [[] for _ in photos]

    def run(number):
        for _ in range(5):
            found[number].append(network(photos[number]).heatmaps)
            found[number].append(network.stages([photos[number]])[-1].heatmaps[0])

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(photos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for maps, heatmaps in zip(found, expected):
        assert len(maps) == 10
        for one in maps:
            assert_same(one, heatmaps)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lightweight", {}),
        ("lightweight", {"precision": "f32"}),
        ("mobilenet_thin", {}),
        ("mobilenet_thin", {"runtime": "keras"}),
    ],
)
def test_maps_are_the_same_where_several_threads_call(name, settings):
    """As of single calls, with more threads than calls that were prepared for, and photos of several sizes."""
    network = load_network(name, **settings)
    photo = read_photo(ROOT / "images" / "people.jpg")
    photos = [cv2.resize(photo, (256 - 24 * number % 72, 128 + 8 * number % 40)) for number in range(12)]
    expected = [network(one) for one in photos]
    prepared = network.for_calls(2)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(2):
            for found, alone in zip(pool.map(prepared, photos), expected, strict=True):
                assert_same(found.heatmaps, alone.heatmaps)
                assert_same(found.pafs, alone.pafs)
    assert (prepared.spec, prepared.config, prepared.quality) == (network.spec, network.config, network.quality)
    assert_same(network(photos[0]).pafs, expected[0].pafs)
    stages = prepared.stages([photos[0]])[-1]
    assert_same(stages.pafs[0], expected[0].pafs)


FIRST_CALLS = """
import os, sys, threading
import numpy as np
from openpose_lab.networks.loading import load_network
sys.setswitchinterval(1e-6)
network, both = load_network("lightweight").for_calls(2), threading.Barrier(2)
def call():
    both.wait()
    network(np.zeros((64, 64, 3), np.uint8))
threads = [threading.Thread(target=call, daemon=True) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join(30)
os._exit(any(thread.is_alive() for thread in threads))
"""


def test_the_first_calls_of_two_threads_do_not_wait_for_ever():
    """Without what ``load_openvino`` does, a fifth of processes stood still on a busy machine."""
    others = [subprocess.Popen([sys.executable, "-c", FIRST_CALLS], cwd=ROOT) for _ in range(8)]
    assert [other.wait(120) for other in others] == [0] * 8


def test_a_prepared_network_goes_to_another_process():
    prepared = load_network("lightweight").for_calls(2)
    assert pickle.loads(pickle.dumps(prepared)).spec is prepared.spec


def test_preparing_for_one_call_changes_nothing(tiny, folder):
    runtime = openvino.load(tiny.spec, tiny.path)
    assert runtime.for_calls(1) is runtime
    several = runtime.for_calls(3)
    assert several.for_calls(3) is several
    assert several.for_calls(1)._calls == 1


def test_a_graph_that_cannot_be_compiled_for_several_calls_is_one_sentence(tiny, folder, monkeypatch):
    runtime = openvino.load(tiny.spec, tiny.path)

    def fail(*_):
        raise RuntimeError("Exception from somewhere:\nno room for streams")

    monkeypatch.setattr(runtime, "_compile", fail)
    with pytest.raises(
        OpenPoseLabError, match=r"^OpenVINO cannot compile the graph for 2 calls at once \(no room for s"
    ):
        runtime.for_calls(2)


FIRST_RUN = """
import os, signal, sys
from pathlib import Path
import numpy as np
from openpose_lab import load_network
from openpose_lab.networks.runtimes import openvino
openvino.FOLDER = Path(sys.argv[1])
if len(sys.argv) > 2:
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
maps = load_network("lightweight", runtime="openvino")(np.full((64, 96, 3), 99, np.uint8))
np.save(sys.stdout.buffer, maps.pafs)
"""


def test_two_first_runs_at_once(folder):
    command = [sys.executable, "-c", FIRST_RUN, str(folder)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    said = [one.communicate(timeout=180) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert said[0] == said[1]
    assert said[0][1] == b""
    assert len(list(folder.iterdir())) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_kill_while_a_graph_is_written(folder):
    done = in_new_process(FIRST_RUN, folder, "kill")
    assert done.returncode == -signal.SIGKILL
    expected = load_network("lightweight", runtime="openvino")(np.full((64, 96, 3), 99, np.uint8)).pafs
    np.testing.assert_array_equal(
        load_network("lightweight", runtime="openvino")(np.full((64, 96, 3), 99, np.uint8)).pafs, expected
    )
    assert len([path for path in folder.iterdir() if not path.name.startswith(".")]) == 1


BROKEN = {
    "raise ImportError('libtbb.so.12: cannot open shared object file: No such file or directory')": "libtbb.so.12: .*",
    "raise RuntimeError('an odd\\nfault')": "an odd fault",
    "import a_module_that_is_missing": "No module named 'a_module_that_is_missing'",
}


@pytest.mark.parametrize("code", BROKEN)
def test_an_installation_that_is_broken_is_one_sentence(tmp_path, monkeypatch, code):
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text(code)
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    sentence = rf"OpenVINO is installed but cannot be loaded \({BROKEN[code]}\); reinstall it, or use --runtime keras"
    with pytest.raises(OpenPoseLabError, match=sentence):
        load_network("lightweight")
