import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.benchmark import saving
from openpose_lab.benchmark.saving import benchmark_saving, saved_texts, saving_runs


@pytest.mark.slow
def test_each_save_is_timed(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "_PAUSE", 0.1)
    texts = saved_texts()
    ticks = []
    table = benchmark_saving(1, texts, tmp_path, lambda: ticks.append(1))
    assert [row.names for row in table.rows] == [(name,) for name in texts], table.notes
    assert all(0.05 < row.timing.median < 60 for row in table.rows)
    assert len(ticks) == saving_runs(len(texts), 1) == 6


def test_what_is_saved():
    texts = list(saved_texts().values())
    for text in texts[:2]:
        compile(text, "merge.py", "exec")
    with pytest.raises(SyntaxError):
        compile(texts[2], "merge.py", "exec")


def test_a_program_that_ends_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # Python cannot start
    with pytest.raises(OpenPoseLabError, match="^check-merge --watch has ended$"):
        benchmark_saving(1, {}, tmp_path)
