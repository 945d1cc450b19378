"""``check-merge --case``: one case in this process without a time limit, so prints and breakpoints work."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimation.errors import OpenPoseLabError
from openpose_lab.commands.program import shown

if TYPE_CHECKING:
    from estimation.grouping.contract import Failure, Reply, Rows
    from openpose_lab.lab.cases import Case
    from openpose_lab.lab.one_case import PhotoCase


def run_case(name: str, file: Path) -> None:
    """Call a merge with the rows of a case or of a photo, and print its input and its answer.

    Args:
        name: The name of a case, a part of it, or the path of a photo.
        file: The merge's Python file.

    Raises:
        OpenPoseLabError: The case does not exist, the file cannot be loaded, or the answer is wrong.
    """
    if Path(name).is_file():
        run_photo(Path(name), file)
        return
    case = find_case(name)
    print_limits(case)
    if failure := try_orders(file, case, orders_of(case), case.options):
        raise OpenPoseLabError(f"{case.name}: {failure.sentence}")
    print(f"{case.name}: passed")


def run_photo(photo: Path, file: Path) -> None:
    """Print the peaks and rows of a photo and the merge's answer. The right answer is unknown; check the contract."""
    from openpose_lab.lab.one_case import find_in_photo

    found = find_in_photo(photo)
    print_peaks(found, shown(photo))
    print_limits(found)
    title = f"the {len(found.rows)} rows of {shown(photo)}"
    if failure := try_orders(file, None, iter([(title, found.rows)]), found.options):
        raise OpenPoseLabError(f"{shown(photo)}: {failure.sentence}")
    print("The answer passes the contract checks. `explain` draws it over the photo.")


def find_case(name: str) -> Case:
    """Return the one case that a name matches. If none or several match, print their names and raise."""
    from openpose_lab.lab.hints import find_checks
    from openpose_lab.lab.one_case import ALL_CASES, find_cases

    found = find_cases(name)
    if len(found) == 1:
        return found[0]
    if not found and (checks := find_checks(name)):
        raise OpenPoseLabError(
            f"{checks[0]!r} is a check on random rows, so it has no case; `check-merge --all` shows rows with which it "
            f"fails"
        )
    print("\n".join(case.name for case in found or ALL_CASES))
    if found:
        raise OpenPoseLabError(f"{name!r} matches {len(found)} cases; give a longer part of one of the names above")
    raise OpenPoseLabError(f"no case and no photo matches {name!r}; give one of the names above, or a part of it")


def orders_of(case: Case) -> Iterator[tuple[str, Rows]]:
    """Yield the rows of a case in their own order and, if there are several, in reverse, each with a title."""
    yield f"{case.name}: {case.why}", case.rows
    if len(case.rows) > 1:
        yield "the same rows in reverse order", case.rows[::-1].copy()


def print_limits(case: Case | PhotoCase) -> None:
    """Print the limits of a case: the merge's keyword arguments, or their defaults."""
    from openpose_lab.lab.one_case import limits_of

    how = "given to merge" if case.options else "the defaults"
    print(f"limits: {', '.join(f'{name}={value:g}' for name, value in limits_of(case).items())} ({how})\n")


def try_orders(
    file: Path, case: Case | None, orders: Iterator[tuple[str, Rows]], options: dict[str, float]
) -> Failure | None:
    """Call the merge with the rows in each order. Return the first failure, or None."""
    from estimation.grouping import load_grouping
    from openpose_lab.lab.one_case import expected_rows, judge
    from openpose_lab.lab.row_tables import format_rows

    merge: Callable[..., Any] | None = None
    for title, rows in orders:
        print(textwrap.fill(title, 110))
        print(format_rows({"given    ": rows}, most=None), flush=True)
        merge = merge or load_grouping(file, ("merge",)).function
        reply = call(merge, file, rows, options)
        told = {} if reply.error else {"came back": reply.value}
        if case:
            told["expected "] = expected_rows(case)
        if told:
            print(format_rows(told, most=None))
        print()
        if failure := judge(rows, reply, case):
            return failure
    return None


def call(merge: Callable[..., Any], file: Path, rows: Rows, options: dict[str, float]) -> Reply:
    """Call a merge in this process, so that prints appear and breakpoints stop. An error is printed."""
    import bdb
    import traceback

    from estimation.grouping.contract import Reply, plain_answer
    from estimation.grouping.plugin import describe_error, differ

    given = rows.copy()
    try:
        value = plain_answer(merge(given, **options))
    except bdb.BdbQuit:
        raise OpenPoseLabError("the merge gave no answer, because you quit the debugger") from None
    except Exception as error:
        own = error.__traceback__.tb_next if error.__traceback__ else None  # leaves out this function's frame
        print("".join(traceback.format_exception(type(error), error, own)), end="")
        return Reply(error=describe_error(error, file), changed=differ(rows, given), cause=error)
    return Reply(value, changed=differ(rows, given))


def print_peaks(found: PhotoCase, name: str) -> None:
    """Print the peaks of a photo with their ids. Rows refer to peaks by id."""
    print(f"{len(found.xy)} peaks in {name}:\n    id part                   x       y   score")
    parts, score = found.coordinates.part, found.coordinates.score
    for peak, (x, y) in enumerate(found.xy.tolist()):
        print(f"{peak:6} {found.coordinates.body_parts[parts[peak]]:16} {x:7.1f} {y:7.1f} {score[peak]:7.2f}")
    print()
