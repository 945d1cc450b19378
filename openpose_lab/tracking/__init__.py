"""Identities: who is who in successive frames of a video.

A tracker is a plug-in, as a grouping is. A file with a ``TRACKER`` in this folder adds one under the file's name.
"""

from openpose_lab.tracking.identify import identify
from openpose_lab.tracking.plugin import TRACKERS, CheckedTracker, TrackerError, load_tracker
from openpose_lab.tracking.tracker import Tracker

__all__ = ["DEFAULT_TRACKER", "TRACKERS", "CheckedTracker", "Tracker", "TrackerError", "identify", "load_tracker"]

DEFAULT_TRACKER = "oks"
