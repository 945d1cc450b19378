"""Custom layouts: read them from TOML or JSON files, and store them in weights files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from estimation.errors import OpenPoseLabError, one_line
from estimation.files import read_input
from estimation.layouts import LAYOUTS, Layout, Limb

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST_FILE = 1 << 20
_MOST_PARTS = 200
_MOST_LIMBS = 400
_SIGMA = 0.079
"""The default sigma of a part: COCO's sigma of a shoulder."""
_KEYS = ("name", "parts", "limbs", "pairs", "sigmas")


def read_layout(path: Path) -> Layout:
    """Read a layout from a TOML or JSON file.

    Args:
        path: The file, with these keys. ``parts`` lists the names of the body parts. ``limbs`` lists the limbs, each a
            pair of parts; a third entry ``redundant`` marks a limb that closes a cycle. ``pairs`` lists pairs of parts
            that swap in a mirrored photo; by default, parts with names that differ only in ``left`` and ``right``.
            ``sigmas`` gives a number for each part, or a table for some parts by name. ``name`` is the name of the
            layout; by default, the name of the file.

    Returns:
        The layout. Limb k has the PAF channels 2k and 2k + 1.

    Raises:
        OpenPoseLabError: If the file cannot be read, or is not a valid layout.
    """
    data = read_input(path, "layout", _LARGEST_FILE)
    try:
        text = data.decode("utf-8-sig")
        content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise OpenPoseLabError(f"the layout {path} is not {kind}: {one_line(str(error), 100)}") from None
    try:
        if not isinstance(content, dict):
            raise ValueError(f"it must be a table with {', '.join(_KEYS[1:3])}")
        return layout_from({"name": path.stem, **content})
    except ValueError as error:
        raise OpenPoseLabError(f"the layout {path} cannot be used: {error}") from None


def layout_from(content: Mapping[str, Any]) -> Layout:
    """Make a layout from the values of a file.

    Args:
        content: The values by key, as in ``read_layout``.

    Returns:
        The layout.

    Raises:
        ValueError: If the values are not a valid layout. The message says why.
    """
    if unknown := sorted(set(content) - set(_KEYS)):
        raise ValueError(f"the key {unknown[0]!r} is unknown; use {', '.join(_KEYS)}")
    parts = _names(content.get("parts"), "parts", _MOST_PARTS)
    name = content.get("name")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 60:
        raise ValueError("'name' must be a text of up to 60 letters")
    limbs = _limbs(content.get("limbs"), parts)
    pairs = _pairs(content.get("pairs"), parts)
    layout = Layout(name, parts, limbs, _sigmas(content.get("sigmas"), parts), pairs=pairs)
    _check_mirror(layout)
    return layout


def layout_content(layout: Layout) -> dict[str, Any]:
    """Return the values of a layout. ``layout_from`` makes the same layout from them.

    Raises:
        ValueError: If a limb k does not have the PAF channels 2k and 2k + 1.
    """
    if any((limb.paf_x, limb.paf_y) != (2 * k, 2 * k + 1) for k, limb in enumerate(layout.limbs)):
        raise ValueError(f"the limbs of {layout.name} have PAF channels of another order")
    names = layout.body_parts
    return {
        "name": layout.name,
        "parts": list(names),
        "limbs": [[names[limb[0]], names[limb[1]], *["redundant"] * limb.redundant] for limb in layout.limbs],
        "pairs": [[names[part], names[other]] for part, other in enumerate(layout.mirrored_parts) if part < other],
        "sigmas": list(layout.sigmas),
    }


def layout_to_text(layout: Layout) -> str:
    """Convert a layout to text for a weights file: the name of a built-in layout, or the values as JSON."""
    return layout.name if LAYOUTS.get(layout.name) == layout else json.dumps(layout_content(layout))


