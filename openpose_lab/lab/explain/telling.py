"""Makes films of groupings on the limbs of a photo, for the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from estimation.config import Config
from estimation.estimators import estimate
from estimation.grouping import Grouping
from estimation.grouping.film import Film, make_film
from estimation.pipeline import Estimate, timed
from estimation.subset import GroupingError
from openpose_lab.lab.explain.data import Told


def tell(
    grouping: Grouping,
    name: str,
    config: Config,
    found: Estimate,
    done: Callable[[int], object] = lambda rows: None,
    like: Film | None = None,
) -> Told:
    """Run a grouping on the limbs of a photo, and film it.

    Args:
        grouping: the grouping.
        name: its name on the page.
        config: the configuration of the limbs.
        found: the limbs.
        done: a function that is called with 1 after each replayed row.
        like: another film of the same peaks, as in ``make_film``.

    Returns:
        The film, and the time of one run. The time is 0 if the grouping fails.
    """
    milliseconds = {"grouping": 0.0}
    with suppress(GroupingError), timed("grouping", milliseconds):  # the film shows the error
        estimate(config, found.connections, grouping)
    film = make_film(grouping, config, found.connections, done, like)
    return Told(name, grouping.door, film, milliseconds["grouping"])


def summary(told: Told) -> str:
    """Say how a film ends, and how many steps of which kind it has."""
    film = told.film
    steps = f"{len(film.frames) - 1} steps, {film.source}" if len(film.frames) > 1 else film.source
    return f"{'no answer' if film.breach else f'{len(film.rows)} people'}; {steps}"
