"""The data of the page of openpose_lab.commands.explain, as one JSON value per photo.

Positions are x and y in pixels of the photo as it was read, with whole numbers at pixel centres. Maps have cells. Each
comes with the cell size and the offset that place it on the photo: cell 0's left edge is at ``offset * cell - 0.5``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Connections, quadrature, sample_counts, sample_limbs
from estimation.coordinates import Coordinates
from estimation.field_maps import FieldMaps, cells_to_photo
from estimation.files import encode_picture
from estimation.grouping.film import Breach, Film, Frame, order_by_score
from estimation.photo_arrays import as_photo
from estimation.pipeline import Estimate
from estimation.scoring import score_people
from estimation.subset import MISSING, SCORE, limb_rows
from openpose_lab.lab.explain.stages import Stages

MAX_CANDIDATES = 3000
"""The most candidates that are shown: all accepted ones, and the best of the others."""
MAX_CELLS = 16_000
"""The most cells of a map. A larger map is shown with fewer, larger cells."""
MAX_STAGE_CELLS = 60_000
"""The most cells of all maps of the stages together."""
MAX_SIDE = 1280
"""The longest side of the shown photo, in pixels."""
_STEPS = 10_000  # samples are stored in units of 1 / 10,000, rounded up, so that a sample above a threshold stays above


@dataclass(frozen=True, eq=False)
class Told:
    """The film of one grouping.

    Attributes:
        title: the name that the page shows.
        door: ``merge`` or ``group``.
        film: its steps and its answer.
        milliseconds: the time of one run.
    """

    title: str
    door: str
    film: Film
    milliseconds: float


def explain(
    photo: NDArray[np.uint8],
    name: str,
    config: Config,
    found: Estimate,
    told: Sequence[Told],
    stages: Stages | None = None,
) -> dict[str, Any]:
    """Collect the data of the page: the stages on a photo, and the films.

    Args:
        photo: (h, w, 3) BGR uint8; grey (h, w) and BGRA (h, w, 4) are converted as in ``as_photo``.
        name: the photo's name.
        config: the configuration.
        found: the output of the stages.
        told: the film of each grouping on the page.
        stages: the maps after each stage of the network; None if the network has no stages.

    Returns:
        The page's data, as plain values.
    """
    photo = as_photo(photo)
    coordinates, connections = found.coordinates, found.connections
    xy = cells_to_photo(coordinates.xy, found.maps.cell_size, found.maps.offset, found.maps.photo_size)
    return {
        "photo": {"name": name, "width": photo.shape[1], "height": photo.shape[0], "uri": photo_uri(photo)},
        "parts": list(config.body_parts),
        "limbs": [{"from": limb.from_part, "to": limb.to_part, "redundant": limb.redundant} for limb in config.limbs],
        "thresholds": {
            "peak": config.peak_threshold,
            "sample": config.sample_threshold,
            "agreement": config.min_agreement,
        },
        "maps": maps_data(config, found.maps),
        "stages": stages_data(config, stages),
        "peaks": {
            "x": xy[:, 0].round(3).tolist(),
            "y": xy[:, 1].round(3).tolist(),
            "score": coordinates.score.astype(float).round(4).tolist(),
            "part": coordinates.part.tolist(),
        },
        "candidates": candidates_data(config, connections, found.maps),
        "rows": rows_data(config, connections),
        "milliseconds": {stage: round(time, 3) for stage, time in found.milliseconds.items() if stage != "grouping"},
        "groupings": [grouping_data(config, one, coordinates) for one in told],
    }


def photo_uri(photo: NDArray[np.uint8]) -> str:
    """Return the photo as a JPEG of at most ``MAX_SIDE`` pixels per side, in a data: URI."""
    photo = as_photo(photo)
    scale = min(1, MAX_SIDE / max(photo.shape[:2]))
    if scale < 1:
        size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return f"data:image/jpeg;base64,{base64.b64encode(encode_picture(Path('photo.jpg'), photo)).decode()}"


def maps_data(config: Config, maps: FieldMaps) -> dict[str, Any]:
    """Return the maps in 8 bits, row by row: heatmaps (parts + 1, h, w) from 0, and PAFs (limbs, 2, h, w) around 0.

    A value is ``scale`` times its byte. The last heatmap is the background.
    """
    factor = _factor(maps.heatmaps, MAX_CELLS)
    return {
        **_grid(maps.heatmaps, factor, maps.cell_size, maps.offset),
        "heatmaps": _heatmaps(config, maps.heatmaps, factor),
        "pafs": _pafs(config, maps.pafs, factor),
    }


def stages_data(config: Config, stages: Stages | None) -> dict[str, Any]:
    """Return the maps of the stages in 8 bits, as ``maps_data`` does, each with its title.

    After these maps, the page shows those of ``maps_data``, with the titles in ``final``. If the network saw one view,
    ``maps_data`` has the maps of the last stages, so they are left out here. If it saw several views, ``maps_data`` has
    their mean, and ``views`` names them.
    """
    if stages is None:
        title = "The network's maps"
        return {"heatmaps": [], "pafs": [], "final": {"heatmaps": title, "pafs": title}, "views": None}
    kinds = {"heatmaps": stages.heatmaps, "pafs": stages.pafs}
    last = None if stages.views else -1
    count = max(len(found[:last]) for found in kinds.values())
    factor = _factor(stages.heatmaps[-1][1], MAX_STAGE_CELLS // max(count, 1))
    kept = {
        kind: [
            {
                "title": f"Stage {number} of {stages.count}",
                **_grid(maps, factor, stages.cell_size, stages.offset),
                **(_heatmaps if kind == "heatmaps" else _pafs)(config, maps, factor),
            }
            for number, maps in found[:last]
        ]
        for kind, found in kinds.items()
    }
    final = {
        kind: "Mean of the views" if stages.views else f"Stage {found[-1][0]} of {stages.count}"
        for kind, found in kinds.items()
    }
    return {**kept, "final": final, "views": stages.views}


def _factor(maps: NDArray[np.float32], most: int) -> int:
    """Return how many cells of maps (h, w, channels) become one in each direction, to leave about ``most`` cells."""
    factor = 1
    while maps[:, :, 0].size > most * factor**2:
        factor += 1
    return factor


def _grid(
    maps: NDArray[np.float32], factor: int, cell_size: tuple[float, float], offset: tuple[float, float]
) -> dict[str, Any]:
    """Return the size of shrunk maps, and the position of their cells."""
    return {
        "height": -(-maps.shape[0] // factor),
        "width": -(-maps.shape[1] // factor),
        "cell": [factor * size for size in cell_size],
        "offset": [move / factor for move in offset],
        "factor": factor,
    }


def _heatmaps(config: Config, maps: NDArray[np.float32], factor: int) -> dict[str, Any]:
    channels = maps[:, :, : len(config.body_parts) + 1].transpose(2, 0, 1)
    return _quantised(np.maximum(_shrink(channels, factor), 0), np.uint8)


def _pafs(config: Config, maps: NDArray[np.float32], factor: int) -> dict[str, Any]:
    return _quantised(_shrink(maps[:, :, config.paf_channels].transpose(2, 3, 0, 1), factor), np.int8)


def _shrink(maps: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Average ``factor`` x ``factor`` cells of maps (..., h, w). Edge cells are repeated to fill blocks."""
    height, width = maps.shape[-2:]
    fill = [(0, 0)] * (maps.ndim - 2) + [(0, -height % factor), (0, -width % factor)]
    padded = np.pad(maps, fill, mode="edge")
    rows, columns = padded.shape[-2] // factor, padded.shape[-1] // factor
    shrunk: NDArray[np.float32] = padded.reshape(*maps.shape[:-2], rows, factor, columns, factor).mean(axis=(-3, -1))
    return shrunk


