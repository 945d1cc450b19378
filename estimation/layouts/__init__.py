"""Skeleton layouts, one file each. To add a layout, add a file with a ``LAYOUT`` to this folder.

Each network names the layout of its channels.
"""

from estimation.discovery import collect_by_name
from estimation.layouts.layout import Layout, Limb, other_side

__all__ = ["LAYOUTS", "Layout", "Limb", "other_side"]

LAYOUTS: dict[str, Layout] = collect_by_name(__name__, __path__, "LAYOUT")
"""Every layout by its name."""
