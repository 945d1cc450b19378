"""Programs for maintainers, run as ``python -m scripts.NAME``. They make pictures, tables and rows of limbs."""

import sys

from openpose_lab.commands.program import let_interrupts_end

if sys.argv[0] == "-m":  # Python starts one of the programs, which has not imported its libraries yet
    let_interrupts_end()
