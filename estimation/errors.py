"""Errors and warnings that programs show to the user as one sentence."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_SENTENCE = 600
"""Most letters of a message, as a last resort. Quote only a little of a file's content: ``one_line(text, 60)``."""
_SHOWN_END = 160
"""Letters that are kept at the end of a message that is too long. The end says what to do."""


class OpenPoseLabError(Exception):
    """A mistake that the user can correct. Its text is one sentence: what happened, where, and what to do.

    The text may quote unknown files and names, so it passes through ``one_line``.
    """

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


class OpenPoseLabWarning(UserWarning):
    """A fact that the user should know while the work continues. Its text is one sentence, as in an error."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


def one_line(text: str, longest: int = _LONGEST_SENTENCE) -> str:
    """Make text of any origin safe to print.

    Args:
        text: The text.
        longest: Most letters of the result.

    Returns:
        The text on one line. Control characters, such as terminal commands, are written as escapes. If the text is too
        long, its middle is replaced by "…".
    """
    text = _shortened(text, longest)  # shorten before the escapes, to bound the work
    text = re.sub(r"[\t\n\v\f\r]\s*", " ", text).strip()
    return _shortened(visible(text), longest)


def visible(text: str, kept: str = "") -> str:
    """Write control characters as escapes.

    Args:
        text: The text.
        kept: The control characters that stay.

    Returns:
        The text, with an escape for each letter of Unicode's categories of control characters.
    """
    controls = {letter for letter in set(text) - set(kept) if unicodedata.category(letter)[0] == "C"}
    return text.translate({ord(letter): letter.encode("unicode_escape").decode() for letter in controls})


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = min(_SHOWN_END, longest // 2)
    return f"{text[: longest - end - 3]} … {text[-end:]}"
