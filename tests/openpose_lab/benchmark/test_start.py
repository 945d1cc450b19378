import sys

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark import start
from openpose_lab.benchmark.start import benchmark_start, demo_command, run_process, start_commands, start_runs
from openpose_lab.benchmark.table import as_text

TOOLS = {"python": lambda: [sys.executable, "-S", "-c", "pass"]}
FAILS = {"fails": lambda: [sys.executable, "-S", "-c", "raise SystemExit('no\\nmodule')"]}
HOLDS = "held = bytearray(80_000_000); held[::4096] = bytes(len(held[::4096]))"


def test_a_process_is_timed_and_its_memory_is_its_own():
    here = bytearray(200_000_000)
    here[::4096] = bytes(len(here[::4096]))  # the memory of this process does not count
    small, large = (run_process([sys.executable, "-S", "-c", code]) for code in ("pass", HOLDS))
    assert small[0] > 0
    if small[1] != -1:  # Windows
        assert 80_000_000 < large[1] < 150_000_000
        assert small[1] < 40_000_000


def test_a_failing_process_is_one_sentence():
    with pytest.raises(OpenPoseLabError, match="^it ended with status 1: no module$"):
        run_process(FAILS["fails"]())
    with pytest.raises(OpenPoseLabError, match="^it cannot be started: "):
        run_process(["no-such-program-anywhere"])


def test_a_process_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(start, "_LONGEST", 0.5)
    with pytest.raises(OpenPoseLabError, match="longer than"):
        run_process([sys.executable, "-S", "-c", "import time; time.sleep(5)"])


def test_a_command_that_fails_is_a_note():
    table = benchmark_start(1, TOOLS | FAILS)
    assert [row.names for row in table.rows] == [("python",)]
    assert "fails is left out: it ended with status 1: no module" in table.notes
    assert "peak memory" in as_text(table)
    assert start_runs(2, 1) == 4


def test_each_first_run_has_an_empty_cache_of_its_own(tmp_path):
    first = start_commands(tmp_path)["the demo, first run"]
    caches = [first()[3] for _ in range(2)]
    assert caches[0] != caches[1]
    assert all(cache.startswith(str(tmp_path)) for cache in caches)


def test_the_code_of_a_first_run_uses_its_cache_folder(tmp_path):
    code = start._FIRST_RUN.replace("sys.exit(main())", "import openpose_lab.paths as p; print(p.cache_folder())")
    table = benchmark_start(1, {"first": lambda: [sys.executable, "-c", code, str(tmp_path)]})
    assert [row.names for row in table.rows] == [("first",)]
    broken = code.replace("print(p.cache_folder())", f"assert p.cache_folder() != Path({str(tmp_path)!r})")
    assert benchmark_start(1, {"first": lambda: [sys.executable, "-c", broken, str(tmp_path)]}).rows == []


def test_the_demo_s_help_can_be_started(tmp_path):
    assert run_process(demo_command(tmp_path / "output.png", "--help"))[0] > 0


@pytest.mark.slow
def test_the_demo_is_timed(tmp_path):
    commands = start_commands(tmp_path)
    names = ("the demo, first run", "the demo, --quality fast")
    table = benchmark_start(1, {name: commands[name] for name in names})
    assert [row.names for row in table.rows] == [(name,) for name in names], table.notes
    assert (tmp_path / "output.png").is_file()
