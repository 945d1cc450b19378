import pytest

from estimation.errors import OpenPoseLabError
from scripts.update_performance import PAGE, main, replace_between, tidy

SOME = "# Page\n\n<!-- benchmark -->\nold\n<!-- end of benchmark -->\n\nrest\n"


def test_what_stands_between_the_marks_is_replaced():
    once = replace_between(SOME, "benchmark", "new\n")
    assert once == "# Page\n\n<!-- benchmark -->\n\nnew\n\n<!-- end of benchmark -->\n\nrest\n"
    assert replace_between(once, "benchmark", "new\n") == once


def test_a_page_without_the_marks_is_left_as_it_is():
    with pytest.raises(OpenPoseLabError, match="the page lacks the mark <!-- limits -->"):
        replace_between(SOME, "limits", "new")


def test_notes_are_wrapped_and_those_about_one_machine_dropped():
    text = f"| a long | {'x' * 120} |\n- {'word ' * 30}\n- vgg19 is left out: run /home/me\n"
    table, *note = tidy(text).splitlines()
    assert table.endswith(" |")
    assert len(note) == 2
    assert all(len(line) <= 100 for line in note)
    assert note[1].startswith("  word")


def test_the_command_of_the_page_has_no_paths():
    options = "--images '/home/a b/photos' --repeat 3 --annotations /x/a.json --json found.json --markdown /tmp/t.md"
    shown = tidy(f"openpose-lab benchmark {options}\n\n### Photos\n")
    assert shown == "openpose-lab benchmark --images DIR --repeat 3 --annotations FILE\n\n### Photos\n"


def test_the_page_has_both_places(call_program, tmp_path):
    page, limits = tmp_path / "page.md", tmp_path / "limits.txt"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    limits.write_text("measured limits\n")
    options = ("--page", page, "--limits", limits, "--tables", limits)
    status, _, err = call_program("update_performance", main, *options)
    assert (status, err) == (0, "")
    assert page.read_text(encoding="utf-8").count("measured limits") == 2


def test_tables_that_are_missing_are_one_sentence(call_program, tmp_path):
    status, _, err = call_program("update_performance", main, "--tables", tmp_path / "none.md")
    assert status == 1
    assert err.count("\n") == 1
