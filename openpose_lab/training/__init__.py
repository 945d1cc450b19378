"""Training: photos and keypoints -> the targets and losses of the paper -> weights that the demo runs."""
