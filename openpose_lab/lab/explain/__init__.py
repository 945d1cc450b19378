"""The page of ``explain``: what was found in a photo, and a grouping as a film."""
