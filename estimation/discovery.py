"""Finding what the files of a folder offer, so that adding one edits no other file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any


def collect(package: str, folders: Iterable[str], attribute: str) -> list[Any]:
    """Import the modules of a package and collect one attribute of each.

    Args:
        package: the package's name.
        folders: the package's ``__path__``.
        attribute: the attribute's name. Modules without it are left out.

    Returns:
        The values, in the order of the modules' names.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(folders))
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    return [getattr(module, attribute) for module in modules if hasattr(module, attribute)]
