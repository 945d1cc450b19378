"""The names and files of the built-in groupings. This module is small, so programs can list the names quickly."""

from __future__ import annotations

from pathlib import Path

LAB_MERGE = Path(__file__).parent / "merge.py"
"""The file that students edit."""
_FOLDER = Path(__file__).parent / "grouping"
_OTHERS = ("openpose_cpu", "openpose_cuda", "hungarian", "spanning_tree", "best_first", "optimal")
_FILES = {name: _FOLDER / f"{name}.py" for name in _OTHERS}
GROUPINGS = {"lab": LAB_MERGE, **{name: path for name, path in _FILES.items() if path.is_file()}}
"""The file of each built-in grouping, by name. The lab's handout contains only the first, which students write."""
