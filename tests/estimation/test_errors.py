import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain sentence", "a plain sentence"),
        ("Grüße 写真  two  spaces", "Grüße 写真  two  spaces"),
        ("three\n   lines\r\nof text\n", "three lines of text"),
        ("\x1b[31mred\x1b[0m\x07", r"\x1b[31mred\x1b[0m\x07"),
        ("\x9b31m\u202egnp.exe\ud800", r"\x9b31m\u202egnp.exe\ud800"),
    ],
)
def test_one_line_shows_control_characters_as_escapes(text, shown):
    assert one_line(text) == shown


@pytest.mark.parametrize("text", ["x" * 100_000, "\x1b" * 100_000])
def test_one_line_leaves_out_the_middle_of_long_text(text):
    assert len(one_line("begins " + text + " ends", 60)) == 60
    assert one_line("begins " + "x" * 1000 + " ends", 60).endswith("xx ends")


@pytest.mark.parametrize("kind", [OpenPoseLabError, OpenPoseLabWarning])
def test_errors_and_notes_are_safe_to_print(kind):
    assert str(kind("a file\x1b[2J named\nso")) == r"a file\x1b[2J named so"
    assert len(str(kind("x" * 60_131))) == 600


def test_text_on_several_lines_is_safe_to_print():
    assert visible("one\n\ttwo\x1b[2J\r\x07\u202e\ud800", "\n\t") == "one\n\ttwo\\x1b[2J\\r\\x07\\u202e\\ud800"