def _quantised(maps: NDArray[np.float32], dtype: type[np.uint8 | np.int8]) -> dict[str, Any]:
    """Return ``scale`` and the bytes, packed by ``packed``, in base64."""
    scale = max(float(np.abs(maps).max(initial=0)), 1e-6) / np.iinfo(dtype).max
    return {"scale": scale, "bytes": base64.b64encode(packed(np.round(maps / scale).astype(dtype).tobytes())).decode()}


def packed(values: bytes) -> bytes:
    """Write each run of zeros as 0 and its length, 1 to 255. Most of a map is 0, so it shrinks to a sixth."""
    runs = re.finditer(rb"\0{1,255}|[^\0]+", values)
    return b"".join(run[0] if run[0][0] else bytes([0, len(run[0])]) for run in runs)


def candidates_data(config: Config, connections: Connections, maps: FieldMaps) -> dict[str, Any]:
    """Return the candidates, best first. ``along`` has the samples of each line integral, in units of 1 / 10,000.

    ``left_out`` is the number of candidates beyond ``MAX_CANDIDATES``. ``quadratures`` has, by the number of samples,
    their positions ``u`` between the ends, from 0 to 1, and their weights.
    """
    shown = _chosen(connections)
    found = connections.candidates.select(shown)
    counts = sample_counts(config, connections.coordinates, found.peaks)
    along: list[list[int]] = [[] for _ in shown]
    for count in np.unique(counts).tolist():
        chosen = np.flatnonzero(counts == count)
        values, _ = sample_limbs(
            config, connections.coordinates, maps.pafs, found.limb[chosen], found.peaks[chosen], count
        )
        for index, samples in zip(chosen.tolist(), np.ceil(values.astype(float) * _STEPS).astype(int).tolist()):
            along[index] = samples
    return {
        "limb": found.limb.tolist(),
        "from": found.peaks[:, 0].tolist(),
        "to": found.peaks[:, 1].tolist(),
        "score": found.score.round(4).tolist(),
        "agreement": found.agreement.round(3).tolist(),
        "accepted": np.isin(shown, connections.accepted).tolist(),
        "along": along,
        "left_out": len(connections.candidates) - len(shown),
        "quadratures": {
            str(count): {name: values.astype(float).round(5).tolist() for name, values in zip(("u", "weight"), points)}
            for count, points in ((count, quadrature(count)) for count in np.unique(counts).tolist())
        },
    }


