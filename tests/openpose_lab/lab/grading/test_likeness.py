import itertools

from estimation.grouping import LAB_MERGE
from openpose_lab.lab.grading.likeness import ALIKE, fingerprint, likeness
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
