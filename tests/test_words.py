"""Words that make a sentence hard to read do not come back: in documents, docstrings, comments and messages."""

import io
import json
import re
import token
import tokenize

import pytest

from tests.conftest import ROOT

WORDS = {
    "nobody": "name them: no person, no student",
    "somebody": "name them: a person, a student",
    "whose": "write 'with', or two sentences",
    "so many": "give the number, or write 'as many' with what it is compared to",
    "nor (?:does|do|did|is|are)": "write a sentence with 'not'",
    "(?:and|,) so (?:is|are|does|do) (?:the|an?|any|each|every|its|their|all|what|that|this)": "repeat the verb",
}
"""Regular expressions of words that must not come back, each with what to write in their place."""
KEPT = ("openpose_lab/evaluation/breakdown.py",)
"""Files with such words in values that other programs read: the JSON report of ``evaluate``."""

DOCUMENTS = ("*.md", "docs/*.md", "docs/*.ipynb", "images/*.md", "model_weights/*.md", "NOTICE")
CODE = ("*.py", *(f"{folder}/**/*.py" for folder in ("estimation", "models", "openpose_lab", "scripts")))
PAGES = tuple(f"openpose_lab/**/*.{ending}" for ending in ("js", "css", "html", "toml"))
OTHERS = ("Makefile", "pyproject.toml", "requirements*.txt")
FILES = sorted(
    path.relative_to(ROOT).as_posix() for one in (*DOCUMENTS, *CODE, *PAGES, *OTHERS) for path in ROOT.glob(one)
)
PATTERNS = {
    re.compile(rf"\b{words}\b".replace(" ", r"\s+"), re.IGNORECASE): instead for words, instead in WORDS.items()
}
STRINGS = {tokenize.STRING, getattr(token, "FSTRING_MIDDLE", tokenize.STRING), tokenize.COMMENT}


def prose_of(name, text):
    """The text of a file that people read, each letter on its own line: of code, its strings and comments."""
    if name.endswith(".py"):
        return prose_of_code(text)
    if name.endswith(".ipynb"):
        cells = json.loads(text)["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells)
    return text


def prose_of_code(text):
    """Blank all but the strings and comments of Python code."""
    source = text.splitlines(keepends=True)
    kept = [re.sub(r"[^\n]", " ", line) for line in source]
    for part in tokenize.generate_tokens(io.StringIO(text).readline):
        if part.type in STRINGS:
            (first, begin), (last, end) = part.start, part.end
            for row in range(first - 1, last):
                left, right = begin if row == first - 1 else 0, end if row == last - 1 else len(source[row])
                kept[row] = kept[row][:left] + source[row][left:right] + kept[row][right:]
    return "".join(kept)


def findings(name, text):
    """Say of each word that must not come back where it is, in which sentence, and what to write.

    Args:
        name: The file's path in the project.
        text: Its text.
    """
    prose = re.sub(r'``?nobody``?|"nobody"', "the user", prose_of(name, text))  # Unix calls a user so
    prose = re.sub(r'["#`]', " ", prose)
    found = []
    for pattern, instead in PATTERNS.items():
        for hit in pattern.finditer(prose):
            line = prose.count("\n", 0, hit.start()) + 1
            before = re.split(r"[.!?;:]\s|\n\s*\n", prose[: hit.start()])[-1]
            after = re.split(r"[.!?;:]\s|\n\s*\n", prose[hit.end() :])[0]
            sentence = " ".join((before[-200:] + hit[0] + after[:200]).split())
            found.append((line, f"{name}, line {line}: {' '.join(hit[0].split())!r} ({instead}): {sentence}"))
    return [said for _, said in sorted(found)]


@pytest.mark.parametrize("name", FILES)
def test_words_that_are_hard_to_read_do_not_come_back(name):
    found = findings(name, (ROOT / name).read_text(encoding="utf-8"))
    if name in KEPT:
        assert found, f"{name} has no such words: delete it from KEPT in tests/test_words.py"
    else:
        assert not found, "\n".join(found)


def test_files_that_keep_such_words_exist():
    assert set(KEPT) <= set(FILES)


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.md", "All is well.\nNobody is\nhere. So many\nwords, and so\nis the rest.", [2, 3, 4]),
        ("a.md", "It is not so. So are left out, as nobody's photos: SeesNobody", [1]),
        ("a.py", 'x = 1  # whose\ndef nobody():\n    """Say.\n\n    Whose it is."""\n', [1, 5]),
        ("a.py", 'print(f"so many {count} are so\\n")\n# so\n# many\n', [1, 2]),
        ("a.py", 'raise ValueError("it is " "so " "many")\n', [1]),
        ("a.ipynb", json.dumps({"cells": [{"source": ["a\n", "nor does it"]}]}), [2]),
        ("a.js", "// whose", [1]),
    ],
)
def test_such_words_are_found(name, text, lines):
    assert [int(re.search(r"line (\d+)", said)[1]) for said in findings(name, text)] == lines


def test_a_finding_names_the_place_the_sentence_and_what_to_write():
    (found,) = findings("a.md", "All is well. The person\nwhose nose is seen. Good.")
    assert found == "a.md, line 2: 'whose' (write 'with', or two sentences): The person whose nose is seen"
