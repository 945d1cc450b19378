"""Draw the pictures of docs/glossary.md, the pipeline as a strip, and the conflict of docs/grouping.md.

All pictures show the results of the network and the later stages for the sample photo.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from estimation.config import Config
from estimation.errors import OpenPoseLabError
from estimation.field_maps import cells_to_photo
from estimation.files import check_writable, write_whole
from estimation.grouping import load_grouping
from estimation.photos import read_photo
from estimation.pipeline import Estimate, estimate_people
from estimation.subset import MISSING, PARTS_NUM, SCORE, ids_of, limb_rows
from openpose_lab.commands.options import make_parser
from openpose_lab.commands.program import shown, start
from openpose_lab.extras import require
from openpose_lab.lab.pictures import Canvas
from openpose_lab.networks.loading import load_network
from openpose_lab.paths import ROOT, sample_photo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EXAMPLES = """example:
  python -m scripts.draw_glossary
"""
FOLDER = ROOT / "docs" / "pictures"
QUALITY = "fast"  # with it, the network finds false people in the landscape too, and merge prunes them
LIMB = ("right_elbow", "right_wrist")
_ENLARGED = 3  # scale of the photo under maps and text, which are finer than its pixels
_JPEG = 82
_DPI = 100
_LEAST_ARROW = 0.15  # shorter vectors of a PAF are not drawn
_DIMMED = 0.45  # brightness of the photo under heatmaps, peaks and limbs

# Parts of the sample photo in pixels: left, top, right, bottom.
_WHOLE = (0, 0, 640, 360)
_GROUP = (128, 42, 348, 312)
_BODIES = (128, 42, 348, 238)
_ARMS = (140, 95, 420, 235)
_ALL_FIVE = (128, 42, 468, 312)
_SKIER = (340, 70, 500, 302)
_ARM = (355, 108, 455, 203)
_TWO = (185, 56, 300, 226)

_BETTER, _WORSE = "#35d04b", "#ff4d4d"
_COLOURS = ("#ffd400", "#00c8ff", "#ff7ad9", "#6ee36e", "#ff9a3c")
"""Colours of people."""
Crop = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo with the results of the pipeline.

    Attributes:
        photo: (h, w, 3) BGR uint8.
        found: The result of every stage.
        config: The configuration of the pipeline.
    """

    photo: NDArray[np.uint8]
    found: Estimate
    config: Config

    @cached_property
    def xy(self) -> NDArray[np.float64]:
        """(P, 2) x and y of the peaks in pixels of the photo."""
        maps = self.found.maps
        return cells_to_photo(self.found.coordinates.xy, maps.cell_size, maps.offset, self.photo.shape[1::-1])

    @cached_property
    def unpruned(self) -> NDArray[np.float64]:
        """(n, parts + 2) the rows of ``merge`` before it prunes."""
        return merge(limb_rows(self.config, self.found.connections), 0, 0)

    def part(self, name: str) -> int:
        """Return the index of a body part."""
        return self.config.body_parts.index(name)

    def limb(self, one: str, other: str) -> int:
        """Return the index of the limb between two body parts."""
        ends = (self.part(one), self.part(other))
        return next(k for k, limb in enumerate(self.config.limbs) if (limb.from_part, limb.to_part) == ends)

    def peaks_of(self, name: str) -> list[int]:
        """Return the ids of the peaks of a body part."""
        return np.flatnonzero(self.found.coordinates.part == self.part(name)).tolist()


@dataclass(frozen=True)
class Conflict:
    """Two candidates that share a peak.

    Attributes:
        better, worse: The indices of the two candidates. The better one has the higher score and was accepted.
        shared: The id of the shared peak.
        others: The ids of the other peaks: that of the better candidate, then that of the worse one.
    """

    better: int
    worse: int
    shared: int
    others: tuple[int, int]


def merge(rows: NDArray[np.float64], *limits: float) -> NDArray[np.float64]:
    """Call the lab's ``merge``."""
    return np.asarray(load_grouping("lab").function(rows, *limits))


