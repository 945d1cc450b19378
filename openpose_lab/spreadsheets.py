"""Text for the cells of spreadsheets."""

from __future__ import annotations

import re

_FORMULA = re.compile(r'(^|[;\t\r\n])([\s"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])')
"""Where a spreadsheet may see a formula: at the start of a cell, and after separators that CSV does not quote."""


def text_cell(text: str) -> str:
    """Put an apostrophe before each place in a text where a spreadsheet would see a formula.

    Args:
        text: The text of a cell in a CSV file.

    Returns:
        The text with the apostrophes. It is safe for any separator that the spreadsheet expects.
    """
    return _FORMULA.sub(r"\1\2'", text)