def layout_from_text(text: str) -> Layout:
    """Return the layout from a text of ``layout_to_text``. Raise ValueError if the text is not a valid layout."""
    if text in LAYOUTS:
        return LAYOUTS[text]
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it is not a table")
    return layout_from(content)


def _names(value: Any, what: str, most: int) -> tuple[str, ...]:
    good = isinstance(value, list) and 0 < len(value) <= most
    if not good or not all(isinstance(name, str) and name.isprintable() and 0 < len(name) <= 60 for name in value):
        raise ValueError(f"{what!r} must be a list of up to {most} names")
    if len(set(value)) < len(value):
        raise ValueError(f"{what!r} has {_first_twice(value)!r} twice")
    return tuple(value)


def _first_twice(names: Sequence[str]) -> str:
    return next(name for k, name in enumerate(names) if name in names[:k])


def _limbs(value: Any, parts: tuple[str, ...]) -> tuple[Limb, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_LIMBS:
        raise ValueError(f"'limbs' must be a list of up to {_MOST_LIMBS} pairs of parts")
    limbs: list[Limb] = []
    for k, limb in enumerate(value):
        if not isinstance(limb, list) or not (len(limb) == 2 or (len(limb) == 3 and limb[2] == "redundant")):
            raise ValueError(f"limb {k} must be a list of two parts, such as {[parts[0], parts[-1]]}, but is {limb}")
        for part in limb[:2]:
            if part not in parts:
                raise ValueError(f"limb {k} names {part!r}, which is not one of the parts")
        ends = parts.index(limb[0]), parts.index(limb[1])
        if ends[0] == ends[1] or any(set(ends) == set(other[:2]) for other in limbs):
            raise ValueError(f"limb {k} must join two different parts that no other limb joins, but is {limb}")
        limbs.append(Limb(*ends, 2 * k, 2 * k + 1, redundant=len(limb) == 3))
    if lonely := [part for k, part in enumerate(parts) if not any(k in limb[:2] for limb in limbs)]:
        raise ValueError(f"no limb joins {lonely[0]!r}, so grouping cannot use it")
    return tuple(limbs)


def _pairs(value: Any, parts: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise ValueError("'pairs' must be a list of pairs of parts")
    named = [part for pair in value for part in pair]
    for part in named:
        if part not in parts:
            raise ValueError(f"'pairs' names {part!r}, which is not one of the parts")
    if len(set(named)) < len(named):
        raise ValueError(f"'pairs' names {_first_twice(named)!r} twice")
    return tuple((pair[0], pair[1]) for pair in value)


def _sigmas(value: Any, parts: tuple[str, ...]) -> tuple[float, ...]:
    if value is None:
        value = {}
    if isinstance(value, dict):
        if unknown := [part for part in value if part not in parts]:
            raise ValueError(f"'sigmas' names {unknown[0]!r}, which is not one of the parts")
        value = [value.get(part, _SIGMA) for part in parts]
    if not isinstance(value, list) or len(value) != len(parts):
        raise ValueError(f"'sigmas' must have {len(parts)} numbers, one for each part")
    for sigma in value:
        if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 < sigma <= 1:
            raise ValueError(f"'sigmas' must be numbers above 0 and at most 1, but one is {sigma!r}")
    return tuple(float(sigma) for sigma in value)


def _check_mirror(layout: Layout) -> None:
    """Raise ValueError if a limb has no counterpart in a mirrored photo."""
    try:
        others = layout.mirrored_parts
    except ValueError:
        raise ValueError("a part with 'left' or 'right' in its name lacks its other side; add it, or 'pairs'") from None
    ends = {limb[:2] for limb in layout.limbs}
    for start, end in ends:
        if not {(others[start], others[end]), (others[end], others[start])} & ends:
            names = [layout.body_parts[part] for part in (start, end)]
            raise ValueError(
                f"the limb {names} has no counterpart for a mirrored photo: "
                f"add {[layout.body_parts[others[part]] for part in (start, end)]}, or change 'pairs'"
            )
