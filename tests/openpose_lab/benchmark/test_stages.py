from openpose_lab.benchmark.stages import READ, benchmark_stages, stage_runs


def test_each_stage_is_timed_on_each_crowd():
    ticks = []
    table = benchmark_stages(2, (1, 3), tick=lambda: ticks.append(1))
    stages = ("coordinates", "connections", "grouping", "skeletons", READ)
    assert [row.names for row in table.rows] == [(people, stage) for people in "13" for stage in stages]
    assert all(len(row.timing.seconds) == 2 and row.timing.low > 0 for row in table.rows)
    assert len(ticks) == stage_runs((1, 3), 2)


def test_another_seed_gives_another_crowd():
    cells = [benchmark_stages(1, (2,), seed).notes[0].partition("cells")[2] for seed in (0, 0, 1)]
    assert cells[0] == cells[1] != cells[2]
