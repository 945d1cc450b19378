"""What students hand in: zip archives, notebooks and Python files."""

from __future__ import annotations

import json

from estimation.grouping import LAB_MERGE
from tests.support.containers import Member, write_zip
from tests.support.seeds import Files

MERGE = b"""'''A merge.'''

import numpy as np


def merge(subset, min_num_body_parts=4, min_score=0.4):
    return subset
"""


def notebook_of(code: bytes, lines: bool = True) -> bytes:
    """A Jupyter notebook with a text, the code and a call, the code as a list of lines or as one text."""
    source = code.decode()
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Lab 3\n", "Merge."]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "outputs": [],
            "source": source.splitlines(keepends=True) if lines else source,
        },
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}],
            "source": ["%matplotlib inline\n", "!ls\n", "print(merge(rows))"],
        },
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}).encode()


def submissions() -> list[Files]:
    """An archive of one student: a file, a project, an archive in an archive, a notebook; one of a whole course."""
    project = [Member(b"lab/README.md", b"hello"), Member(b"lab/estimation/merge.py", MERGE, 8)]
    inner = write_zip([Member(b"merge.py", MERGE)])
    course = [
        Member(b"Ada Lovelace_123_assignsubmission_file/20230001_Lab3.zip", inner),
        Member(b"Bob_124_assignsubmission_file/merge.py", MERGE, 8),
        Member(b"Cy_125_assignsubmission_file/lab3.ipynb", notebook_of(MERGE), 8),
    ]
    archives = [
        [Member(b"merge.py", MERGE)],
        [Member(b"lab/", b""), Member(b"lab/my_merge.py", MERGE, 8), Member(b"__MACOSX/._merge.py", b"\0\1")],
        project,
        [Member(b"20230001_Lab3.zip", inner)],
        [Member(b"merge.ipynb", notebook_of(MERGE), 8)],
        course,
    ]
    return [{"20230001_Lab3.zip": write_zip(members)} for members in archives]


def notebooks() -> list[Files]:
    """A notebook with the code as lines, and as one text."""
    return [{"20230001_merge.ipynb": notebook_of(MERGE, lines)} for lines in (True, False)]


def python_files() -> list[Files]:
    """A small merge, and the project's own."""
    return [{"20230001_merge.py": MERGE}, {"20230001_merge.py": LAB_MERGE.read_bytes()}]
