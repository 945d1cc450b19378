"""The photo of two people that a network sees perfectly, for programs that measure."""

from tests.openpose_lab.conftest import annotations, on_ideal_maps

__all__ = ["annotations", "on_ideal_maps"]
