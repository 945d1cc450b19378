"""The lab's program: photos in; pictures with the skeletons, JSON and tables out.

    python demo_image.py                                   the sample photo, drawn to output.png
    python demo_image.py photo.jpg --output skeletons.png
    python demo_image.py photo.jpg --grouping my_merge.py  your grouping in place of estimation/merge.py
    python demo_image.py photos/                           a picture and a JSON file of each photo, in output/

The stages are in ``estimation``: the network's maps go through ``coordinates``, ``connections``, ``estimators`` with
``merge``, and ``renderers``. What this program does with them is in ``openpose_lab/commands/image.py``.
"""

import sys
from collections.abc import Sequence

from openpose_lab.commands.program import start


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    from openpose_lab.commands import image  # in here, where Ctrl-C is handled

    image.main(arguments, program="python demo_image.py")


if __name__ == "__main__":
    sys.exit(start("demo_image.py", main, sys.argv[1:]))
