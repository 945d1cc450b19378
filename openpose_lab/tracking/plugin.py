"""Find and run a tracker. Every failure of a plug-in is reported in one sentence."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.discovery import names_of_modules
from estimation.errors import OpenPoseLabError, OpenPoseLabWarning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from estimation.layouts import Layout
    from estimation.skeletons import Skeletons

_FOLDER = Path(__file__).parent
TRACKERS = tuple(names_of_modules([str(_FOLDER)], "TRACKER"))
"""The name of every built-in tracker. A tracker has the name of its file."""
CHANGES = "changes the skeletons that it receives; change a copy instead"
"""The end of the warning about a tracker that changes its input."""
_SIGNATURE = "update(skeletons, timestamp)"


class TrackerError(OpenPoseLabError):
    """A tracker failed, or its answer breaks the contract."""


@dataclass(frozen=True)
class _Function:
    """The tracker of a file that defines a function ``update`` instead of a class."""

    update: Callable[..., Any]


class CheckedTracker:
    """A tracker of one video. It gets copies of the skeletons, and its answers are checked.

    Attributes:
        source: The file of the tracker.
    """

    def __init__(self, make: Callable[[], Any], source: Path) -> None:
        """Create the tracker.

        Args:
            make: A function that creates an object with the method ``update`` of ``Tracker``.
            source: The file of the tracker, for messages.

        Raises:
            TrackerError: The tracker cannot be created.
        """
        self.source = source
        self._make = make
        self._tracker: Any = None
        self._told: set[str] = set()
        self.reset()

    def update(self, skeletons: Skeletons, timestamp: float) -> NDArray[np.intp]:
        """Give identities to the people of the next frame.

        Args:
            skeletons: The n people, in pixels. The tracker gets a copy.
            timestamp: Seconds from the start of the video.

        Returns:
            (n,) intp: identities from 0, each at most once. ``NO_IDENTITY`` for a person without an identity.

        Raises:
            TrackerError: The tracker raises an exception, or its answer breaks the contract.

        Warns:
            OpenPoseLabWarning: The tracker prints, or changes the skeletons that it receives. Each warning is given
                once per video.
        """
        from openpose_lab.tracking.contract import find_fault, read_identities

        given = _copy(skeletons)
        answer = self._run(lambda: self._tracker.update(given, timestamp))
        identities: NDArray[np.intp] = read_identities(answer)
        if fault := find_fault(identities, len(skeletons)):
            raise TrackerError(f"update in {self.source} broke the contract: {fault}")
        if people_differ(skeletons, given):
            self._tell(CHANGES)
        return identities

    def reset(self) -> None:
        """Create a new tracker for another video.

        Raises:
            TrackerError: The tracker cannot be created.
        """
        self._tracker = self._run(self._make)

    def _run(self, function: Callable[[], Any]) -> Any:
        """Run the plug-in's code. Turn its exceptions, and its attempts to end the program, into TrackerError."""
        from estimation.grouping.plugin import Printed, describe_error, guarded

        printed = Printed(None)
        try:
            with guarded(printed):
                value = function()
        except (KeyboardInterrupt, TrackerError):
            raise
        except BaseException as error:  # includes SystemExit, because a plug-in must not end the program
            raise TrackerError(f"the tracker in {self.source} failed: {describe_error(error, self.source)}") from error
        if printed.length:
            self._tell(f"prints {printed.beginning!r}; remove the prints, because every frame calls update")
        return value

    def _tell(self, sentence: str) -> None:
        if sentence.split()[0] not in self._told:
            self._told.add(sentence.split()[0])
            warnings.warn(f"the tracker in {self.source} {sentence}", OpenPoseLabWarning, stacklevel=4)


def load_tracker(tracker: str | Path, layout: Layout) -> CheckedTracker:
    """Load a tracker by its name in ``TRACKERS``, or by its Python file, which is executed.

    Args:
        tracker: The name or the path. A file defines a class ``Tracker`` with a method
            ``update(skeletons, timestamp)``, or a function ``update``. The class is called once per video, with the
            layout if it takes an argument. A file may import files beside it.
        layout: The layout of the skeletons.

    Returns:
        The tracker, for one video.

    Raises:
        TrackerError: The file is missing, does not run, or defines no tracker.
    """
    name = str(tracker)
    if name in TRACKERS:
        made = importlib.import_module(f"openpose_lab.tracking.{name}").TRACKER
        return CheckedTracker(lambda: made(layout), _FOLDER / f"{name}.py")
    path = find_file(tracker)
    return CheckedTracker(maker_of(path, layout), path)


def find_file(tracker: str | Path) -> Path:
    """Return the path of a tracker's file. Raises TrackerError if it is not a Python file."""
    from estimation.grouping.plugin import check_form

    path = Path(tracker)
    if not os.path.isfile(path):
        raise TrackerError(
            f"there is no tracker {tracker}; give the path of a Python file with a class Tracker, or one of "
            f"{', '.join(TRACKERS)}"
        )
    check_form(path, _kind())
    return path


def _kind() -> Any:
    from estimation.grouping.plugin import FileKind

    return FileKind("tracker file", TrackerError)


def maker_of(path: Path, layout: Layout) -> Callable[[], Any]:
    """Execute the file of a tracker.

    Args:
        path: A path that ``find_file`` returned.
        layout: The layout of the skeletons.

    Returns:
        A function that creates a tracker for one video.

    Raises:
        TrackerError: The file does not run, or defines no tracker.
    """
    from estimation.grouping.plugin import execute, parameters_of

    found = vars(execute(path, _kind()))
    made = found.get("Tracker")
    if isinstance(made, type):
        if not callable(getattr(made, "update", None)):
            raise TrackerError(f"the class Tracker in {path} has no method update; define {_SIGNATURE} in it")
        return (lambda: made(layout)) if parameters_of(made) else made
    update = found.get("update")
    if callable(update):
        return lambda: _Function(update)
    raise TrackerError(
        f"the tracker file {path} has neither a class Tracker nor a function update; define {_SIGNATURE} in it"
    )


def _copy(skeletons: Skeletons) -> Skeletons:
    return replace(skeletons, **{field.name: getattr(skeletons, field.name).copy() for field in fields(skeletons)})


def people_differ(first: Skeletons, second: Skeletons) -> bool:
    """Return whether two skeletons differ in any number."""
    import numpy as np

    return any(
        not np.array_equal(getattr(first, one.name), getattr(second, one.name), equal_nan=True) for one in fields(first)
    )
