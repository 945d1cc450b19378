"""The library that measures accuracy on photos with known keypoints."""
