"""Maintainers' programs, run as ``python -m scripts.NAME``: pictures of the docs, canned rows."""
