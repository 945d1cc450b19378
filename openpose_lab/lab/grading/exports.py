"""Finds the owners of submitted files by file names in the exports of learning-management systems."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from functools import partial

LARGEST_METADATA = 64 << 20
"""The size limit in bytes of Gradescope's file about all submissions, which holds the output of its tests."""
LARGEST_RECEIPT = 1 << 20
"""The size limit in bytes of Blackboard's text file beside each attempt, which also holds text from the student."""


@dataclass(frozen=True)
class Owner:
    """A student, as a learning-management system names them.

    Attributes:
        system: the name of the system.
        id: the student's id in the system, unchanged.
        name: the student's name; "" if the export lacks it.
        time: the time of the attempt, if the system exports several attempts.
    """

    system: str
    id: str
    name: str
    time: str = ""


_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<rest>.*))?")
_CANVAS = (
    re.compile(r"(?P<name>(?!\d+_).+?)(?:_LATE)?_(?P<id>\d+)_(?:\d{3,}_(?P<rest>.+)|(?:text|link)\.html)"),
    re.compile(r"(?P<name>anon)_(?P<id>[A-Za-z0-9]{5})(?:_LATE)?_(?:\d{3,}_(?P<rest>.+)|(?:text|link)\.html)"),
)
_BLACKBOARD = re.compile(r"(?P<head>.+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<rest>.+)|\.txt)")
_GRADESCOPE = re.compile(r"submission_\d+")
_ID = re.compile(r"[A-Za-z]{0,3}\d{5,}[A-Za-z]?")
_OWN_ARCHIVE = re.compile(rf"{_ID.pattern}(?:[ _-]*lab[ _-]*\d*)?(?:[ _-]*\(\d+\))?\.zip", re.IGNORECASE)
"""The name of a student's own archive, which cannot contain an export."""
METADATA = "submission_metadata.yml"

_BLACKBOARD_NAME = re.compile(r"Name:\s*(?P<name>.*?)\s*\((?P<id>[^()\s]+)\)\s*$", re.MULTILINE)

Found = tuple[list[Owner], tuple[str, ...]]
"""The owners of a file, and the rest of its path: its path inside their submission."""


class Exports:
    """The students with files in an export, as far as the export names them."""

    def __init__(self) -> None:
        self._gradescope: dict[tuple[str, ...], dict[str, list[Owner]]] = {}
        self._blackboard: dict[str, str] = {}

    def learn(self, parts: tuple[str, ...], data: bytes) -> None:
        """Read the students from a file for which ``tells`` is not 0."""
        text = data.decode("utf-8-sig", "replace")
        if parts[-1] == METADATA:
            self._gradescope[parts[:-1]] = read_gradescope(text)
        elif (found := _BLACKBOARD_NAME.match(text)) and not self.find(parts[:-1]):
            self._blackboard[found["id"]] = found["name"]

    def find(self, parts: tuple[str, ...]) -> Found | None:
        """Find the owners of a file from its path. A group that submits together has several.

        The outermost name counts, so a student's archive cannot hold another student's submission.
        """
        of_student = False  # names of Canvas's form are common, so they do not count inside a student's archive
        for number, part in enumerate(parts):
            submissions = self._gradescope.get(parts[:number], {})
            if part in submissions:
                return submissions[part], parts[number + 1 :]
            for system, read in (("Moodle", _moodle), ("Blackboard", partial(_blackboard, self._blackboard))):
                if found := read(part):
                    owner, rest = found
                    return [Owner(system, *owner)], (*filter(None, [rest]), *parts[number + 1 :])
            for pattern in () if of_student else _CANVAS:
                if match := pattern.fullmatch(part):
                    owner = match["id"], match["name"], ""
                    return [Owner("Canvas", *owner)], (*filter(None, [match["rest"]]), *parts[number + 1 :])
            if _OWN_ARCHIVE.fullmatch(part):
                return None
            of_student |= part.lower().endswith(".zip") and bool(id_in(part[:-4]))
        return None

    def expected(self) -> list[Owner]:
        """Return the students that the export names, with or without a submission."""
        files = {folder: found for folder, found in self._gradescope.items() if not self.find(folder)}
        return [owner for found in files.values() for owners in found.values() for owner in owners]


def tells(name: str) -> int:
    """Return the size limit in bytes of a file that names students; 0 for other files."""
    if name == METADATA:
        return LARGEST_METADATA
    found = _BLACKBOARD.fullmatch(name)
    return LARGEST_RECEIPT if found and not found["rest"] else 0


def id_in(name: str) -> str:
    """Return the only student number in a name, such as 20230001 or B1234567; "" for none or several."""
    words = [word for word in re.split(r"[_ ]", name) if _ID.fullmatch(word)]
    return words[0] if len(words) == 1 else ""


def group_of(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the owner that the path of a file names, without the files that ``learn`` reads."""
    found = Exports().find(parts)
    if found:
        return found[0][0].system, found[0][0].id
    number = next((number for number, part in enumerate(parts) if _GRADESCOPE.fullmatch(part)), 0)
    return parts[: number + 1]


def _moodle(part: str) -> tuple[tuple[str, str, str], str | None] | None:
    found = _MOODLE.fullmatch(part)
    return ((found["id"], found["name"], ""), found["rest"]) if found else None


def _blackboard(names: dict[str, str], part: str) -> tuple[tuple[str, str, str], str | None] | None:
    """Split a name into user and assignment. Both may have underscores, so ``names`` from the text files decides."""
    found = _BLACKBOARD.fullmatch(part)
    if not found:
        return None
    words = found["head"].split("_")[-8:]
    ends = ["_".join(words[number:]) for number in range(len(words))]
    user = next((end for end in ends if end in names), ends[-1])
    return (user, names.get(user, ""), found["time"]), found["rest"]


def read_gradescope(text: str) -> dict[str, list[Owner]]:
    """Read the submitters from Gradescope's submission_metadata.yml.

    This reads only the forms of YAML that Gradescope writes: keys by indentation, and plain or quoted text on one line.
    The file also holds the output of students' programs, which is indented further than the lines read here.

    Args:
        text: the content of the file.

    Returns:
        The submitters by the folder name of the submission.
    """
    found: dict[str, list[Owner]] = {}
    submitters: list[dict[str, str]] | None = None
    entry = ""

    def keep() -> None:
        if submitters:
            told = [(one.get("sid", "") or one.get("email", ""), one.get("name", "")) for one in submitters]
            found[entry] = [Owner("Gradescope", *one) for one in told if any(one)]

    for line in io.StringIO(text):
        line = line.rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if top := re.fullmatch(r"([^\s\-#][^:]*):", line):
            keep()
            entry, submitters = _scalar(top[1]), None
        elif line == "  :submitters:" and entry not in found:
            submitters = []
        elif submitters is not None:
            item = re.fullmatch(r"(?: {2}| {4})(- |  ):(name|sid|email):(?: (.*))?", line)
            if item and (item[1] == "- " or submitters):
                if item[1] == "- ":
                    submitters.append({})
                submitters[-1][item[2]] = _scalar(item[3] or "")
            elif not re.match(r" {4,}|  - ", line):  # the next key of the submission
                keep()
                submitters = None
    keep()
    return found


def _scalar(text: str) -> str:
    """Return the text of a YAML scalar."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", text)))
        except ValueError:
            return text[1:-1]
    return "" if text in ("~", "null") else text
