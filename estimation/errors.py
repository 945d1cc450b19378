"""What programs turn into a sentence for the person at the keyboard."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_SENTENCE = 600
"""A last resort. Quote little of a file's content: ``one_line(text, 60)``."""
_SHOWN_END = 160
"""Letters at the end of a sentence that is too long to show whole: they say what to do."""


class OpenPoseLabError(Exception):
    """Something the user can put right. Its text is one sentence: what, where, what to do.

    The text may quote files and names of others: it is passed through ``one_line``.
    """

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


class OpenPoseLabWarning(UserWarning):
    """Something the user should know, though the work goes on. Its text is one sentence, as that of an error."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


def one_line(text: str, longest: int = _LONGEST_SENTENCE) -> str:
    """Make text of any origin safe to print.

    Args:
        text: The text.
        longest: Most letters of the result.

    Returns:
        The text on one line. Control characters, such as those that steer a terminal, are written as escapes. The
        middle of a text that is too long is left out.
    """
    text = _shortened(text, longest)  # before the escapes, so that the work is bounded
    text = re.sub(r"[\t\n\v\f\r]\s*", " ", text).strip()
    return _shortened(visible(text), longest)


def visible(text: str, kept: str = "") -> str:
    """Write control characters as escapes.

    Args:
        text: The text.
        kept: The control characters that stay.

    Returns:
        The text, with an escape in place of each letter of Unicode's categories of control characters.
    """
    controls = {letter for letter in set(text) - set(kept) if unicodedata.category(letter)[0] == "C"}
    return text.translate({ord(letter): letter.encode("unicode_escape").decode() for letter in controls})


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = min(_SHOWN_END, longest // 2)
    return f"{text[: longest - end - 3]} … {text[-end:]}"
