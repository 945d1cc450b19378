"""One case of ``check-merge`` in this process: prints and breakpoints of the merge work, without a limit of time."""

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
    """Call a merge with the rows of a case, or of a photo, and print what it is given and what comes back.

    Args:
        name: of a case, a part of it, or the path of a photo.
        file: the merge's Python file.

    Raises:
        OpenPoseLabError: There is no such case, the file cannot be loaded, or the answer is wrong.
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
    """Print the peaks and the rows of a photo, and what a merge makes of them. Only the contract can be checked."""
    from openpose_lab.lab.one_case import find_in_photo

    found = find_in_photo(photo)
    print_peaks(found, shown(photo))
    print_limits(found)
    title = f"the {len(found.rows)} rows of {shown(photo)}"
    if failure := try_orders(file, None, iter([(title, found.rows)]), found.options):
        raise OpenPoseLabError(f"{shown(photo)}: {failure.sentence}")
    print("The answer keeps the contract. `explain` draws it over the photo.")


def find_case(name: str) -> Case:
    """The one case that a name means. If it means none or several, their names are printed."""
    from openpose_lab.lab.hints import find_checks
    from openpose_lab.lab.one_case import ALL_CASES, find_cases

    found = find_cases(name)
    if len(found) == 1:
        return found[0]
    if not found and (checks := find_checks(name)):
        raise OpenPoseLabError(
            f"{checks[0]!r} is a check of random rows, so there is no case of it; `check-merge --all` shows rows with "
            f"which it fails"
        )
    print("\n".join(case.name for case in found or ALL_CASES))
    if found:
        raise OpenPoseLabError(f"{len(found)} cases have {name!r} in their names; give more of one of the names above")
    raise OpenPoseLabError(f"there is no case and no photo {name!r}; give one of the names above, or a part of it")


def orders_of(case: Case) -> Iterator[tuple[str, Rows]]:
    """The rows of a case as the checks give them: in their order, and in the opposite one."""
    yield f"{case.name}: {case.why}", case.rows
    if len(case.rows) > 1:
        yield "the same rows in the opposite order", case.rows[::-1].copy()


def print_limits(case: Case | PhotoCase) -> None:
    """Print the limits that hold in a case."""
    from openpose_lab.lab.one_case import limits_of

    how = "given to merge" if case.options else "the defaults"
    print(f"limits: {', '.join(f'{name}={value:g}' for name, value in limits_of(case).items())} ({how})\n")


def try_orders(
    file: Path, case: Case | None, orders: Iterator[tuple[str, Rows]], options: dict[str, float]
) -> Failure | None:
    """Call the merge with rows in each order until an answer is wrong."""
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
    """Call a merge as it is: nothing catches what it prints, and a breakpoint stops in it. An error is printed."""
    import bdb
    import traceback

    from estimation.grouping.contract import Reply, plain_answer
    from estimation.grouping.plugin import describe_error, differ

    given = rows.copy()
    try:
        value = plain_answer(merge(given, **options))
    except bdb.BdbQuit:
        raise OpenPoseLabError("the debugger was left, so there is no answer") from None
    except Exception as error:
        own = error.__traceback__.tb_next if error.__traceback__ else None  # without this file's line
        print("".join(traceback.format_exception(type(error), error, own)), end="")
        return Reply(error=describe_error(error, file), changed=differ(rows, given), cause=error)
    return Reply(value, changed=differ(rows, given))


def print_peaks(found: PhotoCase, name: str) -> None:
    """The peaks of a photo, which the rows name by their ids."""
    print(f"{len(found.xy)} peaks in {name}:\n    id part                   x       y   score")
    parts, score = found.coordinates.part, found.coordinates.score
    for peak, (x, y) in enumerate(found.xy.tolist()):
        print(f"{peak:6} {found.coordinates.body_parts[parts[peak]]:16} {x:7.1f} {y:7.1f} {score[peak]:7.2f}")
    print()
