"""Find the values that the files of a folder define. To add a value, add a file; no other file changes."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def collect(package: str, folders: Iterable[str], attribute: str) -> list[Any]:
    """Import the modules of a package that define an attribute, and collect the values of the attribute.

    Other modules of the package are not imported, so they may import the collected values.

    Args:
        package: the package's name.
        folders: the package's ``__path__``.
        attribute: the attribute's name. A module defines it by an assignment at its top level.

    Returns:
        The values, in the order of the modules' names.
    """
    modules = [importlib.import_module(f"{package}.{name}") for name in names_of_modules(folders, attribute)]
    return [getattr(module, attribute) for module in modules]


def names_of_modules(folders: Iterable[str], attribute: str) -> list[str]:
    """Return the sorted names of the modules that ``collect`` would import, without importing them."""
    paths = [path for folder in folders for path in modules_in(Path(folder)) if _defines(path, attribute)]
    return sorted(path.stem for path in paths)


def modules_in(folder: Path) -> list[Path]:
    """Return the sorted paths of the modules in a folder.

    Files with names that Python cannot import are skipped: an editor's locks, hidden files of a system, copies.
    """
    return sorted(path for path in folder.glob("*.py") if path.stem.isidentifier() and path.is_file())


def collect_by_name(package: str, folders: Iterable[str], attribute: str) -> dict[str, Any]:
    """Collect values as ``collect`` does, and map them by their ``name``.

    Raises:
        ValueError: two values have the same name.
    """
    return by_name(f"files of {package}", collect(package, folders, attribute))


def by_name(what: str, values: Sequence[Any]) -> dict[str, Any]:
    """Map values by their ``name``.

    Args:
        what: the name of the values in the error message.
        values: the values.

    Returns:
        The values by name.

    Raises:
        ValueError: two values have the same name.
    """
    names = [value.name for value in values]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two {what} have the name {min(twice)!r}; choose another name for one of them")
    return dict(zip(names, values))


def _defines(path: Path, attribute: str) -> bool:
    source = path.read_bytes()
    if not re.search(rb"\b%b\b" % attribute.encode(), source):  # parsing takes longer
        return False
    for node in ast.parse(source, str(path)).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
            return True
    return False
