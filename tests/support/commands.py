"""The commands that documents and ``--help`` show: found, parsed by the programs' own parsers, and made to run."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re
import shlex
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest.mock import patch

from markdown_it import MarkdownIt

from scripts import options_page
from scripts.options_page import parser_of
from tests.conftest import ROOT

_PARSER = MarkdownIt("commonmark").enable("table")
_SHELL = ("sh", "bash", "shell", "console")
"""Languages of blocks with commands only; with ``console`` those are the lines after ``$``."""
_MIXED = ("", "text", "powershell")
"""Languages of blocks in which lines that begin with a program are commands, and others may be outputs."""
_PYTHON = re.compile(r"python[\d.]*|py")
_PLACEHOLDER = re.compile(r"(?:[A-Z]{2,}|\.\.\.|…)")


programs = cache(options_page.programs)


@dataclass(frozen=True)
class Command:
    """A command as a document shows it.

    Attributes:
        program: What is started: a subcommand of openpose-lab, a module such as ``scripts.tune`` or ``pip``, or
            ``make``.
        arguments: Its arguments.
        standard_input: The file that ``cat FILE |`` before it gives, if there is one.
    """

    program: str
    arguments: tuple[str, ...]
    standard_input: str | None = None

    @property
    def line(self) -> str:
        return " ".join([self.program, *self.arguments])

    def to_run(self) -> list[str]:
        """The command line for ``subprocess``, for a subcommand of openpose-lab."""
        return [sys.executable, "-m", "openpose_lab", self.program, *self.arguments]


def commands_of(text: str) -> tuple[list[Command], list[str]]:
    """Find the commands in Markdown: those in blocks, and those in code within sentences.

    Returns:
        The commands, and the lines of blocks for a shell that begin with no known program.
    """
    found, unknown = [], []
    for token in _tokens(text):
        if token.type == "code_inline":
            command = command_of(" ".join(token.content.split()))
            if command and command.arguments:  # else the sentence only names the program
                found.append(command)
        elif token.type == "fence":
            language = token.info.split()[0] if token.info.strip() else ""
            for line in _lines(token.content, language):
                command = None if line.startswith("demo_") else command_of(line)  # a file in a list of files
                if command:
                    found.append(command)
                elif language in _SHELL:
                    unknown.append(line)
    return found, unknown


def examples_of(parser: argparse.ArgumentParser) -> list[Command]:
    """Find the commands that a program's ``--help`` gives as examples."""
    lines = re.sub(r"\\\n\s*", "", parser.epilog or "").splitlines()
    lines = [line for line in lines if line.startswith("  ")]
    columns = Counter(gap.end() for line in lines if (gap := re.search(r"\S\s{2,}", line)))
    column = columns.most_common(1)[0][0] if columns else 0  # where comments begin, after a long command too
    found = []
    for line in lines:
        command = command_of(re.split(r"\s{2,}", line.strip())[0])
        if command and why_wrong(command):
            command = command_of(line[:column]) or command
        found.append(command)
    return [command for command in found if command]


def _tokens(text):
    for block in _PARSER.parse(text):
        yield block
        yield from block.children or []


def _lines(block: str, language: str) -> list[str]:
    """The lines of a block that may be commands; a line that ends with a backslash goes on in the next."""
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    if language not in (*_SHELL, *_MIXED):
        return []
    if language == "console" or any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def command_of(line: str) -> Command | None:
    """Read a command line, or return None if it begins with no known program.

    ``>`` and what follows is left out, as is a variable that is set before the program.
    """
    try:
        words = shlex.split(line.replace("\\", "/"), comments=True)
    except ValueError:  # a quotation mark in an output
        return None
    words = words[: words.index(">")] if ">" in words else words
    standard_input = None
    if words[:1] == ["cat"] and words[2:3] == ["|"]:
        standard_input, words = words[1], words[3:]
    while words and re.fullmatch(r"\w+=\S*", words[0]):
        words = words[1:]
    if any(word.startswith("[") for word in words):  # how a program is started, and no command
        return None
    if len(words) < 2:
        return Command("image", ()) if words and words[0].endswith("bin/openpose-lab") else None
    program, rest = words[0].rsplit("/", 1)[-1], words[1:]
    if _PYTHON.fullmatch(program):
        rest = rest[1:] if re.fullmatch(r"-3(\.\d+)?", rest[0]) else rest  # py -3.12
        return _of_python(rest, standard_input) if rest else None
    if program == "openpose-lab":
        return _of_lab(rest, standard_input)
    if demo := re.fullmatch(r"demo_(\w+)\.py", program):
        return Command(demo[1], tuple(rest), standard_input)
    return Command(program, tuple(rest), standard_input) if program in ("make", "pip") else None


