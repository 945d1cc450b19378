"""Grading: finding submissions, marking each, and reporting the marks."""
