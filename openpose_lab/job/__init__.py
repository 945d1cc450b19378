"""Runs over many photos, and over a video.

For photos, ``outputs.py`` names the files of each photo, ``journal.py`` records the photos that are done, and
``run.py`` processes them. For videos, ``video_run.py`` processes the frames.
"""
