"""What CI relies on: the lowest versions, and that no test is skipped unnoticed."""

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def versions(sign, *files):
    """Name -> version after ``sign``, of the lines of requirements files."""
    text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    return dict(re.findall(rf"^([\w-]+)[^#\n]*?{sign}([\d.]+)", text, re.MULTILINE))


def test_the_constraints_allow_the_lowest_version_and_its_fixes_alone():
    lowest = versions(">=", "requirements-light.txt", "requirements.txt")
    below = versions("<", "requirements-lowest.txt")
    assert lowest.keys() == below.keys()
    for name, version in lowest.items():
        parts = [int(part) for part in version.split(".")]
        parts = parts if len(parts) > 1 else [*parts, 0]
        assert below[name] == ".".join(map(str, [*parts[:-1], parts[-1] + 1])), name


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
@pytest.mark.parametrize(("allowed", "status"), [("", 1), ("needs a .*\n", 0), ("# needs a .*\nneeds\n", 1)])
def test_a_skip_that_is_not_on_the_list_fails_the_run(tmp_path, allowed, status, workers):
    (tmp_path / "skips").write_text(allowed)
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_skipped():\n    pytest.skip('needs a camera')\ndef test_passed():\n    pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.allowed_skips", *workers]
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command += [f"--allowed-skips={tmp_path / 'skips'}", "-c", tmp_path / "pytest.ini"]
    done = subprocess.run([*command, tmp_path / "test_it.py"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status, done.stdout
    assert ("does not allow:\n  needs a camera" in done.stdout) == bool(status)
