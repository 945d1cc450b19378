"""Extracts ``merge`` from a notebook: the statements that define it, and those that define the names it uses."""

from __future__ import annotations

import ast
import json
import re
import symtable
from dataclasses import dataclass
from typing import Any, NamedTuple

LARGEST_NOTEBOOK = 16 << 20
"""The size limit in bytes. Most of a notebook's size comes from pictures in its outputs."""
_MOST_CODE = 200_000
"""The limit of characters of code in all cells."""
_WRITEFILE = re.compile(r"%%writefile\s+(?:-a\s+)?\S*merge\.py\s*$")
_TIMED = re.compile(r"%%(time|timeit|capture|prun)\b")
_MAGIC = re.compile(r"(\s*)(%{1,2}[A-Za-z]|!(?!=)|\?|[\w., ]+=\s*(!|%[A-Za-z])|[\w.]+\?{1,2}\s*$)")
"""A line that is valid in IPython but not in Python."""


class NotebookError(Exception):
    """The reason why a notebook has no merge, as the end of a sentence."""


@dataclass(frozen=True)
class NotebookCode:
    """Python code extracted from a notebook.

    Attributes:
        code: the code, in UTF-8.
        places: for each line of the code its code cell and its line in that cell, both from 1.
    """

    code: bytes
    places: tuple[tuple[int, int], ...]

    def locate(self, sentence: str) -> str:
        """Rewrite line numbers of the code, such as ``line 7``, in a sentence as places in the notebook."""
        return re.sub(r"\bline (\d+)\b", self._located, sentence)

    def _located(self, found: re.Match[str]) -> str:
        number = int(found[1])
        if not 0 < number <= len(self.places):
            return found[0]
        cell, line = self.places[number - 1]
        return f"line {line} of code cell {cell}"


def merge_of_notebook(data: bytes) -> NotebookCode:
    """Extract ``merge`` from a notebook. Nothing is executed.

    Args:
        data: the bytes of an .ipynb file.

    Returns:
        The top-level statements of the code cells that bind ``merge`` or a name that it needs, in order. Cells that
        test it or show pictures are left out. A cell that defines merge but is not valid Python is taken whole, so
        that running it reports the syntax error.

    Raises:
        NotebookError: The notebook defines no merge, has too much code, or is damaged.
    """
    cells = _code_cells(data)
    if sum(map(len, cells)) > _MOST_CODE:
        raise NotebookError(f"the notebook has more than {_MOST_CODE // 1000} kB of code")
    statements: list[_Statement] = []
    for number, cell in enumerate(cells, start=1):
        try:
            statements += _statements(cell, number)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            if re.search(r"^\s*def\s+merge\b", cell, re.MULTILINE):
                return _joined([_Statement(cell, number, 1, set(), set())])
    needed, taken = {"merge", "*"}, set[int]()
    while new := {n for n, one in enumerate(statements) if one.binds & needed} - taken:
        taken |= new
        needed |= {name for n in new for name in statements[n].uses}
    if not any("merge" in statements[n].binds for n in taken):
        raise NotebookError("the notebook defines no function merge in its code cells")
    return _joined([statements[n] for n in sorted(taken)])


class _Statement(NamedTuple):
    """A top-level statement of a code cell, with the names that it binds and the names that it uses."""

    text: str
    cell: int
    line: int
    binds: set[str]
    uses: set[str]


def _joined(statements: list[_Statement]) -> NotebookCode:
    places = [(one.cell, one.line + k) for one in statements for k in range(one.text.count("\n") + 1)]
    text = "".join(f"{one.text}\n" for one in statements)
    return NotebookCode(text.encode("utf-8", "replace"), tuple(places))


def _code_cells(data: bytes) -> list[str]:
    try:
        notebook = json.loads(data)
        sheets = notebook.get("worksheets")  # in versions of the format up to 3
        cells = sheets[0]["cells"] if sheets else notebook["cells"]
        code = [_text(cell.get("source", cell.get("input"))) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise NotebookError("the file is not a notebook, or it is damaged") from None
    return [_python(cell) for cell in code]


def _text(source: Any) -> str:
    return (source if isinstance(source, str) else "".join(source or ())).replace("\r\n", "\n")


def _python(cell: str) -> str:
    """Replace the lines of a cell that are valid only in IPython."""
    start = cell.lstrip()
    first, _, rest = start.partition("\n")
    if first.startswith("%%"):
        if not (_WRITEFILE.match(first) or _TIMED.match(first)):
            return ""  # a cell in another language
        blank = cell[: len(cell) - len(start)].count("\n")
        cell = "#\n" * (blank + 1) + rest  # keeps the line numbers
    return "\n".join(
        f"{found[1]}pass  # {line.strip()}" if (found := _MAGIC.match(line)) else line for line in cell.split("\n")
    )


def _statements(cell: str, number: int) -> list[_Statement]:
    lines = cell.split("\n")
    found: list[_Statement] = []
    for statement in ast.parse(cell).body:
        first = min([statement.lineno, *(one.lineno for one in getattr(statement, "decorator_list", []))])
        binds = _bound(statement)
        if found and first < found[-1].line + found[-1].text.count("\n") + 1:  # on one line with the statement before
            first, binds = found[-1].line, binds | found.pop().binds
        text = "\n".join(lines[first - 1 : statement.end_lineno])
        found.append(_Statement(text, number, first, binds, _used(text)))
    return found


def _used(text: str) -> set[str]:
    """Return the names that a statement takes from outside. These exclude a function's local names.

    Reason: another cell may bind a name that is local here, such as ``rows``, in a statement that cannot run in the
    grader.
    """
    used: set[str] = set()
    tables = [symtable.symtable(text, "<cell>", "exec")]
    while tables:
        table = tables.pop()
        outermost = table.get_type() == "module"
        used |= {
            one.get_name() for one in table.get_symbols() if one.is_global() or (outermost and one.is_referenced())
        }
        tables += table.get_children()
    return used


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds outside functions and classes; "*" means an import of all names."""
    names: set[str] = set()
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        left += ast.iter_child_nodes(node)
    return names
