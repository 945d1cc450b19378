"""The programs on a photo with more peaks of a part than ``max_peaks_per_part`` allows."""

import numpy as np
import pytest

from openpose_lab.commands import compare_groupings, evaluate, explain, image
from openpose_lab.evaluation import comparison_plot, photo_sheet
from openpose_lab.networks import loading
from tests.openpose_lab.conftest import ANNOTATIONS, PerfectNetwork

NOTE = (
    "the heatmaps hold more than 1 peaks of nose (2), neck (2), right_shoulder (2), right_elbow (2) and of 14 other "
    "parts, so the weakest are dropped and people may be missing; to keep all, set max_peaks_per_part=2"
)
MEASURING = (evaluate, compare_groupings)


@pytest.mark.parametrize("program", [image, explain, *MEASURING], ids=lambda program: program.__name__.split(".")[-1])
def test_a_note_says_how_to_keep_all_peaks(program, call_program, on_ideal_maps, annotations, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(photo_sheet, "draw_photo_sheet", lambda *_: np.zeros((2, 2, 3), np.uint8))  # they take a while
    monkeypatch.setattr(comparison_plot, "plot", lambda *_: b"")
    if program in MEASURING:
        pytest.importorskip("pycocotools")
        arguments = [*on_ideal_maps, "--annotations", annotations(ANNOTATIONS)]
    else:
        monkeypatch.setattr(loading, "load_network", lambda *_: PerfectNetwork())
        arguments = ["photo.png"]
    for most, said in ((1, f"program: note: {NOTE}\n"), (2, "")):
        setting = f"max_peaks_per_part={most}"
        status, out, err = call_program("program", program.main, *arguments, "--height", 480, "--set", setting)
        assert (status, err) == (0, said), out
