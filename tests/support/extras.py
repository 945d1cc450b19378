"""Marks of tests that need a library of an extra."""

import importlib.util

import pytest


def needs(library):
    """Skip a test where a library is missing, as in an environment with the light set alone."""
    missing = importlib.util.find_spec(library) is None
    return pytest.mark.skipif(missing, reason=f"needs {library}, which is in an extra")
