"""What pip installs: the package's metadata, and a wheel used in a folder that has packages of the same names."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from openpose_lab.__main__ import command_names
from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TENSORFLOW_WHERE = ';python_version<"3.14"and(sys_platform!="darwin"orplatform_machine!="x86_64")'
NEEDS_A_CLONE = {"handout"}


def requirements(lines):
    """Name -> range and marker, of lines as in requirements.txt."""
    found = {}
    for line in lines:
        if line.strip() and not line.startswith(("#", "-")):
            name, rest = re.match(r"([\w-]+)(.*)", line.strip()).groups()
            found[name] = rest.replace(" ", "").replace("'", '"')
    return found


def test_ranges_are_those_of_the_lab_s_sets():
    light, rest = (
        requirements((ROOT / name).read_text(encoding="utf-8").splitlines())
        for name in ("requirements-light.txt", "requirements.txt")
    )
    assert requirements(PROJECT["project"]["dependencies"]) == light
    optional = PROJECT["project"]["optional-dependencies"]
    extras = requirements(line for name, lines in optional.items() if name != "batch" for line in lines)
    assert rest == {**extras, "tensorflow": extras["tensorflow"] + TENSORFLOW_WHERE}


def test_ray_is_for_its_own_extra_and_for_developers():
    developers = requirements((ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines())
    assert requirements(PROJECT["project"]["optional-dependencies"]["batch"])["ray"] == developers["ray"]


def test_where_openvino_has_no_wheel_tensorflow_takes_its_place():
    light = requirements(PROJECT["project"]["dependencies"])
    processors = 'in"x86_64AMD64arm64aarch64"'
    assert light["openvino"].endswith(f";platform_machine{processors}")
    extras = requirements(PROJECT["project"]["optional-dependencies"]["keras"])
    for name, versions in extras.items():
        assert light[name] == f"{versions};platform_machinenot{processors}"


def test_every_package_is_in_the_wheel():
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in ("estimation", "openpose_lab")
        for path in (ROOT / package).rglob("__init__.py")
    }
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    mapped = set(PROJECT["tool"]["setuptools"]["package-dir"])
    data_only = {"openpose_lab.evaluation.photo_sets"}
    assert listed == folders | mapped | data_only
    assert {package.split(".")[0] for package in listed} == {"estimation", "openpose_lab"}


def test_every_data_file_is_in_the_wheel():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for path in sorted((ROOT / "openpose_lab").rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            package = ".".join(path.parent.relative_to(ROOT).parts)
            assert any(path.match(pattern) for pattern in data.get(package, ())), path


def test_licences_that_notice_names_are_in_the_wheel():
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert set(re.findall(r"[\w/-]*LICENSE[\w.-]*", notice.replace("/blob/master/LICENSE", ""))) == set(
        PROJECT["project"]["license-files"]
    ) - {"NOTICE"}


def test_git_changes_no_line_endings_of_published_files():
    """On Windows git makes CRLF of LF in text files by default, and the published checksums would not fit."""
    attributes = (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "model_weights/*.xml -text" in attributes


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install a wheel of the tree beside this environment's libraries; returns the environment's folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", ".cache", "build", "*.egg-info", "__pycache__", "*.h5", "*.whl")
    shutil.copytree(ROOT, source, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", folder, source], capture_output=True, text=True, check=False
    )
    if built.returncode:
        pytest.skip(f"no wheel can be built here: {built.stderr.strip().splitlines()[-1]}")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = next(path for path in (folder / "venv").glob("*/python*") if path.stem == "python")
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site, libraries = (
        subprocess.run([one, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
        for one in (python, sys.executable)
    )
    Path(site, "libraries.pth").write_text(libraries + "\n")
    shutil.rmtree(source)
    return python.parent


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with packages of its own."""
    for name in ("models", "tools", "tests", "lab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"OWNER = 'the user: {name}'\n")
    return tmp_path


def in_it(installed, folder, *command, **options):
    return subprocess.run([installed / command[0], *command[1:]], cwd=folder, capture_output=True, text=True, **options)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["import openpose_lab, models", "import models, openpose_lab"])
