"""Records as lines: they come back to the last bit, and what is no line of a record is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from estimation.layouts import LAYOUTS
from estimation.skeletons import FILLED, NO_IDENTITY, Skeletons
from openpose_lab.formats.lines import from_line, to_line
from openpose_lab.formats.record import Record
from tests.openpose_lab.formats.conftest import COCO_18, random_records

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def bits(record):
    """All that a record holds, comparable to the last bit."""
    values = [record.name, record.index, record.timestamp, record.width, record.height, record.image_id]
    return values + [(array.dtype, array.shape, array.tobytes()) for array in vars(record.skeletons).values()]


@st.composite
def records(draw):
    people = draw(st.integers(0, 3))
    ids = draw(arrays(np.intp, (people, 18), elements=st.integers(FILLED, 2**31 - 1)))
    keypoints = draw(arrays(float, (people, 18, 2), elements=FINITE))
    keypoints[ids == -1] = np.nan
    skeletons = Skeletons(
        keypoints,
        draw(arrays(float, (people, 18), elements=FINITE)),
        draw(arrays(float, people, elements=FINITE)),
        ids,
        draw(arrays(np.intp, people, elements=st.integers(NO_IDENTITY, 2**31 - 1))),
    )
    name = draw(st.text(st.characters(exclude_categories=())))
    size = st.integers(1, 2**31 - 1)
    image_id = draw(st.none() | st.integers(0, 10**18 - 1))
    return Record(name, draw(size), draw(st.none() | FINITE), draw(size), draw(size), skeletons, image_id)


@given(records())
def test_a_record_comes_back_to_the_last_bit(record):
    line = to_line(record)
    assert line.count(b"\n") == 1
    assert bits(from_line(line, COCO_18)) == bits(record)


def test_numbers_of_numpy_and_a_whole_timestamp_are_written(record):
    odd = replace(record, index=np.int64(3), width=np.int32(640), timestamp=2, image_id=np.int64(7))
    assert bits(from_line(to_line(odd), COCO_18)) == bits(replace(record, timestamp=2.0, image_id=7))


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_cannot_be_read_back_is_not_written(record, number):
    broken = replace(record.skeletons, person_scores=np.array([number, 1]))
    with pytest.raises(ValueError, match="JSON compliant"):
        to_line(replace(record, skeletons=broken))


def test_every_cut_is_refused(record):
    line = to_line(record)
    for length in range(len(line) - 1):
        with pytest.raises(ValueError, match="no line feed"):
            from_line(line[:length], COCO_18)
        with pytest.raises(ValueError):
            from_line(line[:length] + b"\n", COCO_18)
    with pytest.raises(ValueError, match="no line feed"):
        from_line(line[:-1], COCO_18)


def test_another_layout_is_refused(record):
    with pytest.raises(ValueError, match="each of 2 people must have 25 scores and 25 peak ids"):
        from_line(to_line(record), LAYOUTS["BODY_25"])


CHANGES = {
    "version": [0, 1, 3, None],
    "name": [None, 3, ["a"]],
    "index": [-1, 1.0, True, 2**31, None, "0"],
    "timestamp": [1, "1", True, [], float("nan"), float("inf")],
    "width": [0, -5, 2**31, 640.0, None],
    "height": [0, False, 10**400],
    "image_id": [-1, 1.5, 10**18 + 1, "1"],
    "person_scores": [[1.0], [1.0, 2.0, 3.0], [1, 2], [1.0, None], None, {}, 2.0, [1.0, float("inf")]],
    "keypoints": [[], [1.0], [1.0] * 7, [1.0] * 9, [None] * 8, ["1"] * 8, [[1.0] * 8]],
    "scores": [[], [1.0] * 35, [1.0] * 37, [0] * 36, [[0.5] * 18] * 2],
    "peak_ids": [[], [-3] * 36, [-1] * 36, [0.0] * 36, [0] * 36, [2**63] * 36, None, "1" * 36],
    "person_ids": [[], [1], [1, 2, 3], [-2, 0], [0.0, 1.0], [2**31, 0], [None, 1], None, 3, "12"],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in CHANGES.items() for value in values])
def test_a_value_of_another_kind_is_refused(record, key, value):
    content = json.loads(to_line(record))
    with pytest.raises(ValueError):
        from_line(f"{json.dumps({**content, key: value})}\n".encode(), COCO_18)


@pytest.mark.parametrize("key", [*CHANGES, "another"])
def test_other_keys_are_refused(record, key):
    content = json.loads(to_line(record))
    content = {**content, key: 1} if key not in content else {name: content[name] for name in content if name != key}
    with pytest.raises(ValueError, match="the line has other keys than a record"):
        from_line(f"{json.dumps(content)}\n".encode(), COCO_18)


FOREIGN = [b"", b"\n", b"null\n", b"[]\n", b"{}\n", b"1e999\n", b"\xff\n", b"[" * 100_000 + b"\n", b"\0\0\0\0\n"]


@pytest.mark.parametrize("line", FOREIGN, ids=range(len(FOREIGN)))
def test_a_foreign_line_is_refused(line):
    with pytest.raises(ValueError):
        from_line(line, COCO_18)


def test_a_number_beyond_floats_is_refused(record):
    line = to_line(record).replace(b"2.5", b"1e999")
    with pytest.raises(ValueError, match="finite"):
        from_line(line, COCO_18)


@given(st.data())
def test_a_changed_byte_is_a_record_or_a_value_error(data):
    line = bytearray(to_line(next(random_records(1, people=1))))
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    try:
        record = from_line(bytes(line), COCO_18)
    except ValueError:
        return
    assert bits(from_line(to_line(record), COCO_18)) == bits(record)
