"""Test the lab's task on canned rows: the checks of ``python -m openpose_lab check-merge``, as pytest tests.

``pytest -m share_a_peak tests/estimation/test_merge.py`` runs the checks of one step. ``check-merge --list`` names the
steps.
"""

import pytest

from estimation.grouping import LAB_MERGE
from openpose_lab.lab.merge_checks import CHECKS, Bench, run_checks
from openpose_lab.lab.row_tables import format_rows
from openpose_lab.lab.sandbox.runner import Runner
from openpose_lab.lab.steps import STEPS
from openpose_lab.lab.waiting import find_waiting


@pytest.fixture(scope="module")
def failures():
    with Runner(LAB_MERGE) as runner:
        return run_checks(CHECKS, Bench(runner, runner.load()))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=getattr(pytest.mark, step.marker)) for step in STEPS for name in step.checks]
)
def test_merge(name, failures):
    waiting = find_waiting(failures)
    if name in waiting:
        pytest.skip(f"waits for: {waiting[name]}")
    if name in failures:
        pytest.fail(f"{failures[name].sentence}\n{format_rows(failures[name].rows)}", pytrace=False)