def find_conflict(scene: Scene) -> Conflict:
    """Find the best candidate that lost a peak to a better limb of another person.

    Raises:
        OpenPoseLabError: No two candidates claim the same peak.
    """
    candidates, accepted = scene.found.connections.candidates, set(scene.found.connections.accepted.tolist())
    owner = {int(peak): person for person, row in enumerate(ids_of(scene.found.subset)) for peak in row}
    for worse in range(len(candidates)):
        ends = candidates.peaks[worse].tolist()
        people = [owner.get(peak) for peak in ends]
        if worse in accepted or None in people or people[0] == people[1]:
            continue
        for better in range(worse):
            common = set(ends) & set(candidates.peaks[better].tolist())
            if better in accepted and candidates.limb[better] == candidates.limb[worse] and common:
                (shared,) = common
                (one,), (other,) = (set(candidates.peaks[k].tolist()) - common for k in (better, worse))
                return Conflict(better, worse, shared, (one, other))
    raise OpenPoseLabError("no two limbs claim one peak in this photo; choose another photo")


def settle(scene: Scene, conflict: Conflict) -> NDArray[np.float64]:
    """Return the people of ``merge`` if the worse limb of a conflict is among its rows."""
    connections = scene.found.connections
    both = replace(connections, accepted=np.append(connections.accepted, conflict.worse))
    return merge(limb_rows(scene.config, both), 0, 0)


def main(arguments: Sequence[str]) -> None:
    """Run the program with the options of the command line."""
    parser = make_parser("python -m scripts.draw_glossary", __doc__, EXAMPLES)
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder for the pictures (default: docs/pictures)")
    out = parser.parse_args(arguments).out
    check_writable(out / "pipeline.jpg")
    require("matplotlib", "drawing")
    network = load_network()
    photo = read_photo(sample_photo())
    scene = Scene(photo, estimate_people(photo, network, quality=QUALITY), network.config)
    for name, draw in tqdm(PICTURES.items(), unit="picture", disable=None):
        write_whole(out / f"{name}.jpg", draw(scene))
    print(f"wrote {len(PICTURES)} pictures to {shown(out)}: {', '.join(PICTURES)}")


def draw_pipeline(scene: Scene) -> bytes:
    """Draw photo, heatmaps, peaks, PAFs, limbs and skeletons side by side."""
    titles = ("photo", "heatmaps", "peaks", "PAFs", "limbs", "skeletons")
    figure, row = _panels((18, 4.05), titles, fontsize=26, wspace=0.07)
    parts = len(scene.config.body_parts)
    _show(row[0], scene.photo, _GROUP)
    _show(row[1], _heat(scene, scene.found.maps.heatmaps[:, :, :parts].max(axis=2)), _GROUP)
    _show(row[2], _dimmed(scene), _GROUP)
    _draw_peaks(row[2], scene, _within(scene, list(range(len(scene.xy))), _GROUP), size=50)
    _show(row[3], _dimmed(scene), _GROUP)
    fields = scene.found.maps.pafs[:, :, np.array(scene.config.paf_channels)]  # (h, w, limbs, 2)
    strongest = np.hypot(*np.moveaxis(fields, 3, 0)).argmax(axis=2)
    _draw_paf(row[3], scene, np.take_along_axis(fields, strongest[:, :, None, None], axis=2)[:, :, 0], step=2)
    for axes, subset in ((row[4], limb_rows(scene.config, scene.found.connections)), (row[5], scene.found.subset)):
        _show(axes, _dimmed(scene), _GROUP)
        _draw_rows(axes, scene, subset, width=4)
    arrow = {"arrowstyle": "-|>", "lw": 5, "mutation_scale": 28, "shrinkA": 0, "shrinkB": 0, "color": "black"}
    for number, axes in enumerate(row[:-1]):
        axes.set_zorder(len(row) - number)  # above the next panel, which its arrow touches
        axes.annotate("", (1.125, 0.5), (1.005, 0.5), "axes fraction", arrowprops=arrow, annotation_clip=False)
    return _encode(figure)


def draw_body_parts(scene: Scene) -> bytes:
    """Draw the names of all body parts beside a skier."""
    figure, (axes,) = _panels((6.6, 5.4), ("",))
    _show(axes, scene.photo, _SKIER)
    left, top, right, bottom = _SKIER
    ids = _person_in(scene, _SKIER)
    on_left = [peak for peak in ids if _name(scene, peak).startswith("right_")]
    for peaks, x, side in ((on_left, left - 8, "right"), ([p for p in ids if p not in on_left], right + 8, "left")):
        heights = np.linspace(top + 8, bottom - 12, len(peaks))
        for y, peak in zip(heights, sorted(peaks, key=lambda peak: (scene.xy[peak, 1], scene.xy[peak, 0]))):
            arrow = {"arrowstyle": "-", "color": "black", "lw": 0.9, "shrinkA": 2, "shrinkB": 0}
            axes.annotate(
                _name(scene, peak), scene.xy[peak], (x, y), fontsize=12, ha=side, va="center", arrowprops=arrow
            )
    _draw_peaks(axes, scene, ids, size=28)
    return _encode(figure)


