"""The command ``openpose-lab``. It finds the subcommands by listing the folder ``commands``, and runs one."""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

if not __package__:  # started by its path, as in: python lab/openpose_lab check-merge
    _HERE = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [os.path.dirname(_HERE), *(entry for entry in sys.path if os.path.realpath(entry) != _HERE)]

from estimation.discovery import modules_in
from estimation.errors import OpenPoseLabError
from openpose_lab.commands.program import let_interrupts_end, start

_FOLDER = Path(__file__).parent / "commands"
_DEMO = "image"
_USAGE = """usage: openpose-lab [PHOTO] [options]
       openpose-lab COMMAND [options]

Find the people in a photo: draw their skeletons, or write them as JSON. Without a photo, the sample is used.
`openpose-lab image --help` lists the options.

commands:
{commands}

`openpose-lab COMMAND --help` explains a command. In a clone, `python -m openpose_lab` does the same.
"""


def main() -> int:
    """Run the subcommand that the command line names, and return the exit status for ``sys.exit``."""
    let_interrupts_end()
    arguments = sys.argv[1:]
    if arguments[:1] in (["--help"], ["-h"]):
        return start("openpose-lab", print_usage, arguments)
    names = command_names()
    name = arguments[0].replace("_", "-") if arguments else _DEMO
    if name in names:
        return start("openpose-lab" if name == _DEMO else name, partial(_run_command, name), arguments[1:])
    return start("openpose-lab", partial(_run_demo, list(names)), arguments)


def _run_command(name: str, arguments: Sequence[str]) -> None:
    importlib.import_module(f"openpose_lab.commands.{name.replace('-', '_')}").main(arguments)


def _run_demo(names: Sequence[str], arguments: Sequence[str]) -> None:
    """Run the demo, unless its first argument looks like a mistyped command."""
    first = Path(arguments[0]) if arguments else Path()
    if re.fullmatch(r"[A-Za-z][\w-]*", str(first)) and not os.path.exists(first):
        import difflib

        similar = difflib.get_close_matches(str(first).lower().replace("_", "-"), names, n=1)
        advice = f"did you mean {similar[0]}?" if similar else "`openpose-lab --help` lists the commands"
        raise OpenPoseLabError(f"there is no command and no photo {first}; {advice}")
    _run_command(_DEMO, arguments)


def command_names() -> dict[str, str]:
    """Return the subcommands by name, each with the first paragraph of its module. No command is imported."""
    found = {}
    for path in modules_in(_FOLDER):
        try:
            module = ast.parse(path.read_bytes())
        except SyntaxError as error:  # the other commands still run
            found[path.stem.replace("_", "-")] = f"(cannot be read: line {error.lineno}: {error.msg})"
            continue
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in module.body):
            summary = (ast.get_docstring(module) or "").split("\n\n")[0]
            found[path.stem.replace("_", "-")] = " ".join(summary.split())
    return found


def print_usage(arguments: Sequence[str]) -> None:
    """Print the usage, with one line for each subcommand."""
    names = command_names()
    width = max(map(len, names))
    print(_USAGE.format(commands="\n".join(f"  {name:{width}}  {summary}" for name, summary in names.items())), end="")


if __name__ == "__main__":
    sys.exit(main())
