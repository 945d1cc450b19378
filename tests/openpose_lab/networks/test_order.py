"""The modules of networks import each other one way."""

import ast
from graphlib import TopologicalSorter

import pytest

from tests.conftest import ROOT

PACKAGE = "openpose_lab.networks"


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in (ROOT / "openpose_lab" / "networks").rglob("*.py")}


def imported(module):
    """The modules of networks that a module imports, anywhere in its code."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found & MODULES.keys() - {PACKAGE}


def test_there_is_no_cycle():
    order = list(TopologicalSorter({module: imported(module) for module in MODULES}).static_order())
    assert order.index(f"{PACKAGE}.runtimes.keras") < order.index(f"{PACKAGE}.vgg19")
    assert order.index(f"{PACKAGE}.catalogue") < order.index(f"{PACKAGE}.loading")


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith(f"{PACKAGE}.importers.")])
def test_importers_know_only_what_they_return(module):
    others = {name for name in imported(module) if not name.startswith(f"{PACKAGE}.importers")}
    assert others <= {f"{PACKAGE}.runtimes", f"{PACKAGE}.runtimes.tensorflow_loading"}
