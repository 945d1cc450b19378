"""Every check finds what it is named for, in merges that are broken on purpose; right answers pass them all."""

from pathlib import Path
from typing import ClassVar

import pytest

from estimation.grouping import LAB_MERGE
from estimation.grouping.contract import CONTRACT
from openpose_lab.lab.cases import CASES
from openpose_lab.lab.grading.hidden_checks import HIDDEN
from openpose_lab.lab.merge_checks import CATEGORIES, CHECKS, FAIR, QUICK, Bench, run_checks
from openpose_lab.lab.sandbox.runner import Limits, Runner, SandboxReply

MERGES = Path(__file__).parent / "merges"
RIGHT = MERGES / "people_as_dictionaries.py"
END = "    return answer[keep]\n"

BROKEN = {
    "drops id 0": (
        ("if row[slot] != -1", "if row[slot] > 0"),
        "peak 0 counts",
        "0 is an id like any other; only -1 means that a part is missing",
    ),
    "counts parts once for each limb": (
        ('row[19] = len(person["peaks"])', 'row[19] = 2 * (len(person["peaks"]) - 1)'),
        "counts that are true",
        "row 1 says parts_num 4 but holds 3 ids that are not -1",
    ),
    "sums scores twice": (
        ('row[18] = person["score"]', 'row[18] = 2 * person["score"]'),
        "a score is the sum of the rows, each once",
        "expected 16.1842: the sum of the scores of their rows, each counted once",
    ),
    "goes by the order of the rows": (
        ("sorted(subset.tolist(), key=lambda row: (-row[18], row))", "subset.tolist()"),
        "conflicts end the same in any order",
        "(look at peaks 22, 24). Sort the rows yourself: the best score first",
    ),
    "changes its input": (
        ("subset = subset.copy()", "subset[:, 19] = 0"),
        "leaves its input as it was",
        "merge changes the rows it is given; work on a copy: subset = subset.copy()",
    ),
    "lets the larger id win": (
        ("key=lambda row: (-row[18], row)", "key=lambda row: (-max(row[:18]), row)"),
        "the stronger row wins, whatever the ids are",
        "of two wrists, the one in the row with the higher score stays; the size of the ids does not matter",
    ),
    "throws away the loser's other parts": (
        (
            "            continue\n",
            "            people = [person for person in people if person is not owners[-1]]\n            continue\n",
        ),
        "a person who loses a peak keeps their other parts",
        "right shoulder 2 goes to neck 1, in the row with the higher score; the person of neck 31 stays without it",
    ),
    "looks at each row once only": (
        ("peaks.items()]\n", "peaks.items()][:1]\n"),
        "goes on until nothing changes",
        "the last row joins two groups of rows that share no peak otherwise",
    ),
    "returns text": (
        (END, "    return answer[keep].astype(str)\n"),
        "plain, finite numbers",
        "the answer must hold plain numbers but its dtype is <U32",
    ),
    "adds a column": (
        (END, "    return np.hstack([answer[keep], answer[keep][:, :1]])\n"),
        "rows of the right length",
        "the answer must have shape (people, 20) but has (0, 21)",
    ),
    "returns a list": (
        (END, "    return answer[keep].tolist()\n"),
        "rows of the right length",
        "the answer must be an array of shape (people, 20) but is a list",
    ),
    "forgets to return": ((END, ""), "rows of the right length", "must be an array of shape (people, 20) but is None"),
    "divides by nothing": (
        ('row[18] = person["score"]', 'row[18] = float("inf")'),
        "plain, finite numbers",
        "row 0 has inf in column 18 instead of a finite number",
    ),
    "shifts the slots": (
        ("row[slot] = peak\n", "row[(slot + 1) % 18] = peak\n"),
        "ids that exist, in their own slots",
        "row 0 has 10 as right_shoulder, but the peak with that id is a neck",
    ),
    "keeps both who claim a peak": (
        (
            "            continue\n",
            '            whole = {"peaks": dict(peaks), "score": row[18]}\n            owners = []\n',
        ),
        "no peak in two people",
        "but a peak belongs to one person",
    ),
    "leaves an empty person": (
        (END, "    return np.vstack([answer[keep], np.r_[[-1.0] * 18, 0, 0]])\n"),
        "no empty person",
        "row 0 holds no peak, but a person has at least one",
    ),
    "never ends": (
        (
            "        if clash:\n",
            "        while clash:\n            clash = True\n        if clash:\n",
        ),
        "returns in time",
        "merge did not return in time: it took longer than 1 seconds",
    ),
    "exits": (
        ("        if clash:\n", "        if clash:\n            raise SystemExit(3)\n"),
        "returns people, and does not fail",
        "merge failed: line 19: SystemExit: 3",
    ),
    "exits at once": (
        ("        if clash:\n", "        if clash:\n            import os; os._exit(3)\n"),
        "returns people, and does not fail",
        "merge failed: it ended its own process with status 3 instead of an answer",
    ),
    "wants all memory": (
        ("    people = []\n", "    people = []\n    np.ones(10**11)\n"),
        "needs little memory",
        "merge needs more memory than 1500 MB: line 9: ",
    ),
    "calls home": (
        (
            "    people = []\n",
            '    people = []\n    __import__("urllib.request").request.urlopen("http://127.0.0.1:9/")\n',
        ),
        "uses no files, network or programs",
        "merge tried to use the network; it needs only its rows, so remove this call",
    ),
    "keeps a log": (
        ("    people = []\n", '    people = []\n    open("log.txt", "a").write("here")\n'),
        "uses no files, network or programs",
        "merge tried to write files",
    ),
    "starts a program, and hides it": (
        (
            "    people = []\n",
            "    people = []\n    try:\n"
            '        __import__("subprocess").run(["ls"])\n    except Exception:\n        pass\n',
        ),
        "uses no files, network or programs",
        "merge tried to start another program",
    ),
    "prints a megabyte": (
        ("    people = []\n", '    people = []\n    print("here " * 200_000)\n'),
        "prints nothing",
        "merge prints; remove its print calls (it printed 1000001 characters, beginning 'here here here",
    ),
    "tires": (
        (
            END,
            '    merge.calls = getattr(merge, "calls", 0) + 1\n'
            "    return answer[keep] if merge.calls < 40 else answer[keep][:-1]\n",
        ),
        "the same again the second time",
        "a second call with the same input gives other people: there are 0 instead of 1. "
        "Keep nothing from the call before",
    ),
    "needs a row": (
        ("    people = []\n", "    people = []\n    subset[0]\n"),
        "no rows, no people",
        "there was no answer: line 9: IndexError: index 0 is out of bounds",
    ),
    "can join two people and no more": (
        ("        whole =", "        one, other = (owners + [None, None])[:3]\n        whole ="),
        "answers to random rows keep the contract",
        "there was no answer: line 12: ValueError: too many values to unpack (expected 2",
    ),
    "keeps small people": (
        ("(answer[:, 19] >= min_num_body_parts) &", "(answer[:, 19] > 0) &"),
        "people of fewer than 4 parts are dropped",
        "the handout's first rule: drop people with parts_num < 4",
    ),
    "keeps unsure people": (
        ("np.maximum(answer[:, 19], 1) >= min_score", "np.maximum(answer[:, 19], 1) >= 0"),
        "people with a score of less than 0.4 per part are dropped",
        "the handout's second rule: drop people with score / parts_num < 0.4",
    ),
    "has limits of its own": (
        ("    people = []\n", "    people = []\n    min_num_body_parts, min_score = 4, 0.4\n"),
        "min_num_body_parts and min_score are used",
        "the limits given here are low, so both people stay",
    ),
    "takes no limits": (
        (
            "merge(subset, min_num_body_parts=4, min_score=0.4):",
            "merge(subset):\n    min_num_body_parts, min_score = 4, 0.4",
        ),
        "min_num_body_parts and min_score are used",
        "there was no answer: TypeError: merge() got an unexpected keyword argument",
    ),
    "never joins anybody": (
        (".items() & peaks.items()]", ".items() > peaks.items()]"),
        "connected rows are one person",
        "no rows conflict here, so connected rows are one person: expected 1 person, but got 2",
    ),
    "takes a part off whoever is large": (
        (
            "    for row, person in zip",
            '    for p in people:\n        if len(p["peaks"]) > 4:\n            p["peaks"].popitem()\n'
            "    for row, person in zip",
        ),
        "merging again changes nothing",
        "with its own answer as input, it gives other people, but nothing is left to merge: ",
    ),
    "breaks ties by the order of the rows": (
        ("key=lambda row: (-row[18], row)", "key=lambda row: -row[18]"),
        "rows of equal score in any order",
        "break the tie by their ids, not by the position of the row",
    ),
    "scores who meets a conflict too high": (
        ("            continue\n", '            owners[0]["score"] += 100\n            continue\n'),
        "the people have no more score than the rows",
        "the people's scores add up to 107.0000, but the rows' scores only to 8.5000",
    ),
    "scores who meets a conflict beyond all bounds": (
        ("            continue\n", '            owners[0]["score"] += 1e300\n            continue\n'),
        "the people have no more score than the rows",
        "the people's scores add up to 1e+300, but the rows' scores only to 8.5000",
    ),
    "finds nobody in a crowd": (
        (
            "    people = []\n",
            "    people = []\n    subset = subset[: 250 - len(subset)] if len(subset) > 250 else subset\n",
        ),
        "306 rows are 34 people",
        "expected 34 people, but ",
    ),
    "prints when it is loaded": (
        ("import numpy as np\n", "import numpy as np\n\nprint('here')\n"),
        "prints nothing",
        "(it printed 5 characters, beginning 'here')",
    ),
    "is slow": (
        ("    people = []\n", "    people = []\n    import time; time.sleep(2.1 * (len(subset) > 200))\n"),
        "306 rows in 2 seconds",
        "look for code that compares all pairs of rows again after each change",
    ),
}


