import itertools
import tracemalloc

import pytest

from estimation.grouping import LAB_MERGE
from openpose_lab.lab.grading.likeness import ALIKE, PROJECT, decode, encode, find_alike, fingerprint, likeness
from tests.openpose_lab.lab.test_merge_checks import MERGES, RIGHT

CODE = RIGHT.read_text()


def alike(one, other):
    return likeness(fingerprint(one.encode()), fingerprint(other.encode()))


def test_names_comments_and_layout_do_not_count():
    disguised = CODE.replace("people", "skeletons").replace("owners", "x").replace("clash", "boom")
    disguised = disguised.replace("    skeletons = []\n", "    # my own idea\n    skeletons = [\n    ]\n")
    disguised = disguised.replace('"""A right answer: the best row first, skeletons as dictionaries."""', '"""Mine."""')
    assert disguised != CODE
    assert alike(CODE, disguised) == 1


def test_a_line_more_is_still_much_alike():
    assert (
        ALIKE < alike(CODE, CODE.replace("    subset = subset.copy()\n", "    subset = subset.copy()\n    a = 1\n")) < 1
    )


def test_people_who_work_on_their_own_are_not_alike():
    texts = [path.read_text() for path in (LAB_MERGE, *MERGES.glob("*.py"))]
    assert len(texts) == 3
    assert max(alike(*pair) for pair in itertools.combinations(texts, 2)) < 0.5


def test_files_that_are_no_python():
    assert alike("def", "def") == 1
    assert alike("def", "class") == 0
    assert alike("", "") == 1
    assert alike("(" * 1000, "x = 1") == 0


def test_a_huge_file_is_not_compared():
    """Its syntax tree can take minutes and gigabytes."""
    assert fingerprint(b"x = [" + b"0," * 500_000 + b"]\n") is None


def test_the_work_is_bounded():
    dense = b"x = [" + b",".join(b"%d" % number for number in range(17_000)) + b"]\n"
    assert 90_000 < len(dense) <= 100_000
    tracemalloc.start()
    prints = fingerprint(dense)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(prints) == 4096
    assert most < 100 << 20
    assert likeness(prints, fingerprint(dense + b"y = 1\n")) > 0.99
    assert len(fingerprint(b"x = " + b"1+" * 40_000 + b"1\n")) >= 1
    assert len(fingerprint(b"x = " + b"-" * 90_000 + b"1\n")) == 1
    assert len(fingerprint(b"x = " + b"9" * 90_000 + b"\n")) == 1


def test_fingerprints_are_kept_as_text():
    prints = fingerprint(CODE.encode())
    assert decode(encode(prints)) == prints
    assert (encode(None), decode("")) == ("", None)


def test_all_pairs_are_found_that_looking_at_each_finds(rng):
    """Files of random statements, some of them changed copies of others."""
    texts = []
    for _ in range(40):
        if texts and rng.random() < 0.6:
            lines = texts[rng.integers(len(texts))].splitlines()
            for _ in range(rng.integers(0, 4)):
                lines[rng.integers(len(lines))] = f"y = {rng.integers(1000)}"
        else:
            lines = [f"x = [{', '.join(map(str, rng.integers(0, 1000, rng.integers(1, 8))))}]" for _ in range(40)]
        texts.append("\n".join(lines))
    prints = {str(number): fingerprint(text.encode()) for number, text in enumerate(texts)}
    pairs = {frozenset(pair) for pair in itertools.combinations(prints, 2) if likeness(*map(prints.get, pair)) >= ALIKE}
    found = find_alike(prints)
    counts = {name: sum(name in pair for pair in pairs) for name in prints}
    assert {name: found[name].count for name in prints} == counts
    assert 10 < len(pairs) < 400
    assert all(frozenset((name, other)) in pairs for name in prints for other in found[name].best)
    assert all(len(found[name].best) == min(counts[name], 5) for name in prints)


@pytest.mark.slow
def test_thousands_who_handed_in_the_same(rng):
    """Each has thousands of others, of whom a few are named."""
    same = fingerprint(CODE.encode())
    others = {str(number): fingerprint(f"x = {list(rng.integers(0, 9, 30))}".encode()) for number in range(2000)}
    found = find_alike({**others, **{f"same {number}": same for number in range(3000)}})
    assert found["same 7"].count == 2999
    assert list(found["same 7"].best) == [f"same {number}" for number in range(5)]
    assert found[PROJECT].count == 0


def test_a_group_is_not_alike_to_itself():
    prints = dict.fromkeys("ABC", fingerprint(CODE.encode()))
    found = find_alike(prints, {"A": "one.py", "B": "one.py", "C": "two.py"})
    assert {name: (list(found[name].best), found[name].count) for name in "ABC"} == {
        "A": (["C"], 1),
        "B": (["C"], 1),
        "C": (["A", "B"], 2),
    }
