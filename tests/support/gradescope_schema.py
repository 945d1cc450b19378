"""The schema of results.json, from Gradescope's documentation (gradescope-autograders.readthedocs.io, "specs")."""

from typing import Any

_VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
_FORMAT = {"text", "html", "simple_format", "md", "ansi"}
_TEST = {
    "score": float,
    "max_score": float,
    "status": {"passed", "failed"},
    "name": str,
    "name_format": _FORMAT,
    "number": str,
    "output": str,
    "output_format": _FORMAT,
    "tags": [str],
    "visibility": _VISIBILITY,
    "extra_data": dict,
}
_ENTRY = {"name": str, "value": (float, str), "order": {"asc", "desc"}}
_RESULTS = {
    "score": float,
    "execution_time": float,
    "output": str,
    "output_format": _FORMAT,
    "test_output_format": _FORMAT,
    "test_name_format": _FORMAT,
    "visibility": _VISIBILITY,
    "stdout_visibility": _VISIBILITY,
    "extra_data": dict,
    "tests": [_TEST],
    "leaderboard": [_ENTRY],
}
_REQUIRED = {id(_ENTRY): ("name", "value")}
_NAMES = {float: "number", str: "text", dict: "object"}


def faults_of(results: Any) -> list[str]:
    """What Gradescope would not take; an empty list for a valid results.json, parsed."""
    faults = list(_faults(results, _RESULTS, ""))
    tests = results.get("tests", [])
    if "score" not in results and not (tests and all("score" in test for test in tests)):
        faults.append("there is a score neither at the top nor for each test")
    return faults


def _faults(value, schema, place):
    if isinstance(schema, set):
        if value not in schema:
            yield f"{place}: {value!r} is none of {sorted(schema)}"
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{place}: {value!r} is no list"
        else:
            for number, one in enumerate(value):
                yield from _faults(one, schema[0], f"{place}[{number}]")
    elif isinstance(schema, dict):
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is no object"
            return
        for name in _REQUIRED.get(id(schema), ()):
            if name not in value:
                yield f"{place}: {name} is missing"
        for name, one in value.items():
            inner = f"{place}.{name}".lstrip(".")
            if name in schema:
                yield from _faults(one, schema[name], inner)
            else:
                yield f"{inner} is no field"
    elif not any(_is(value, kind) for kind in (schema if isinstance(schema, tuple) else (schema,))):
        kinds = schema if isinstance(schema, tuple) else (schema,)
        yield f"{place}: {value!r} is no {' or '.join(_NAMES[kind] for kind in kinds)}"


def _is(value, kind):
    return isinstance(value, int | float) and not isinstance(value, bool) if kind is float else isinstance(value, kind)
