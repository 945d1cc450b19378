"""docs/options.md agrees with the parsers of the programs."""

import re

import pytest

from openpose_lab.commands.options import make_parser
from scripts import options_page
from scripts.options_page import COMMAND, PAGE, demos, main, page, parser_of, programs


def toy(*arguments, group=None, **settings):
    """A program with one option."""

    def program(command_line):
        parser = make_parser("openpose-lab toy", "Play.\n\nMore about it.", "")
        place = parser if group is None else parser.add_argument_group(group)
        place.add_argument(*arguments, **settings)
        parser.parse_args(command_line)

    return program


def page_of(monkeypatch, **others):
    monkeypatch.setattr(options_page, "programs", lambda: others)
    monkeypatch.setattr(options_page, "demos", dict)
    return page()


def options_of(parser):
    """The options and arguments of a parser and of its subcommands."""
    below = [option for _, one in options_page._subcommands(parser) for option in options_of(one)]
    return [action for action in parser._actions if options_page._is_listed(action)] + below


def test_the_page_is_what_the_programs_say():
    assert PAGE.read_text(encoding="utf-8") == page(), f"docs/options.md is old; run `{COMMAND}` and commit the page"


def test_the_page_is_the_same_from_each_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert PAGE.read_text(encoding="utf-8") == page()


def test_a_new_option_makes_the_page_old(monkeypatch):
    both = {**programs(), "toy": toy("--speed", help="how fast it plays")}
    monkeypatch.setattr(options_page, "programs", lambda: both)
    added = [line for line in page().splitlines() if line not in PAGE.read_text(encoding="utf-8").splitlines()]
    assert "| `--speed SPEED` | how fast it plays | - |" in added
    assert "| [toy](#toy) | Play. |" in added


@pytest.mark.parametrize(
    ("program", "row"),
    [
        (toy("--speed", type=int, metavar="N", help="how fast (default: 3)"), "| `--speed N` | how fast | 3 |"),
        (toy("--speed", type=int, default=3, help="how fast"), "| `--speed SPEED` | how fast | 3 |"),
        (toy("--speed", help="how fast (default: 3); at most 9"), "| `--speed SPEED` | how fast; at most 9 | 3 |"),
        (toy("--speed", help="default: 3"), "| `--speed SPEED` |   | 3 |"),
        (toy("-s", "--speed", required=True, help="how fast"), "| `-s, --speed SPEED` | how fast | required |"),
        (toy("--loud", action="store_true", help="not --soft"), "| `--loud` | not `--soft` | off |"),
        (toy("--of", nargs="+", metavar="A", default=[1, 2], help="50 %% of"), "| `--of A [A ...]` | 50 % of | 1 2 |"),
        (toy("--size", nargs=2, metavar=("W", "H"), help="*how* big"), r"| `--size W H` | \*how\* big | - |"),
        (toy("--key", choices=["a", "b"], help="a|b"), r"| `--key {a,b}` | a\|b | - |"),
        (toy("tune", nargs="?", help="what <it> plays"), r"| `[tune]` | what \<it\> plays | - |"),
        (toy("tune", nargs="*", metavar="TUNE", help="what"), "| `[TUNE ...]` | what | - |"),
        (toy("tune", help="what"), "| `tune` | what | required |"),
    ],
)
def test_an_option_is_a_row(monkeypatch, program, row):
    assert row in page_of(monkeypatch, toy=program).splitlines()


def test_a_group_has_a_table_of_its_own(monkeypatch):
    written = page_of(monkeypatch, toy=toy("--speed", help="how fast", group="how it plays"))
    table = "| option | what it does | default |\n|---|---|---|\n| `--speed SPEED` | how fast | - |\n"
    assert written.endswith(f"openpose-lab toy [options]\n```\n\n**how it plays**\n\n{table}")


def test_options_that_exclude_each_other_are_named(monkeypatch):
    def program(command_line):
        parser = make_parser("openpose-lab toy", "Play.", "")
        either = parser.add_mutually_exclusive_group()
        either.add_argument("--loud", action="store_true", help="louder")
        either.add_argument("--soft", action="store_true", help="softer")
        parser.parse_args(command_line)

    assert page_of(monkeypatch, toy=program).endswith("At most one of `--loud` and `--soft` can be given.\n")


def test_subcommands_have_sections():
    sections = re.findall(r"^#+ (weights.*)", page(), re.MULTILINE)
    assert sections == ["weights", "weights list", "weights fetch", "weights import", "weights verify"]


def test_the_lab_s_programs_have_the_options_of_their_commands():
    assert demos().keys() == {"image", "video"}
    for name, program in demos().items():
        described = [[str(action) for action in options_of(parser_of(one))] for one in (program, programs()[name])]
        assert described[0] == described[1], name


@pytest.mark.parametrize("name", programs())
def test_the_default_that_help_states_is_the_parser_s(name):
    for action in options_of(parser_of(programs()[name])):
        stated = re.search(r"default: ([^()]*)", action.help)
        default = action.default
        if stated is None or isinstance(default, bool):
            continue
        if isinstance(default, int | float) and re.search(r"\d", stated[1]):
            assert float(re.search(r"[-\d.e]+", stated[1])[0]) == default, action.dest
        elif isinstance(default, str):
            assert stated[1].startswith(default), action.dest


def test_a_program_without_a_parser_is_refused():
    with pytest.raises(ValueError, match="parses no command line"):
        parser_of(lambda arguments: None)


def test_the_program_writes_the_page(call_program, tmp_path):
    status, said, err = call_program("options_page", main, "--out", tmp_path / "options.md")
    assert (status, err) == (0, "")
    assert said.startswith("wrote ")
    assert (tmp_path / "options.md").read_bytes() == PAGE.read_bytes()
