"""Measure accuracy on photos with ground-truth keypoints."""
