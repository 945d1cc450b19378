"""The names of a network's outputs."""

from __future__ import annotations

from collections.abc import Sequence

import keras


def name_outputs(stages: Sequence[dict[str, keras.KerasTensor]]) -> dict[str, keras.KerasTensor]:
    """Name the maps of every stage.

    Args:
        stages: The maps that each stage gives, ``pafs`` or ``heatmaps`` or both, in the order in which the stages run.

    Returns:
        The maps by name: ``stage1_pafs``, ``stage1_heatmaps``, …, and, of the last stage of a kind, ``pafs`` and
        ``heatmaps``.
    """
    outputs: dict[str, keras.KerasTensor] = {}
    for number, stage in enumerate(stages, start=1):
        for kind, maps in stage.items():
            last = all(kind not in later for later in stages[number:])
            outputs[kind if last else f"stage{number}_{kind}"] = maps
    return outputs
