"""Training: photos and keypoints -> the targets and losses of the paper -> weights that the demo runs."""

from pathlib import Path

IMAGENET = Path("imagenet")
"""In place of a weights file for the front: VGG-19's of keras.applications. Here, as the command needs no Keras to
know it."""