def _chosen(connections: Connections) -> NDArray[np.intp]:
    """Return the indices of the shown candidates, best first."""
    others = np.setdiff1d(np.arange(len(connections.candidates)), connections.accepted)
    room = max(MAX_CANDIDATES - len(connections.accepted), 0)
    return np.sort(np.concatenate([connections.accepted, others[:room]]))


def rows_data(config: Config, connections: Connections) -> list[dict[str, Any]]:
    """Return the rows that merge is given, best first: the two peaks and the score of each."""
    rows = order_by_score(limb_rows(config, connections))
    peaks = (row[:SCORE][row[:SCORE] >= 0].astype(int).tolist() for row in rows)
    return [{"peaks": ids, "score": round(score, 4)} for ids, score in zip(peaks, rows[:, SCORE].tolist())]


def grouping_data(config: Config, told: Told, coordinates: Coordinates) -> dict[str, Any]:
    """Return the film of one grouping. A frame has the new and changed people, and the numbers of removed ones."""
    film = told.film
    frames: list[dict[str, Any]] = []
    before: Mapping[int, frozenset[int]] = {}
    for frame in film.frames:
        changed = {number: sorted(peaks) for number, peaks in frame.numbered.items() if before.get(number) != peaks}
        gone = [number for number in before if number not in frame.numbered]
        frames.append(
            {
                "peaks": list(frame.peaks),
                "kind": frame.kind,
                "note": frame.note,
                "people": changed,
                "gone": gone,
                "broken": sorted(frame.broken),
            }
        )
        before = frame.numbered
    sure = score_people(config, film.rows, coordinates)
    return {
        "name": told.title,
        "door": told.door,
        "source": film.source,
        "problems": list(film.problems),
        "milliseconds": round(told.milliseconds, 3),
        "frames": frames,
        "breach": breach_data(config, film.breach, film.frames[film.breach.frame]) if film.breach else None,
        "people": [
            {"number": number, "score": round(score, 3), "sure": round(surety, 3)}
            for number, score, surety in zip(film.frames[-1].numbered, film.rows[:, SCORE].tolist(), sure.tolist())
        ],
    }


def breach_data(config: Config, breach: Breach, frame: Frame) -> dict[str, Any]:
    """Return why there is no valid answer, at which step, and the answer's rows as texts, because values may be NaN."""
    rows = []
    for k, (row, number) in enumerate(zip(breach.answer.tolist(), frame.numbered)):
        ids = [[part, f"{value:.15g}"] for part, value in zip(config.body_parts, row[:SCORE]) if value != MISSING]
        score, parts = (f"{value:.6g}" for value in row[SCORE:])
        rows.append({"number": number, "ids": ids, "score": score, "parts": parts, "broken": k in breach.broken})
    return {"sentence": breach.sentence, "step": breach.frame + 1, "rows": rows, "left_out": breach.left_out}