def draw_keypoints(scene: Scene) -> bytes:
    """Draw the place and the score of three keypoints of an arm."""
    figure, (axes,) = _panels((6.6, 3.9), ("",))
    _show(axes, scene.photo, _ARM)
    axes.set_anchor("W")
    for peak in _person_in(scene, _SKIER):
        if _name(scene, peak) in ("right_shoulder", *LIMB):
            x, y = scene.xy[peak]
            score = scene.found.coordinates.score[peak]
            text = f"{_name(scene, peak)}\nx {x:.1f}, y {y:.1f}\nscore {score:.2f}"
            arrow = {"arrowstyle": "-", "color": "black", "lw": 0.9}
            axes.annotate(text, (x, y), (_ARM[2] + 5, y), fontsize=12, ha="left", va="center", arrowprops=arrow)
            _draw_peaks(axes, scene, [peak], size=70)
    return _encode(figure)


def draw_heatmap(scene: Scene) -> bytes:
    """Draw the heatmap of one body part."""
    part = LIMB[1]
    figure, (axes,) = _panels((6.0, 5.1), (f"heatmap of {part}",))
    _show(axes, _heat(scene, scene.found.maps.heatmaps[:, :, scene.part(part)]), _ALL_FIVE)
    return _encode(figure)


def draw_paf(scene: Scene) -> bytes:
    """Draw the PAF of one limb."""
    figure, (axes,) = _panels((7.6, 4.2), (f"PAF of {LIMB[0]} to {LIMB[1]}",))
    _show(axes, _dimmed(scene), _ARMS)
    channels = list(scene.config.paf_channels[scene.limb(*LIMB)])
    _draw_paf(axes, scene, scene.found.maps.pafs[:, :, channels])
    return _encode(figure)


def draw_peaks(scene: Scene) -> bytes:
    """Draw the peaks of one body part with their ids and scores."""
    part = LIMB[1]
    figure, (axes,) = _panels((6.0, 5.1), (f"peaks of {part}: id and score",))
    _show(axes, _heat(scene, scene.found.maps.heatmaps[:, :, scene.part(part)]), _ALL_FIVE)
    peaks = _within(scene, scene.peaks_of(part), _ALL_FIVE)
    _draw_peaks(axes, scene, peaks, size=40)
    for peak in peaks:
        _label(axes, f"{peak}: {scene.found.coordinates.score[peak]:.2f}", scene.xy[peak], 5, -7)
    return _encode(figure)


