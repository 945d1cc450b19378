"""The table of people as a pandas data frame."""

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
    """Convert records to a pandas data frame.

    Args:
        records: The people of one photo or of several photos.
        layout: The layout of the skeletons, such as ``network.config.layout``.
        unit: The unit of x and y: ``pixels``, ``0..1`` or ``-1..1``.

    Returns:
        One row per person, with the columns of ``--csv``. The people of a photo are sorted by person score, highest
        first. Missing parts are NaN.

    Raises:
        OpenPoseLabError: pandas is not installed.
        ValueError: The unit is unknown, or the skeletons have another layout.
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
