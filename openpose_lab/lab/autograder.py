"""The archive for Gradescope: the grader, all files that it needs, and two scripts.

Gradescope unpacks the archive into /autograder/source. It runs setup.sh once when it builds its image, and
run_autograder for each submission. run_autograder needs no network. To try the archive in another folder than
/autograder, set the variable AUTOGRADER.
"""

from __future__ import annotations

import re
import shlex

from estimation.errors import OpenPoseLabError
from openpose_lab.lab.grading.gradescope import render_failure
from openpose_lab.lab.importable import PROGRAMS
from openpose_lab.lab.sandbox.limits import Limits
from openpose_lab.paths import ROOT, in_clone

SCRIPTS = ("setup.sh", "run_autograder")
"""The executable files of the archive."""
_FILES = (
    "estimation/**/*.py",
    "openpose_lab/**/*.py",
    "openpose_lab/lab/photo_rows.npz",
    "LICENSE",
    "NOTICE",
)
_NEEDED = ("numpy", "opencv-python", "scipy", "tqdm", "platformdirs", "hypothesis", "tomli")
"""The packages of requirements-light.txt that marking imports."""
_MINUTES = 9
"""Time limit of one submission. Gradescope's own default limit is ten minutes; after it a submission has no result."""
_UNFINISHED = (
    f"Marking did not finish: it took longer than {_MINUTES} minutes, or it ran out of memory. "
    "Look for an endless loop, and for a list that grows without end; then hand in again. If this happens again, "
    "tell your instructor."
)
_FAILED = (
    "The autograder failed before it marked your submission. This is not your fault. Tell your instructor: "
    "run_autograder prints the reason."
)

_SETUP = """\
#!/usr/bin/env bash
# Installs what run_autograder needs. Gradescope runs this once, as root. A second run does no harm.
set -euo pipefail
autograder=${AUTOGRADER:-/autograder}
python=${PYTHON:-python3}

if ! "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends python3 python3-venv
fi
"$python" -m venv "$autograder/venv"
"$autograder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \\
    --requirement "$autograder/source/requirements.txt"
"$autograder/venv/bin/python" -m compileall -q "$autograder/source/estimation" "$autograder/source/openpose_lab"
chmod -R go-rwx "$autograder/source"  # submissions run as another user

echo "testing the installation: marking the project's own merge"
"$autograder/venv/bin/python" -I "$autograder/source/openpose_lab" grade --out /dev/null \\
    --one "$autograder/source/estimation/merge.py" --points "$autograder/source/points.toml"
"""
_RUN = """\
#!/usr/bin/env bash
# Marks the submission in /autograder/submission, and writes /autograder/results/results.json whatever happens.
autograder=${{AUTOGRADER:-/autograder}}
results=$autograder/results/results.json
umask 022
mkdir -p "$autograder/results"
cp -f "$autograder/source/unfinished.json" "$results"  # the result if marking does not finish
# Submissions run as another user, and must not read earlier results: these name hidden checks.
chmod -R go-rwx "$autograder/source" "$autograder/results" "$autograder/submission_metadata.json" 2> /dev/null
timeout --kill-after=10 {seconds} "$autograder/venv/bin/python" -I "$autograder/source/openpose_lab" grade \\
    --one "$autograder/submission" --format gradescope --out "$results" \\
    --points "$autograder/source/points.toml" {limits} < /dev/null
status=$?
if [ "$status" -ne 0 ] && [ "$status" -ne 124 ] && [ "$status" -ne 137 ] &&
    cmp --silent "$autograder/source/unfinished.json" "$results"; then
    cp -f "$autograder/source/failed.json" "$results"  # marking failed for another reason than the time limit
fi
exit 0
"""


def autograder_files(points: bytes, limits: Limits) -> dict[str, bytes]:
    """Collect the contents of the archive's files.

    Args:
        points: the content of the points file.
        limits: the limits of each submission.

    Returns:
        The contents by path, with slashes. The answer and the hidden checks are among them.

    Raises:
        OpenPoseLabError: The project was installed as a package, which lacks the students' programs.
    """
    if not in_clone():
        raise OpenPoseLabError("the autograder's archive needs a clone of the project; run the command there")
    paths = {path for pattern in (*_FILES, *PROGRAMS) for path in ROOT.glob(pattern) if path.is_file()}
    options = shlex.join(["--seconds", f"{limits.seconds:g}", "--memory", str(limits.memory)])
    return {
        **{path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted(paths)},
        "setup.sh": _SETUP.encode(),
        "run_autograder": _RUN.format(seconds=60 * _MINUTES, limits=options).encode(),
        "requirements.txt": _requirements().encode(),
        "points.toml": points,
        "unfinished.json": render_failure(_UNFINISHED),
        "failed.json": render_failure(_FAILED),
    }


def _requirements() -> str:
    """Return the packages that marking imports, in the versions of requirements-light.txt.

    OpenCV is the headless package, because the other one needs system libraries that Gradescope's images lack.
    """
    lines = (ROOT / "requirements-light.txt").read_text(encoding="utf-8").splitlines()
    needed = [line for line in lines if re.split(r"[^\w-]", line, maxsplit=1)[0] in _NEEDED]
    return "".join(f"{line}\n".replace("opencv-python", "opencv-python-headless") for line in needed)
