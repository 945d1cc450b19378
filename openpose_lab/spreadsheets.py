"""Text for the cells of spreadsheets."""

from __future__ import annotations

import re

_FORMULA = re.compile(r'(^|[;\t\r\n])([\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])')
"""Where a spreadsheet begins a formula: at the start of a cell, and after a separator that CSV does not quote."""


def text_cell(text: str) -> str:
    """Mark the places of a text where a spreadsheet would begin a formula.

    Args:
        text: The text of a cell of a CSV file.

    Returns:
        The text with an apostrophe at each such place, whichever separator the spreadsheet expects.
    """
    return _FORMULA.sub(r"\1\2'", text)
