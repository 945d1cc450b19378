"""Owners of submitted files, by the names of files in the exports of learning-management systems."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from functools import partial

LARGEST_METADATA = 64 << 20
"""Bytes of Gradescope's file about all submissions, with what its own tests printed."""
LARGEST_RECEIPT = 1 << 20
"""Bytes of Blackboard's text file beside each attempt, which has what the student typed, too."""


@dataclass(frozen=True)
class Owner:
    """A student, as a system names them.

    Attributes:
        system: which one.
        id: the student's id in it, as it is written.
        name: the name, "" if the export does not tell.
        time: of the attempt, where the system exports several.
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
"""The name of a student's own archive, in which no export can be."""
METADATA = "submission_metadata.yml"

_BLACKBOARD_NAME = re.compile(r"Name:\s*(?P<name>.*?)\s*\((?P<id>[^()\s]+)\)\s*$", re.MULTILINE)

Found = tuple[list[Owner], tuple[str, ...]]
"""The owners of a file, and the rest of its path: its path in what they handed in."""


class Exports:
    """The students as the files of the systems name them."""

    def __init__(self) -> None:
        self._gradescope: dict[tuple[str, ...], dict[str, list[Owner]]] = {}
        self._blackboard: dict[str, str] = {}

    def learn(self, parts: tuple[str, ...], data: bytes) -> None:
        """Read the students in a file for which ``tells`` is true."""
        text = data.decode("utf-8-sig", "replace")
        if parts[-1] == METADATA:
            self._gradescope[parts[:-1]] = read_gradescope(text)
        elif (found := _BLACKBOARD_NAME.match(text)) and not self.find(parts[:-1]):
            self._blackboard[found["id"]] = found["name"]

    def find(self, parts: tuple[str, ...]) -> Found | None:
        """Find the owners of a file from its path. They are several where a group handed it in.

        The outermost name counts, so that a student's archive cannot hold another student's submission.
        """
        of_student = False  # names like Canvas's are common, so those in a student's own archive do not count
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
        """The students who should have a submission."""
        files = {folder: found for folder, found in self._gradescope.items() if not self.find(folder)}
        return [owner for found in files.values() for owners in found.values() for owner in owners]


def tells(name: str) -> int:
    """Bytes to read of a file that names the students; 0 for other files."""
    if name == METADATA:
        return LARGEST_METADATA
    found = _BLACKBOARD.fullmatch(name)
    return LARGEST_RECEIPT if found and not found["rest"] else 0


def id_in(name: str) -> str:
    """The one word of a name that is a number of a student, such as 20230001 or B1234567; "" if there is not one."""
    words = [word for word in re.split(r"[_ ]", name) if _ID.fullmatch(word)]
    return words[0] if len(words) == 1 else ""


def group_of(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The owner that the path of a file names, before ``learn`` has read a file."""
    found = Exports().find(parts)
    if found:
        return found[0][0].system, found[0][0].id
    number = next((number for number, part in enumerate(parts) if _GRADESCOPE.fullmatch(part)), 0)
    return parts[: number + 1]


def _moodle(part: str) -> tuple[tuple[str, str, str], str | None] | None:
    found = _MOODLE.fullmatch(part)
    return ((found["id"], found["name"], ""), found["rest"]) if found else None


def _blackboard(names: dict[str, str], part: str) -> tuple[tuple[str, str, str], str | None] | None:
    """A user's name may have underscores, and the assignment's before it, too: the text files tell which is which."""
    found = _BLACKBOARD.fullmatch(part)
    if not found:
        return None
    words = found["head"].split("_")[-8:]
    ends = ["_".join(words[number:]) for number in range(len(words))]
    user = next((end for end in ends if end in names), ends[-1])
    return (user, names.get(user, ""), found["time"]), found["rest"]


def read_gradescope(text: str) -> dict[str, list[Owner]]:
    """Read the submitters out of Gradescope's submission_metadata.yml.

    Only the few forms of YAML that Gradescope writes are read: keys by their indentation, plain and quoted text on one
    line. What students' programs printed is in the file, too; it is indented more than what is read here.

    Args:
        text: the file.

    Returns:
        The submitters by the name of the submission's folder.
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
    """The text of one of YAML's scalars."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", text)))
        except ValueError:
            return text[1:-1]
    return "" if text in ("~", "null") else text
