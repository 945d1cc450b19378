"""Skeleton layouts, one file each. A file with a ``LAYOUT`` in this folder adds one.

A network names the layout that its channels have. All index tables of the project are in here.
"""

from estimation.discovery import collect
from estimation.layouts.layout import Layout, Limb, other_side

__all__ = ["LAYOUTS", "Layout", "Limb", "other_side"]

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in collect(__name__, __path__, "LAYOUT")}
"""Every layout by its name."""
