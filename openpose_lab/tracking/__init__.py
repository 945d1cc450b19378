"""Trackers: they give identities to the people in successive frames of a video.

A tracker is a plug-in, like a grouping. A file with a ``TRACKER`` in this folder adds a tracker. The tracker has the
name of the file.
"""

from openpose_lab.tracking.identify import identify
from openpose_lab.tracking.plugin import TRACKERS, CheckedTracker, TrackerError, load_tracker
from openpose_lab.tracking.tracker import Tracker

__all__ = ["DEFAULT_TRACKER", "TRACKERS", "CheckedTracker", "Tracker", "TrackerError", "identify", "load_tracker"]

DEFAULT_TRACKER = "oks"
