"""The lab's program: a photo in; a picture with the skeletons, JSON, and the time of each stage out.

    python demo_image.py                                   the sample photo, drawn to output.png
    python demo_image.py photo.jpg --output skeletons.png
    python demo_image.py photo.jpg --grouping my_merge.py  your grouping in place of estimation/merge.py

The stages are in ``estimation``: the network's maps go through ``coordinates``, ``connections``, ``estimators`` with
``merge``, and ``renderers``. What this program does with them is in ``openpose_lab/commands/image.py``.
"""

import sys
from functools import partial

from openpose_lab.commands.image import main
from openpose_lab.commands.program import run

if __name__ == "__main__":
    sys.exit(run("demo_image.py", partial(main, program="python demo_image.py"), sys.argv[1:]))
