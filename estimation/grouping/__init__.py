"""Grouping is a plug-in: any function or file with a ``merge`` can take the place of the project's."""

from estimation.grouping.plugin import LAB_MERGE, Merge, load_merge, run_merge

__all__ = ["LAB_MERGE", "Merge", "load_merge", "run_merge"]
