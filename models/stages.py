"""Name the outputs of a network."""

from __future__ import annotations

from collections.abc import Sequence

import keras


def name_outputs(stages: Sequence[dict[str, keras.KerasTensor]]) -> dict[str, keras.KerasTensor]:
    """Name the maps of every stage.

    Args:
        stages: The maps that each stage outputs, ``pafs`` or ``heatmaps`` or both, in the order of the stages.

    Returns:
        The maps by name: ``stage1_pafs``, ``stage1_heatmaps``, ``stage2_pafs``, …
    """
    numbered = enumerate(stages, start=1)
    return {f"stage{number}_{kind}": maps for number, stage in numbered for kind, maps in stage.items()}
