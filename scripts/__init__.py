"""Maintainers' programs, run as ``python -m scripts.NAME``: pictures of the docs, canned rows."""

import sys

from openpose_lab.commands.program import let_interrupts_end

if sys.argv[0] == "-m":  # one of them is being started, and has yet to import what it needs
    let_interrupts_end()
