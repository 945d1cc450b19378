"""The page of ``explain``: the stages on a photo, and a grouping as a film."""
