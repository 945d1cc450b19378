"""The handout's first relaxation: match only the limbs of a tree over the body parts, one limb after another.

Source: Cao et al., CVPR 2017, section 2.3. Limbs of a tree cannot conflict, so all matched limbs are joined. The limbs
from ear to shoulder are not in the tree. They break ties: after a first matching, each pair of peaks that they support
gets ``config.tie`` added to its score, and all limbs are matched again. At the end, they join the pieces of people with
a missed part.
Cost: O(C log C), to sort the C candidates twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimation.config import Config
from estimation.connections import Candidates, accept_one_to_one
from estimation.coordinates import Coordinates
from estimation.grouping.assembly import Assembly, to_subset


def group(candidates: Candidates, coordinates: Coordinates, config: Config) -> NDArray[np.float64]:
    """Group the limbs into rows of ``estimation.subset``, (n, parts + 2) float64."""
    redundant = np.array([limb.redundant for limb in config.limbs])[candidates.limb]
    tree, others = candidates.select(np.flatnonzero(~redundant)), candidates.select(np.flatnonzero(redundant))

    assembly = Assembly(coordinates, tells=False)  # the first matching only finds the supported pairs
    assembly.join(config, tree, accept_one_to_one(tree))
    start = config.tie * _supported(assembly, tree, others)
    tree = tree.select(np.argsort(-(tree.score + start), kind="stable"))

    assembly = Assembly(coordinates)
    assembly.join(config, tree, accept_one_to_one(tree))
    assembly.join(config, others, np.sort(accept_one_to_one(others)))  # candidates come best first
    return to_subset(config, assembly.people(), candidates, coordinates)


def _supported(assembly: Assembly, tree: Candidates, others: Candidates) -> NDArray[np.bool_]:
    """Return whether one end of each candidate has a redundant limb to the person of the other end, (C,) bool."""
    links = set()
    for a, b in others.peaks.tolist():
        links |= {(a, id(assembly.person[b])), (b, id(assembly.person[a]))}
    pairs = tree.peaks.tolist()
    return np.array(
        [(a, id(assembly.person[b])) in links or (b, id(assembly.person[a])) in links for a, b in pairs], dtype=bool
    )
