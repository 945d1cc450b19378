"""The table of people as a data frame of pandas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from estimation.layouts import Layout
from openpose_lab.extras import require
from openpose_lab.formats.record import Record
from openpose_lab.formats.tables import column_types, people_columns
from openpose_lab.formats.units import PIXELS

if TYPE_CHECKING:
    import pandas as pd


def to_dataframe(records: Record | Iterable[Record], layout: Layout, unit: str = PIXELS) -> pd.DataFrame:
    """Make a data frame of people.

    Args:
        records: the people of one photo or of several.
        layout: the layout of the skeletons, such as ``network.config.layout``.
        unit: the unit of x and y: ``pixels``, ``0..1`` or ``-1..1``.

    Returns:
        A row a person, the surest of each photo first, with the columns of ``--csv``. Missing parts are NaN.

    Raises:
        OpenPoseLabError: pandas is not installed.
        ValueError: no unit has the name, or skeletons have another layout.
    """
    require("pandas", "to_dataframe")
    import pandas as pd

    photos = [records] if isinstance(records, Record) else records
    columns = [people_columns(record, layout, unit) for record in photos]
    return pd.DataFrame(
        {
            name: np.concatenate([np.empty(0, dtype), *(one[name] for one in columns)])
            for name, dtype in column_types(layout, unit).items()
        }
    )
