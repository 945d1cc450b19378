"""Write docs/options.md: a table of the options of each program, made from the programs' own parsers."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

from estimation.discovery import modules_in
from openpose_lab.__main__ import command_names
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.paths import ROOT

Main = Callable[[Sequence[str]], None]

EXAMPLES = """example:
  python -m scripts.options_page
"""
PAGE = ROOT / "docs" / "options.md"
COMMAND = "python -m scripts.options_page"
"""Writes the page. The test that finds an old page names it."""
_WIDTH = 100
_DEFAULT = re.compile(r"\s*\(default: ([^()]*)\)|^default: (.*)")
"""A default as ``--help`` states it."""
_TOP = """# Options

This page answers: which options does a program have, what does each do, and what is its default?
For example, the table of [image](#image) explains this command:

```
.venv/bin/python demo_image.py --quality best --json people.json
```

`openpose-lab NAME --help` prints the same options on the terminal, with more examples. In a clone,
`.venv/bin/python -m openpose_lab NAME` starts the same programs. Square brackets mark values that
can be left out, and three dots mark values that can be repeated. An option without a value is off
unless it is given. A dash in the last column means that the option has no default.
"""
_MARK = """<!-- Written by `{command}` from the programs' own parsers.
Change the help of the programs, not this page. -->
"""


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    from estimation.files import write_whole  # the page itself needs no library

    parser = make_parser(COMMAND, __doc__, EXAMPLES)
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE", help="the page (default: docs/options.md)")
    options = parser.parse_args(arguments)
    write_whole(options.out, page().encode())
    print(f"wrote {shown(options.out)}")


# Parsers


def programs() -> dict[str, Main]:
    """Return the main function of each subcommand of openpose-lab, in the order of ``openpose-lab --help``."""
    modules = {name: f"openpose_lab.commands.{name.replace('-', '_')}" for name in command_names()}
    return {name: importlib.import_module(module).main for name, module in modules.items()}


def demos() -> dict[str, Main]:
    """Return the main functions of the files ``demo_NAME.py``, each by the subcommand ``NAME`` that it runs."""
    stems = [path.stem for path in modules_in(ROOT) if path.stem.startswith("demo_")]
    return {stem.removeprefix("demo_"): importlib.import_module(stem).main for stem in stems}


def parser_of(program: Main) -> argparse.ArgumentParser:
    """Return the parser that a program makes. The program ends before it parses.

    Raises:
        ValueError: The program parses no command line.
    """

    found: list[argparse.ArgumentParser] = []

    def end(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        found.append(parser)
        raise SystemExit

    with patch.object(argparse.ArgumentParser, "parse_args", end), suppress(SystemExit):
        program([])
    if not found:
        raise ValueError("the program parses no command line")
    return found[0]


# The page


def page() -> str:
    """Return the text of the page, in Markdown."""
    by_name = {name: parser_of(program) for name, program in programs().items()}
    of_demos = {name: parser_of(program) for name, program in demos().items()}
    index = [f"| [{name}](#{name}) | {_cell(_summary(parser))} |" for name, parser in by_name.items()]
    parts = [_TOP, _MARK.format(command=COMMAND), "| program | what it does |\n|---|---|\n" + _lines(index)]
    for name, parser in by_name.items():
        usages = [_usage(each) for each in (of_demos.get(name), parser) if each is not None]
        parts.append(f"## {name}\n")
        parts += _section(parser, usages)
        for command, below in _subcommands(parser):
            parts.append(f"### {name} {command}\n")
            parts += _section(below, [_usage(below)])
    return "\n".join(parts)


def _section(parser: argparse.ArgumentParser, usages: Iterable[str]) -> Iterator[str]:
    """Make the section of a program without its heading: its summary, its command line, and its tables."""
    yield _lines(textwrap.wrap(_prose(_summary(parser)), _WIDTH, break_on_hyphens=False))
    yield f"```\n{_lines(usages)}```\n"
    for group in parser._action_groups:  # argparse has no public way to its groups
        rows = [_row(action, parser.prog) for action in group._group_actions if _is_listed(action)]
        if rows:
            kind = "argument" if group is parser._positionals else "option"
            if group not in (parser._positionals, parser._optionals):
                yield f"**{_prose(group.title or kind)}**\n"
            yield f"| {kind} | what it does | default |\n|---|---|---|\n" + _lines(rows)
    for exclusive in parser._mutually_exclusive_groups:
        *names, last = [f"`{action.option_strings[-1]}`" for action in exclusive._group_actions]
        yield f"At most one of {', '.join(names)} and {last} can be given.\n"


def _subcommands(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [(name, below) for action in actions for name, below in action.choices.items()]


def _is_listed(action: argparse.Action) -> bool:
    """Return whether an action gets a row in the tables. ``--help`` and subcommands do not."""
    others = isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    return not others and action.help != argparse.SUPPRESS


def _row(action: argparse.Action, program: str) -> str:
    text = _everywhere((action.help or "") % {**vars(action), "prog": program})
    stated = _DEFAULT.search(text)
    what = _DEFAULT.sub("", text)
    default = (stated[1] or stated[2]) if stated else _unstated_default(action)
    invocation = " ".join(part for part in (", ".join(action.option_strings), _values(action)) if part)
    return f"| `{invocation.replace('|', chr(92) + '|')}` | {_cell(what)} | {_cell(default)} |"


def _values(action: argparse.Action) -> str:
    """Write the values that an argument takes as ``--help`` writes them, such as ``[NAME ...]``."""
    if action.nargs == 0:
        return ""
    choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices is not None else None
    names = action.metavar or choices or (action.dest.upper() if action.option_strings else action.dest)
    if not isinstance(names, str):  # a tuple names each value
        return " ".join(names)
    if isinstance(action.nargs, int):
        return " ".join([names] * action.nargs)
    return {"?": f"[{names}]", "*": f"[{names} ...]", "+": f"{names} [{names} ...]"}.get(action.nargs or "", names)


def _unstated_default(action: argparse.Action) -> str:
    """Return the default of an option if its help does not state it."""
    if action.required and action.nargs not in ("?", "*"):
        return "required"
    if action.nargs == 0:
        return "off"
    values = action.default if isinstance(action.default, list | tuple) else [action.default]
    return " ".join(str(value) for value in values if value is not None) or "-"


def _usage(parser: argparse.ArgumentParser) -> str:
    """Write the command line of a program: its arguments, and the options that it requires."""
    actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    options = [action for action in actions if action.option_strings]
    words = [parser.prog]
    words += [f"{action.option_strings[-1]} {_values(action)}" for action in options if action.required]
    words += ["[options]"] if any(not action.required for action in options) else []
    words += [
        "COMMAND [options]" if isinstance(action, argparse._SubParsersAction) else _values(action)
        for action in actions
        if not action.option_strings
    ]
    return " ".join(words)


def _summary(parser: argparse.ArgumentParser) -> str:
    """Return the first paragraph of a program's description."""
    return _everywhere((parser.description or "").split("\n\n")[0])


def _everywhere(text: str) -> str:
    """Return a text of a parser as one line that is the same on each system and from each folder."""
    return " ".join(text.replace(f"{ROOT}{os.sep}", "").replace("\\", "/").split())


def _prose(text: str) -> str:
    """Escape what Markdown would read as more than text, and set options as code."""
    text = re.sub(r"([*<>|])", r"\\\1", text)
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)", r"`\1`", text)


def _cell(text: str) -> str:
    return _prose(text).strip() or " "


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(start("options_page", main, sys.argv[1:]))