def _of_python(words: list[str], standard_input: str | None) -> Command | None:
    if words[0] == "-m" and len(words) > 1:
        if words[1] == "openpose_lab":
            return _of_lab(words[2:], standard_input)
        return Command(words[1], tuple(words[2:]), standard_input)
    if words[0] == "-c":
        return Command("-c", tuple(words[1:]), standard_input)
    if words[0].endswith("/openpose_lab"):
        return _of_lab(words[1:], standard_input)
    if demo := re.fullmatch(r"(?:.*/)?demo_(\w+)\.py", words[0]):
        return Command(demo[1], tuple(words[1:]), standard_input)
    return None


def _of_lab(words: list[str], standard_input: str | None) -> Command | None:
    if not words or words[0] in ("--help", "-h") or _PLACEHOLDER.fullmatch(words[0]):
        return None
    if words[0] in programs():
        return Command(words[0], tuple(words[1:]), standard_input)
    return Command("image", tuple(words), standard_input)


# Parsing


def why_wrong(command: Command) -> str | None:
    """The reason why a command cannot run: its program, an option or a file is not there. None if it can."""
    if command.program in programs():
        return _parse(programs()[command.program], command.arguments)
    if command.program.startswith("scripts."):
        if not (ROOT / f"{command.program.replace('.', '/')}.py").is_file():
            return "there is no such script"
        return _parse(importlib.import_module(command.program).main, command.arguments)
    others = {
        "-c": _wrong_code,
        "jupyterlab": _missing_file,
        "make": _wrong_target,
        "pdb": _missing_file,
        "pip": _wrong_packages,
        "pytest": _wrong_tests,
        "tests.mutation_run": lambda command: _missing_file(Command("", ("tests/mutation_run.py",))),
        "venv": lambda command: None,
    }
    return others[command.program](command) if command.program in others else "this program is not known"


def _parse(program, arguments) -> str | None:
    """Let a program parse arguments, and end there; the reason of its parser if it refuses them."""
    parse = argparse.ArgumentParser.parse_args

    def end(parser, *given):
        parse(parser, *given)
        raise SystemExit(0)

    said = io.StringIO()
    with (
        patch.object(argparse.ArgumentParser, "parse_args", end),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            program(list(arguments))
        except SystemExit as stop:
            return said.getvalue().splitlines()[-1] if stop.code else None
    return "the program parses no command line"


def _wrong_code(command: Command) -> str | None:
    compile(command.arguments[0], "-c", "exec")
    return None


def _missing_file(command: Command) -> str | None:
    return None if (ROOT / command.arguments[0]).is_file() else "there is no such file"


def _wrong_target(command: Command) -> str | None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    return None if {word for word in command.arguments if "=" not in word} <= set(targets) else "no such target"


def _wrong_packages(command: Command) -> str | None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = project.split("[project.optional-dependencies]")[1].split("\n[")[0]
    for option, word in zip(("", *command.arguments), command.arguments):
        if option == "-r" and not (ROOT / word).is_file():
            return f"there is no {word}"
        if named := re.fullmatch(r"\.\[([\w,-]+)\]", word):
            missing = [name for name in named[1].split(",") if not re.search(rf"^{name} = ", extras, re.MULTILINE)]
            if missing and missing != ["NAME"]:
                return f"there is no extra {missing[0]}"
    return None


def _wrong_tests(command: Command) -> str | None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for option, word in zip(("", *command.arguments), command.arguments):
        if word.startswith("tests/") and not (ROOT / word.split("::")[0]).exists():
            return f"there is no {word}"
        if option == "-m" and not re.search(rf'^    "{word.removeprefix("not ")}: ', project, re.MULTILINE):
            return f"no test is marked {word}"
    return None


@cache
def help_examples() -> dict[str, list[Command]]:
    """The examples in the ``--help`` of each subcommand and each script."""
    scripts = [path.stem for path in sorted((ROOT / "scripts").glob("[!_]*.py"))]
    found = {name: parser_of(program) for name, program in programs().items()}
    for name in scripts:
        found[f"scripts.{name}"] = parser_of(importlib.import_module(f"scripts.{name}").main)
    return {name: examples_of(parser) for name, parser in found.items()}


DOCUMENTS = [
    Path(path).relative_to(ROOT).as_posix()
    for pattern in ("README.md", "docs/*.md", "images/*.md", "model_weights/*.md")
    for path in sorted(ROOT.glob(pattern))
]
