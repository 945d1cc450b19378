from openpose_lab.benchmark.table import Row, Table, as_markdown, as_text
from openpose_lab.benchmark.timing import Timing

FLAT = Table(
    "network",
    "The forward pass",
    ("network", "photo"),
    "ms",
    [
        Row(("one", "8x8"), Timing((0.0012, 0.001, 0.0014)), 1, {"AP": "0.338"}, {"ap": 0.338}),
        Row(("two|2", "8x8"), Timing((0.1234,)), figures={"ap": None}),
        Row(("three", "8x8"), None),
    ],
    ("AP",),
    notes=["in turns"],
)
ACROSS = Table(
    "stages",
    "The stages",
    ("people", "stage"),
    "s",
    [Row(("1", "peaks"), Timing((2,))), Row(("1", "limbs"), Timing((34.56,))), Row(("5", "limbs"), Timing((456,)))],
    across=True,
)


def test_a_flat_table_as_text():
    assert as_text(FLAT).splitlines() == [
        "The forward pass",
        "  network  photo    ms, median    10 to 90 %     AP",
        "  one      8x8            1.20  1.00 to 1.40  0.338",
        "  two|2    8x8             123    123 to 123",
        "  three    8x8    not measured",
        "  in turns",
    ]


def test_a_table_with_the_last_name_across_as_text():
    assert as_text(ACROSS).splitlines() == [
        "The stages (seconds)",
        "  people                peaks                limbs",
        "  1       2.00 (2.00 to 2.00)  34.6 (34.6 to 34.6)",
        "  5                               456 (456 to 456)",
    ]


def test_markdown():
    assert as_markdown(FLAT).splitlines() == [
        "### The forward pass",
        "",
        "| network | photo | ms, median | 10 to 90 % | AP |",
        "| -- | -- | -- | -- | -- |",
        "| one | 8x8 | 1.20 | 1.00 to 1.40 | 0.338 |",
        "| two\\|2 | 8x8 | 123 | 123 to 123 |  |",
        "| three | 8x8 | not measured |  |  |",
        "",
        "- in turns",
    ]


def test_photos_a_second_are_a_count_over_the_seconds():
    rows = [Row(("one by one",), Timing((4, 2, 8)), count=16)]
    table = Table("photos", "Photos a second", ("way",), "photos a second", rows)
    assert table.lines()[1] == ["one by one", "4.00", "2.00 to 8.00"]


def test_json_has_seconds_names_and_figures():
    assert FLAT.json() == {
        "title": "The forward pass",
        "notes": ["in turns"],
        "rows": [
            {
                "network": "one",
                "photo": "8x8",
                "count": 1,
                "seconds": [0.0012, 0.001, 0.0014],
                "median": 0.0012,
                "low": 0.001,
                "high": 0.0014,
                "ap": 0.338,
            },
            {
                "network": "two|2",
                "photo": "8x8",
                "count": 1,
                "seconds": [0.1234],
                "median": 0.1234,
                "low": 0.1234,
                "high": 0.1234,
                "ap": None,
            },
            {
                "network": "three",
                "photo": "8x8",
                "count": 1,
                "seconds": None,
                "median": None,
                "low": None,
                "high": None,
            },
        ],
    }


def test_an_empty_table_is_its_title_and_its_notes():
    empty = Table("photos", "Not measured", (), "ms", [], notes=["no weights"])
    assert as_text(empty) == "Not measured\n  no weights"
    assert as_markdown(empty) == "### Not measured\n\n- no weights\n"
