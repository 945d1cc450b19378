"""What stands around the pipeline: downloads and the library that measures accuracy."""
