"""A skeleton layout: body parts, the limbs between them, and the map channels of both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Limb(NamedTuple):
    """An ordered pair of body parts, and the two PAF channels of the vectors from the first part to the second.

    ``redundant`` marks a limb that closes a cycle (ear to shoulder): the other limbs already form a tree over all
    parts. Groupings use a redundant limb as evidence, but it is not drawn.
    """

    from_part: int
    to_part: int
    paf_x: int
    paf_y: int
    redundant: bool = False


@dataclass(frozen=True)
class Layout:
    """A skeleton layout.

    Attributes:
        name: the layout's name, as in ``LAYOUTS``.
        body_parts: the names of the parts. A part's index is its heatmap channel and its slot in a subset row. Names of
            paired parts begin with ``left_`` and ``right_``.
        limbs: the limbs, in the order in which their rows reach ``merge``.
        sigmas: one number per part (COCO's sigmas): how far apart two annotators place the part, as a share of the
            person's size. The size is the square root of the person's area.
        proportions: x and y of every part of a standing person seen from the front, in units of the person's height, or
            None.
        pairs: pairs of names of the parts that change places in a mirrored photo. None means all parts with names that
            differ only in ``left`` and ``right``.

    Raises:
        ValueError: if the fields do not fit together.
    """

    name: str
    body_parts: tuple[str, ...]
    limbs: tuple[Limb, ...]
    sigmas: tuple[float, ...]
    proportions: tuple[tuple[float, float], ...] | None = None
    pairs: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self) -> None:
        count = len(self.body_parts)
        if count == 0 or len(set(self.body_parts)) != count:
            raise ValueError(f"the body parts of {self.name} must have different names but are {self.body_parts}")
        for what, values in (("sigmas", self.sigmas), ("proportions", self.proportions)):
            if values is not None and len(values) != count:
                raise ValueError(f"{self.name} must have {count} {what}, one per body part, but has {len(values)}")
        for limb in self.limbs:
            if not all(part in range(count) for part in limb[:2]) or min(limb.paf_x, limb.paf_y) < 0:
                raise ValueError(f"{limb} of {self.name} must join two of {count} parts by two PAF channels")

    @cached_property
    def limb_parts(self) -> NDArray[np.intp]:
        """(L, 2) part indices of each limb: from, to."""
        return _frozen([(limb.from_part, limb.to_part) for limb in self.limbs]).reshape(-1, 2)

    @cached_property
    def paf_channels(self) -> NDArray[np.intp]:
        """(L, 2) PAF channels of each limb: x, y."""
        return _frozen([(limb.paf_x, limb.paf_y) for limb in self.limbs]).reshape(-1, 2)

    @cached_property
    def mirrored_parts(self) -> NDArray[np.intp]:
        """(P,) the counterpart of each part in a mirrored photo: right eye for left eye, and nose for nose."""
        if self.pairs is None:
            others = {name: other_side(name) for name in self.body_parts}
        else:
            both_ways = [*self.pairs, *(pair[::-1] for pair in self.pairs)]
            others = {name: name for name in self.body_parts} | dict(both_ways)
        return _frozen([self.body_parts.index(others[name]) for name in self.body_parts])

    @property
    def heatmap_count(self) -> int:
        """The number of heatmap channels: one per part, and one for the background."""
        return len(self.body_parts) + 1

    @property
    def paf_count(self) -> int:
        """The number of PAF channels: two per limb."""
        return max((max(limb.paf_x, limb.paf_y) for limb in self.limbs), default=-1) + 1


def other_side(body_part: str) -> str:
    """Return the same part on the other side of the body: left_eye for right_eye, nose for nose."""
    sides = {"left": "right", "right": "left"}
    return "_".join(sides.get(word, word) for word in body_part.split("_"))


def _frozen(rows: list[int] | list[tuple[int, int]]) -> NDArray[np.intp]:
    import numpy as np  # imported here, because programs list layouts before they load NumPy

    array = np.array(rows, dtype=np.intp)
    array.setflags(write=False)
    return array
