"""Training: photos and keypoints -> the targets and losses of the paper -> weights that the demo runs."""

from pathlib import Path

IMAGENET = Path("imagenet")
"""The value of ``--front`` that stands for VGG-19's weights of keras.applications. It is here, because reading the
options must not load Keras."""
