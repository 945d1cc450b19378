"""Fixtures for programs that measure: a photo of two people with ideal maps."""

from tests.openpose_lab.conftest import annotations, on_ideal_maps

__all__ = ["annotations", "on_ideal_maps"]
