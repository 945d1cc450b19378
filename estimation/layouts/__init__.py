"""Skeleton layouts, one file each. A file with a ``LAYOUT`` in this folder adds one.

A network names the layout that its channels have.
"""

from estimation.discovery import collect_by_name
from estimation.layouts.layout import Layout, Limb, other_side

__all__ = ["LAYOUTS", "Layout", "Limb", "other_side"]

LAYOUTS: dict[str, Layout] = collect_by_name(__name__, __path__, "LAYOUT")
"""Every layout by its name."""
