"""The lab's program for videos and cameras: people with identities in; a video with the skeletons, and rows, out.

    python demo_video.py clip.mp4                              clip_rendered.mp4, with the sound of the clip
    python demo_video.py 0                                     the first camera, in a window
    python demo_video.py clip.mp4 --jsonl people.jsonl --csv people.csv

Each frame goes through the stages of ``demo_image.py``. Then ``openpose_lab/tracking`` gives each person an identity.
What this program does with them is in ``openpose_lab/commands/video.py``.
"""

import sys
from collections.abc import Sequence

from openpose_lab.commands.program import start


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    from openpose_lab.commands import video  # in here, where Ctrl-C is handled

    video.main(arguments, program="python demo_video.py")


if __name__ == "__main__":
    sys.exit(start("demo_video.py", main, sys.argv[1:]))
