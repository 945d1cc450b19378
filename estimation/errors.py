"""What programs turn into a sentence for the person at the keyboard."""


class OpenPoseLabError(Exception):
    """Something the user can put right. Its text is one sentence: what, where, what to do."""


class OpenPoseLabWarning(UserWarning):
    """Something the user should know, though the work goes on. Its text is one sentence."""
