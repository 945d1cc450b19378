import math

import pytest

from estimation.config import DEFAULT_HEIGHT
from estimation.errors import OpenPoseLabError
from estimation.quality import DEFAULT_QUALITY, QUALITIES, Views, choose_views


def test_the_presets_go_from_fast_to_best():
    costs = [sum(height**2 for height in views.heights) * (1 + views.flip) for views in QUALITIES.values()]
    assert list(QUALITIES) == ["fast", "balanced", "best"]
    assert costs == sorted(costs)
    for cost, limit in zip(costs, (1, 2.25, 13)):  # in input pixels of one view of height 368
        assert cost <= limit * DEFAULT_HEIGHT**2


def test_the_views_of_a_preset_know_its_name():
    for name, views in QUALITIES.items():
        assert choose_views(name) is views
        assert Views(views.height, list(views.scales), views.flip).quality == name
    assert Views(100).quality is None


def test_nothing_said_is_the_default():
    assert choose_views() == QUALITIES[DEFAULT_QUALITY]
    assert choose_views(default="fast") == QUALITIES["fast"]
    assert choose_views("best", default="fast") == QUALITIES["best"]


@pytest.mark.parametrize(
    ("exact", "views"),
    [
        ({"height": 480}, Views(480, (1.0,), False)),
        ({"scales": [0.5, 1]}, Views(368, (0.5, 1.0), False)),
        ({"flip": True}, Views(368, (1.0,), True)),
        ({"flip": False}, Views(368, (1.0,), False)),
        ({"height": 200, "scales": (2,), "flip": True}, Views(200, (2.0,), True)),
    ],
)
def test_what_is_said_exactly_replaces_every_preset(exact, views):
    assert choose_views(**exact) == choose_views(**exact, default="best") == views


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"quality": "fast", "height": 368},
            "quality fast stands for height, scales and flip together; give it or height,",
        ),
        ({"quality": "best", "scales": [1], "flip": False}, "give it or scales and flip, not both"),
        ({"quality": "good"}, "there is no quality 'good'; these are: fast, balanced, best"),
        ({"height": 31}, "the height must be from 32 to 2048 pixels but is 31"),
        ({"scales": []}, "no scale is given; give at least one, such as 1"),
        ({"scales": [1, 0.01]}, "the height must be from 32 to 2048 pixels but is 4 at scale 0.01"),
        ({"scales": [math.inf]}, "pixels but is 0 at scale inf"),
        ({"scales": [math.nan]}, "pixels but is 0 at scale nan"),
    ],
)
def test_what_makes_no_views_is_one_sentence(said, sentence):
    with pytest.raises(OpenPoseLabError) as error:
        choose_views(**said)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_views_in_words():
    assert Views(480).title == "height 480"
    assert Views(480, (0.5, 1), flip=True).title == "height 480 times 0.5, 1, and mirrored"
    assert Views(480, (0.5, 1)).heights == [240, 480]