def draw_limb(scene: Scene) -> bytes:
    """Draw one limb of a skier."""
    figure, (axes,) = _panels((6.6, 3.9), ("",))
    _show(axes, scene.photo, _ARM)
    axes.set_anchor("W")
    start, end = (next(p for p in _person_in(scene, _SKIER) if _name(scene, p) == name) for name in LIMB)
    arrow = {"arrowstyle": "-|>", "color": _COLOURS[0], "lw": 4, "mutation_scale": 22, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", scene.xy[end], scene.xy[start], arrowprops=arrow)
    _draw_peaks(axes, scene, [start, end], size=70)
    line = {"arrowstyle": "-", "color": "black", "lw": 0.9}
    for peak, text in ((start, f"from {LIMB[0]}"), (end, f"to {LIMB[1]}")):
        place = (_ARM[2] + 5, scene.xy[peak, 1])
        axes.annotate(text, scene.xy[peak], place, fontsize=12, ha="left", va="center", arrowprops=line)
    return _encode(figure)


def draw_candidates(scene: Scene) -> bytes:
    """Draw all candidates of one limb with their scores."""
    figure, (axes,) = _panels((5.2, 5.0), (f"candidates of {LIMB[0]} to {LIMB[1]}: PAF score",))
    _draw_pairs(axes, scene, lambda _: ("white", "-"))
    return _encode(figure)


def draw_connections(scene: Scene) -> bytes:
    """Draw the accepted candidates and the others."""
    accepted = set(scene.found.connections.accepted.tolist())
    figure, (axes,) = _panels((5.2, 5.0), ("connections (green) and rejected candidates (red)",))
    _draw_pairs(axes, scene, lambda pair: (_BETTER, "-") if pair in accepted else (_WORSE, ":"))
    return _encode(figure)


def draw_subset(scene: Scene) -> bytes:
    """Draw some slots of the rows of two limbs and of a person."""
    figure, (axes, table) = _panels((9, 2.9), ("", ""), width_ratios=(1, 2.1))
    ids = _person_in(scene, _SKIER)
    rows = limb_rows(scene.config, scene.found.connections)
    of_skier = np.isin(ids_of(rows), [*ids, MISSING]).all(axis=1)
    slots = [scene.part(part) for part in ("nose", "neck", "right_shoulder", *LIMB)]
    kinds = [(slots[2], slots[3]), (slots[3], slots[4])]
    limbs = [next(row for row in rows[of_skier] if (row[list(kind)] != MISSING).all()) for kind in kinds]
    person = next(row for row in scene.found.subset if ids[0] in row[:SCORE])
    _show(axes, scene.photo, _ARM)
    _draw_rows(axes, scene, np.array(limbs), width=5)
    labelled = _within(scene, [p for p in ids if scene.found.coordinates.part[p] in slots], _ARM)
    _draw_peaks(axes, scene, labelled, size=50)
    for peak in labelled:
        _label(axes, str(peak), scene.xy[peak], 5)
    cells = [[*(f"{row[slot]:.0f}" for slot in slots), "\N{HORIZONTAL ELLIPSIS}", *_ending(row)] for row in limbs]
    cells.append([*(f"{person[slot]:.0f}" for slot in slots), "\N{HORIZONTAL ELLIPSIS}", *_ending(person)])
    heads = [scene.config.body_parts[slot].replace("_", "\n") for slot in slots]
    heads += ["\N{HORIZONTAL ELLIPSIS}", "score", "parts\nnum"]
    drawn = table.table(
        cells, colLabels=heads, rowLabels=["limb", "limb", "person"], loc="center", cellLoc="center", edges="horizontal"
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(11)
    drawn.scale(1, 2.4)
    return _encode(figure)


def draw_merge(scene: Scene) -> bytes:
    """Draw the rows before and after ``merge``."""
    rows = limb_rows(scene.config, scene.found.connections)
    figure, row = _panels((9, 3.9), ("before merge: a row for each limb", "after merge: a row for each person"))
    for axes, subset in zip(row, (rows, scene.found.subset)):
        _show(axes, _dimmed(scene), _ALL_FIVE)
        _draw_rows(axes, scene, subset, width=2.5)
    return _encode(figure)


def draw_prune(scene: Scene) -> bytes:
    """Draw the rows that ``merge`` prunes, and the others."""
    kept = {tuple(row) for row in ids_of(scene.found.subset).tolist()}
    pruned = np.array([tuple(row) not in kept for row in ids_of(scene.unpruned).tolist()])
    titles = (f"{len(pruned)} people before pruning", f"{len(kept)} people after pruning")
    figure, row = _panels((9, 2.95), titles)
    for axes in row:
        _show(axes, _dimmed(scene), _WHOLE)
        _draw_rows(axes, scene, scene.unpruned[~pruned], width=2)
    _draw_rows(row[0], scene, scene.unpruned[pruned], width=3, colours=[_WORSE])
    return _encode(figure)


def draw_conflict(scene: Scene) -> bytes:
    """Draw two limbs that claim one peak, the person whom both would make, and the two people of ``merge``."""
    conflict = find_conflict(scene)
    pairs, xy = scene.found.connections.candidates, scene.xy
    ends = [pairs.peaks[k] for k in (conflict.better, conflict.worse)]
    part, other = (_name(scene, peak).replace("_", " ") for peak in (conflict.shared, conflict.others[0]))
    titles = (
        f"two limbs claim one {part}",
        f"joined: a person with two {other}s",
        f"the better limb keeps the {part}",
    )
    figure, row = _panels((9, 4.75), titles, fontsize=12)
    people = settle(scene, conflict)
    concerned = [person for person in people if np.isin(person[:SCORE], conflict.others).any()]
    concerned.sort(key=lambda person: conflict.others[1] in person[:SCORE])
    for axes in row:
        _show(axes, _dimmed(scene), _TWO)
    _draw_rows(row[1], scene, np.array(concerned), width=3.5, colours=[_WORSE])
    _draw_rows(row[2], scene, np.array(concerned), width=3.5)
    for axes in row[:2]:
        for k, pair, colour, line in zip((conflict.better, conflict.worse), ends, (_BETTER, _WORSE), ("-", "--")):
            axes.plot(*xy[pair].T, color=colour if axes is row[0] else _WORSE, linewidth=4, linestyle=line)
            if axes is row[0]:
                _label(axes, f"score {pairs.score[k]:.2f}", xy[pair].mean(axis=0))
    _draw_peaks(row[0], scene, [conflict.shared, *conflict.others], size=60)
    for axes, peaks in ((row[0], (conflict.shared, *conflict.others)), (row[1], conflict.others)):
        for peak in peaks:
            _label(axes, _name(scene, peak).replace("_", " "), xy[peak], down=7 if peak == conflict.shared else -5)
    x, y = xy[list(conflict.others)].T
    row[1].scatter(x, y, s=170, facecolors="none", edgecolors="white", linewidths=2.5, zorder=5)
    return _encode(figure)


PICTURES: dict[str, Callable[[Scene], bytes]] = {
    "pipeline": draw_pipeline,
    "conflict": draw_conflict,
    "glossary_body_part": draw_body_parts,
    "glossary_keypoint": draw_keypoints,
    "glossary_heatmap": draw_heatmap,
    "glossary_peak": draw_peaks,
    "glossary_paf": draw_paf,
    "glossary_limb": draw_limb,
    "glossary_candidate": draw_candidates,
    "glossary_connection": draw_connections,
    "glossary_subset": draw_subset,
    "glossary_merge": draw_merge,
    "glossary_prune": draw_prune,
}
"""The name of each picture, and the function that draws it."""


def _panels(
    inches: tuple[float, float], titles: Sequence[str], fontsize: int = 13, **grid: Any
) -> tuple[Figure, list[Axes]]:
    """Make a figure with empty axes side by side."""
    from matplotlib.figure import Figure  # imported here, because it takes half a second

    figure = Figure(inches, layout="constrained")
    row = figure.subplots(1, len(titles), squeeze=False, gridspec_kw=grid)[0].tolist()
    for axes, title in zip(row, titles):
        axes.set_title(title, fontsize=fontsize)
        axes.axis("off")
    return figure, row


def _encode(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="jpg", dpi=_DPI, pil_kwargs={"quality": _JPEG})
    return data.getvalue()


def _show(axes: Axes, pixels: NDArray[np.uint8], crop: Crop) -> None:
    """Show a part of the photo, or of a picture of any size that covers the photo. The axes are in photo pixels."""
    height, width = 360, 640
    left, top, right, bottom = crop
    axes.imshow(pixels[:, :, ::-1], extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="bicubic")
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")


def _dimmed(scene: Scene) -> NDArray[np.uint8]:
    return (scene.photo * _DIMMED).astype(np.uint8)


def _heat(scene: Scene, heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a heatmap over the dimmed photo, both enlarged."""
    larger = cv2.resize(scene.photo, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
    maps = replace(scene.found.maps, heatmaps=heatmap[:, :, None])
    return Canvas(np.asarray(larger, np.uint8), _ENLARGED, maps, scene.config, scene.found.coordinates).heatmap(0)


def _draw_paf(axes: Axes, scene: Scene, field: NDArray[np.float32], step: int = 1) -> None:
    """Draw the vectors (h, w, 2) of a PAF as arrows, in every cell or every ``step``. The colour is the direction."""
    from matplotlib.colors import hsv_to_rgb

    maps = scene.found.maps
    on_grid = np.zeros(field.shape[:2], dtype=bool)
    on_grid[::step, ::step] = True
    rows, columns = np.nonzero(on_grid & (np.hypot(field[:, :, 0], field[:, :, 1]) > _LEAST_ARROW))
    x, y = field[rows, columns].T
    places = cells_to_photo(np.stack([columns, rows], axis=1), maps.cell_size, maps.offset)
    longest = step * max(maps.cell_size)
    hue = np.arctan2(y, x) / (2 * np.pi) % 1
    colours = np.stack([hue, np.full_like(hue, 0.55), np.ones_like(hue)], axis=1)
    axes.quiver(
        *places.T, x * longest, y * longest, color=hsv_to_rgb(colours), pivot="middle", zorder=2,
        angles="xy", scale_units="xy", scale=1, units="xy", width=longest / 8, headwidth=3.5, headlength=3.5,
    )  # fmt: skip


def _draw_peaks(axes: Axes, scene: Scene, peaks: Iterable[int], size: float) -> None:
    """Mark peaks. The colour is the body part."""
    from matplotlib import colormaps

    chosen = list(peaks)
    hues = scene.found.coordinates.part[chosen] / len(scene.config.body_parts)
    x, y = scene.xy[chosen].T
    axes.scatter(x, y, s=size, c=colormaps["hsv"](hues), edgecolors="black", linewidths=0.7, zorder=4)


def _draw_rows(
    axes: Axes, scene: Scene, rows: NDArray[np.float64], width: float, colours: Sequence[str] = _COLOURS
) -> None:
    """Draw rows of limbs or people, each in the next colour."""
    for number, row in enumerate(rows):
        colour = colours[number % len(colours)]
        for limb in scene.config.limbs:
            ends = row[[limb.from_part, limb.to_part]].astype(int)
            if not limb.redundant and (ends != MISSING).all():
                axes.plot(*scene.xy[ends].T, color=colour, linewidth=width, solid_capstyle="round", zorder=2)
        peaks = row[:SCORE][row[:SCORE] != MISSING].astype(int)
        if row[PARTS_NUM] > 2:
            x, y = scene.xy[peaks].T
            axes.scatter(x, y, s=(2 * width) ** 2, color=colour, zorder=3)


def _draw_pairs(axes: Axes, scene: Scene, style: Callable[[int], tuple[str, str]]) -> None:
    """Draw the candidates of ``LIMB`` with their scores. ``style``: index of a candidate -> colour and line."""
    candidates, accepted = scene.found.connections.candidates, set(scene.found.connections.accepted.tolist())
    _show(axes, _dimmed(scene), _BODIES)
    for pair in np.flatnonzero(candidates.limb == scene.limb(*LIMB)).tolist():
        ends = candidates.peaks[pair]
        if len(_within(scene, ends.tolist(), _BODIES)) < 2:
            continue
        colour, line = style(pair)
        axes.plot(*scene.xy[ends].T, color=colour, linestyle=line, linewidth=3, zorder=2)
        _draw_peaks(axes, scene, ends.tolist(), size=45)
        right, down = (1, -9) if pair in accepted else (-21, 9)  # beside the line
        _label(axes, f"{candidates.score[pair]:.2f}", scene.xy[ends].mean(axis=0), right, down)


def _label(axes: Axes, text: str, peak: NDArray[np.float64], right: float = 4, down: float = 0) -> None:
    """Write a text beside a place; ``right`` and ``down`` move it by pixels of the photo."""
    box = {"facecolor": "black", "edgecolor": "none", "alpha": 0.65, "pad": 1.5}
    place = float(peak[0]) + right, float(peak[1]) + down
    axes.annotate(text, place, color="white", fontsize=11, ha="left", va="center", bbox=box, zorder=6)


def _name(scene: Scene, peak: int) -> str:
    return str(scene.config.body_parts[scene.found.coordinates.part[peak]])


def _within(scene: Scene, peaks: list[int], crop: Crop) -> list[int]:
    left, top, right, bottom = crop
    return [p for p in peaks if left < scene.xy[p, 0] < right and top < scene.xy[p, 1] < bottom]


def _person_in(scene: Scene, crop: Crop) -> list[int]:
    """Return the ids of the peaks of the first person who lies in a part of the photo."""
    for row in ids_of(scene.found.subset):
        peaks = [int(peak) for peak in row[row != MISSING]]
        if len(_within(scene, peaks, crop)) == len(peaks):
            return peaks
    raise OpenPoseLabError(f"found no person within {crop} of the sample photo; use the default weights")


def _ending(row: NDArray[np.float64]) -> tuple[str, str]:
    return f"{row[SCORE]:.2f}", f"{row[PARTS_NUM]:.0f}"


if __name__ == "__main__":
    sys.exit(start("draw_glossary", main, sys.argv[1:]))