def test_the_user_s_own_packages_stay_theirs(installed, elsewhere, order):
    script = f"{order}, tools, lab; print(models.OWNER, lab.OWNER); import openpose_lab.networks; print(models.OWNER)"
    done = in_it(installed, elsewhere, "python", "-c", script)
    assert (done.stdout, done.stderr) == ("the user: models the user: lab\nthe user: models\n", "")


@pytest.mark.slow
def test_a_spawned_process_unpickles_skeletons(installed, elsewhere):
    (elsewhere / "pool.py").write_text("""
import multiprocessing
import numpy as np
from estimation.skeletons import Skeletons

def count(skeletons):
    return len(skeletons)

if __name__ == "__main__":
    skeletons = Skeletons(np.zeros((3, 18, 2)), np.zeros((3, 18)), np.zeros(3), np.zeros((3, 18), int))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(count, [skeletons]))
""")
    done = in_it(installed, elsewhere, "python", "pool.py")
    assert (done.stdout, done.stderr) == ("[3]\n", "")


@pytest.mark.slow
def test_check_merge_takes_a_file_that_imports_the_package(installed, elsewhere):
    text = (ROOT / "estimation" / "merge.py").read_text(encoding="utf-8")
    (elsewhere / "mine.py").write_text(f"from estimation.subset import ids_of\n{text}", encoding="utf-8")
    done = in_it(installed, elsewhere, "openpose-lab", "check-merge", "mine.py")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", command_names())
def test_every_command_starts_from_the_wheel(installed, elsewhere, name):
    done = in_it(installed, elsewhere, "openpose-lab", name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    if name in NEEDS_A_CLONE:
        done = in_it(installed, elsewhere, "openpose-lab", name)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(rf"{name}: .* needs a clone of the project.*\n", done.stderr)


@pytest.mark.slow
def test_weights_and_caches_go_into_the_user_s_folder(installed, elsewhere):
    script = "from openpose_lab import paths; print(paths.weights_folder()); print(paths.cache_folder())"
    environment = {"HOME": str(elsewhere), "LOCALAPPDATA": str(elsewhere), "PATH": ""}
    done = in_it(installed, elsewhere, "python", "-c", script, env=environment)
    assert all(Path(line).is_relative_to(elsewhere) for line in done.stdout.splitlines()), done.stdout
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.slow
def test_weights_are_kept_where_no_folder_is_yet(installed, elsewhere, mobilenet_weights):
    """An empty home, as on a fresh machine; the weights are imported, as they are when they have been fetched."""
    home = elsewhere / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "LOCALAPPDATA": str(home)}
    environment.pop("XDG_CACHE_HOME", None)
    done = in_it(installed, elsewhere, "openpose-lab", "weights", "import", mobilenet_weights, env=environment)
    assert done.returncode == 0, done.stderr
    done = in_it(installed, elsewhere, "openpose-lab", "--no-draw", env=environment)
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("mobilenet_thin.weights.h5"))


@pytest.mark.slow
def test_a_grader_from_the_wheel_gives_full_marks(installed, elsewhere):
    (elsewhere / "submissions").mkdir()
    shutil.copy(ROOT / "estimation" / "merge.py", elsewhere / "submissions" / "merge.py")
    done = in_it(installed, elsewhere, "openpose-lab", "grade", "submissions")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "1 passes every check" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True], ids=["embedded", "file"])
def test_the_sample_photo_from_the_wheel(installed, elsewhere, mobilenet_weights, named):
    weights = ["--weights", mobilenet_weights] if named else []
    done = in_it(installed, elsewhere, "openpose-lab", *weights)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^people +5$", done.stdout, re.MULTILINE)
    assert (elsewhere / "output.png").stat().st_size > 100_000