def failures_of(file, checks=CHECKS, seconds=5.0):
    with Runner(file, Limits(seconds=seconds)) as runner:
        return run_checks(checks, Bench(runner, runner.load()))


@pytest.mark.parametrize(("patience", "granted"), [(QUICK, [5, 0.25, 0.25]), (FAIR, [5, 5, 0.5, 0.5, 0.5, 0.5])])
def test_a_merge_that_never_ends_is_given_up(patience, granted):
    class Endless:
        limits = Limits(seconds=5.0)
        asked: ClassVar[list[float]] = []

        def call(self, rows, **options):
            self.asked.append(self.limits.seconds)
            return SandboxReply(error="it took longer", fatal=True, slow=True)

    bench = Bench(Endless(), SandboxReply(), patience=patience)
    errors = [bench.call(case.rows, **case.options).error for case in CASES]
    assert Endless.asked == granted
    assert errors[: patience.full] == ["it took longer"] * patience.full
    sentence = f"it was stopped after {patience.after:g} seconds, because an earlier call took longer than 5 seconds"
    assert errors[patience.full].startswith(sentence)
    assert set(errors[patience.most :]) == {f"it was stopped {patience.most} times, so it was not called again"}


@pytest.mark.slow
@pytest.mark.parametrize("file", [LAB_MERGE, *sorted(MERGES.glob("*.py"))], ids=lambda path: path.stem)
def test_right_answers_pass(file):
    assert failures_of(file, (*CHECKS, *HIDDEN)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_each_check_finds_what_it_is_named_for(fault, tmp_path):
    (old, new), name, sentence = BROKEN[fault]
    text = RIGHT.read_text()
    assert text.count(old) == 1
    path = tmp_path / "my_merge.py"
    path.write_text(text.replace(old, new))
    checks = [check for check in CHECKS if check.name == name or not check.random]
    found = failures_of(path, checks, seconds=1.0 if fault == "never ends" else 5.0)
    assert name in found
    assert sentence in found[name].sentence


HIDDEN_FINDS = {
    "conflicts in a crowd end as without the crowd": (
        "key=lambda row: (-row[18], row)",
        "key=lambda row: (row[18] if len(subset) > 40 else -row[18], row)",
    ),
    "a whole person, outer limbs first": BROKEN["looks at each row once only"][0],
    "two whole people with mixed rows": BROKEN["never joins anybody"][0],
    "exactly four parts, and exactly the lowest score": ("1) >= min_score", "1) > min_score"),
    "a limit of three parts": BROKEN["has limits of its own"][0],
    "peak 0 at the end of a leg": BROKEN["drops id 0"][0],
    "a knee with two ankles, the weaker row first": BROKEN["goes by the order of the rows"][0],
    "the person who loses a peak has more parts": BROKEN["throws away the loser's other parts"][0],
    "an ear and a shoulder of two people": BROKEN["lets the larger id win"][0],
    "connected rows are one person": BROKEN["never joins anybody"][0],
    "the people have no more score than the rows": BROKEN["sums scores twice"][0],
    "scores add up with random rows, too": BROKEN["sums scores twice"][0],
    "any rows in any order": BROKEN["goes by the order of the rows"][0],
    "answers to random rows keep the contract": BROKEN["keeps both who claim a peak"][0],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HIDDEN_FINDS)
def test_each_hidden_check_finds_something(name, tmp_path):
    path = tmp_path / "my_merge.py"
    path.write_text(RIGHT.read_text().replace(*HIDDEN_FINDS[name]))
    assert f"hidden: {name}" in failures_of(path, [check for check in HIDDEN if check.name == f"hidden: {name}"])


def test_every_check_of_the_contract_is_made():
    assert set(CONTRACT) <= {check.name for check in CHECKS}


def test_every_check_is_named_once_and_has_a_category():
    names = [check.name for check in (*CHECKS, *HIDDEN)]
    assert len(set(names)) == len(names)
    assert {check.name for check in HIDDEN} == {f"hidden: {name}" for name in HIDDEN_FINDS}
    assert {check.category for check in CHECKS} == set(CATEGORIES)


def test_no_check_is_without_a_broken_merge_but_those_that_are_as_others_on_random_rows():
    found = {name for _, name, _ in BROKEN.values()}
    assert {check.name for check in CHECKS} - found == {
        "the handout's nine rows are one person",
        "people who share no peak stay apart",
        "a limb within a person adds its score, and no part",
        "scores add up with random rows, too",
        "the handout's rows in any order",
        "any rows in any order",
        "an elbow with two wrists keeps the stronger one",
        "a limb does not join two people in conflict",
        "a peak that three people claim goes to one",
    }
