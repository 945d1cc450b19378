"""Programs around the pipeline, run as ``python -m tools.NAME``."""
