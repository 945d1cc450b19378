"""Key points for supervision: with the library where it is installed, and with a stand-in that has its constructor."""

import dataclasses
import importlib.util
import sys
import types

import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab import to_supervision
from tests.openpose_lab.formats.conftest import COCO_18, TWO, make_skeletons

REAL = pytest.param(
    False,
    id="supervision",
    marks=pytest.mark.skipif(
        importlib.util.find_spec("supervision") is None, reason="needs supervision, which no extra has"
    ),
)


@dataclasses.dataclass
class KeyPoints:
    """As in supervision 0.29 and later."""

    xy: np.ndarray
    class_id: np.ndarray | None = None
    keypoint_confidence: np.ndarray | None = None
    detection_confidence: np.ndarray | None = None
    visible: np.ndarray | None = None
    data: dict = dataclasses.field(default_factory=dict)

    def __len__(self):
        return len(self.xy)


@dataclasses.dataclass
class OldKeyPoints:
    """As in supervision 0.28."""

    xy: np.ndarray
    class_id: np.ndarray | None = None
    confidence: np.ndarray | None = None
    data: dict = dataclasses.field(default_factory=dict)


def install(monkeypatch, key_points):
    """Put a stand-in in the place of supervision."""
    stand_in = types.ModuleType("supervision")
    stand_in.KeyPoints = key_points
    stand_in.__spec__ = importlib.util.spec_from_loader("supervision", None)
    monkeypatch.setitem(sys.modules, "supervision", stand_in)


@pytest.mark.parametrize("stand_in", [pytest.param(True, id="stand-in"), REAL])
def test_key_points(monkeypatch, stand_in):
    if stand_in:
        install(monkeypatch, KeyPoints)
    found = to_supervision(TWO)
    assert (found.xy.shape, found.xy.dtype) == ((2, 18, 2), np.float32)
    np.testing.assert_array_equal(found.xy[0, :3], np.float32([[11.5, 9.123456], [30, 17.5], [0, 0]]))
    np.testing.assert_array_equal(found.keypoint_confidence[0, :3], np.float32([0.7, 1, 0]))
    np.testing.assert_array_equal(found.detection_confidence, np.float32([2.5, 0.75]))
    assert found.visible[0].tolist() == [True, True] + 16 * [False]
    assert found.class_id is None
    assert len(to_supervision(make_skeletons())) == 0


@pytest.mark.parametrize("_", [REAL])
def test_supervision_draws_them(_):
    import supervision

    edges = [(limb.from_part + 1, limb.to_part + 1) for limb in COCO_18.limbs if not limb.redundant]
    black = np.zeros((480, 640, 3), np.uint8)
    drawn = supervision.EdgeAnnotator(edges=edges).annotate(black.copy(), to_supervision(TWO))
    rows, columns = np.nonzero(drawn.any(axis=2))
    # from nose to neck of the surer person alone, in lines of 2 pixels
    assert 8 <= rows.min() < rows.max() <= 19
    assert 10 <= columns.min() < columns.max() <= 32


def test_an_old_supervision_is_one_sentence(monkeypatch):
    install(monkeypatch, OldKeyPoints)
    with pytest.raises(
        OpenPoseLabError, match=r"to_supervision needs supervision 0\.29 or newer, but an older version"
    ):
        to_supervision(TWO)


def test_without_supervision(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(OpenPoseLabError, match="^to_supervision needs supervision, which is not installed; run `pip"):
        to_supervision(TWO)
