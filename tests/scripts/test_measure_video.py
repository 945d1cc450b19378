"""The script that times decoding and encoding prints a row for each task."""

from scripts import measure_video
from tests.support.extras import needs


@needs("av")
def test_rows_of_the_table(monkeypatch, capsys):
    monkeypatch.setattr(measure_video, "SIZES", ((64, 48),))
    measure_video.main(["--frames", "5", "--repeat", "1"])
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row[0].strip() for row in rows[2:]] == [
        "encode, PyAV (H.264), 64x48",
        "encode, OpenCV (MPEG-4), 64x48",
        "decode, PyAV (H.264), 64x48",
        "decode, OpenCV (H.264), 64x48",
    ]
    assert all(float(row[1]) >= 0 for row in rows[2:])
    assert all(float(row[4]) > 20 for row in rows[2:4])
