"""Test runs over many photos with a toy network: outputs, notes, skipped photos, stopping and resuming."""

import errno
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.estimator import PoseEstimator
from openpose_lab.formats import FORMATS
from openpose_lab.job import journal as journals
from openpose_lab.job.look import Look
from openpose_lab.job.outputs import Outputs
from openpose_lab.job.run import Job
from openpose_lab.sources.photo_files import PhotoFile, list_photos
from tests.support.toy_network import HEIGHT, ToyNetwork, photo_of, png_of

OUTPUTS = Outputs(
    Path("out"), ".png", {"json": Path("out")}, {"csv": Path("out/people.csv"), "coco": Path("coco.json")}
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photos(here):
    """Create photos with 0 to 5 people."""
    for count in range(6):
        write(f"photos/{count}.png", png_of(count))
    return list_photos(["photos"])


def write(name, data):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def estimator(grouping=None):
    return PoseEstimator(ToyNetwork(), height=HEIGHT, grouping=grouping)


def run(photos, outputs=OUTPUTS, grouping=None, open_journal=journals.resume, tick=lambda: None, **options):
    """Do or continue a run. Return the failures, and the names of the photos that were left at the start."""
    for folder in outputs.folders:
        folder.mkdir(parents=True, exist_ok=True)
    job, one = Job(photos, outputs, **options), estimator(grouping)
    with open_journal(outputs.journal, one.config.layout, {}) as journal:
        left = [photo.name for _, photo in job.left(journal)]
        return job.run(one, journal, tick, threads=2), left


def contents(folder="."):
    """Return the bytes of every file below a folder, except the photos."""
    return {
        path.as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.is_relative_to("photos")
    }


def people_in(csv="out/people.csv"):
    """Return the number of rows of each photo in a table."""
    rows = Path(csv).read_text().splitlines()[1:]
    names = [row.split(",")[0] for row in rows]
    return {name: names.count(name) for name in dict.fromkeys(names)}


ALL = {f"photos/{count}.png": count for count in range(1, 6)}


def test_every_photo_has_its_files_and_its_rows(photos):
    before = threading.active_count()
    assert run(photos) == ([], list("012345"))
    assert threading.active_count() == before
    files = [f"out/{count}_{kind}" for count in range(6) for kind in ("keypoints.json", "rendered.png")]
    assert sorted(contents()) == sorted([*files, "coco.json", "out/journal.jsonl", "out/people.csv"])
    for count in range(6):
        assert len(json.loads(Path(f"out/{count}_keypoints.json").read_text())["people"]) == count
    assert people_in() == ALL
    assert [one["image_id"] for one in json.loads(Path("coco.json").read_text())] == [
        count for count in range(6) for _ in range(count)
    ]
    picture = cv2.imread("out/3_rendered.png")
    one = estimator()
    np.testing.assert_array_equal(picture, one.draw(photo_of(3), one(photo_of(3))))
    np.testing.assert_array_equal(cv2.imread("out/0_rendered.png"), photo_of(0))


def test_the_run_prepares_the_network_for_its_threads(photos, monkeypatch):
    monkeypatch.setattr("openpose_lab.job.run.count_cores", lambda: 8)
    one = estimator()
    network = one._network
    Path("out").mkdir()
    with journals.begin(OUTPUTS.journal, one.config.layout, {}) as journal:
        Job(photos, OUTPUTS).run(one, journal, threads=3)
    assert network.prepared_for == [3]
    assert threading.get_ident() not in network.threads
    assert one(photo_of(2)).person_scores.shape == (2,)  # the estimator itself stays as it was


def test_photos_that_are_done_are_left_out(photos):
    run(photos)
    before = {path: os.stat(path).st_mtime_ns for path in contents() if path.startswith("out/") and "_" in path}
    assert len(before) == 12
    ticks = []
    assert run(photos, tick=lambda: ticks.append(1)) == ([], [])
    assert {path: os.stat(path).st_mtime_ns for path in before} == before
    assert ticks == []
    assert people_in() == ALL


@pytest.mark.parametrize("missing", ["out/3_rendered.png", "out/3_keypoints.json"])
def test_a_photo_whose_file_is_missing_is_done_again(photos, missing):
    run(photos)
    before = contents()
    Path(missing).unlink()
    assert run(photos) == ([], ["3"])
    after = contents()
    assert len(after.pop("out/journal.jsonl").splitlines()) == len(before.pop("out/journal.jsonl").splitlines()) + 1
    assert after == before


def test_photos_that_join_later_get_their_place_in_the_tables(photos):
    run(photos[1::2])
    assert people_in() == {"photos/1.png": 1, "photos/3.png": 3, "photos/5.png": 5}
    assert run(photos)[1] == ["0", "2", "4"]
    assert people_in() == ALL
    joined = contents()
    Path("out/journal.jsonl").unlink()
    run(photos)
    assert {path: data for path, data in contents().items() if "journal" not in path} == {
        path: data for path, data in joined.items() if "journal" not in path
    }


def test_photos_that_are_gone_leave_the_tables(photos):
    run(photos)
    run(photos[:3])
    assert people_in() == {"photos/1.png": 1, "photos/2.png": 2}


def test_a_table_that_is_asked_for_later_has_all_photos(photos):
    run(photos, Outputs(Path("out"), ".png"))
    assert run(photos, Outputs(Path("out"), ".png", tables={"csv": Path("later.csv")})) == ([], [])
    assert people_in("later.csv") == ALL


def test_bad_photos_are_listed_and_the_others_done(photos):
    write("photos/2.png", b"")
    write("photos/4.png", b"Dear Sir or Madam")
    ticks = []
    failures, _ = run(photos, tick=lambda: ticks.append(1))
    assert [failure.photo.name for failure in failures] == ["2", "4"]
    assert failures[0].reason.startswith(f"the photo {Path('photos/2.png')} is empty")
    assert failures[1].reason.startswith(f"{Path('photos/4.png')} is not a photo, or is cut short")
    assert len(ticks) == 6
    assert people_in() == {"photos/1.png": 1, "photos/3.png": 3, "photos/5.png": 5}
    assert not [path for path in contents() if "/2_" in path or "/4_" in path]
    write("photos/2.png", png_of(2))
    failures, left = run(photos)
    assert ([failure.photo.name for failure in failures], left) == (["4"], ["2", "4"])
    assert people_in() == {"photos/1.png": 1, "photos/2.png": 2, "photos/3.png": 3, "photos/5.png": 5}


def test_a_photo_that_is_gone_is_one_failure(photos):
    Path("photos/1.png").unlink()
    ((failure,), _) = run(photos)
    assert (failure.photo.name, failure.reason) == ("1", f"there is no photo {Path('photos/1.png')}; check the path")


def test_all_photos_may_fail(photos):
    for photo in photos:
        photo.path.write_bytes(b"no")
    assert len(run(photos)[0]) == 6
    assert people_in() == {}
    assert json.loads(Path("coco.json").read_text()) == []


def test_a_photo_too_large_for_memory_is_one_failure(photos, monkeypatch):
    read = PhotoFile.read

    def read_small(photo):
        if photo.name == "3":
            raise MemoryError
        return read(photo)

    monkeypatch.setattr(PhotoFile, "read", read_small)
    ((failure,), _) = run(photos)
    assert (failure.photo.name, "not enough memory" in failure.reason) == ("3", True)


def fails_for(count, what):
    def merge(subset):
        from estimation.merge import merge as lab

        people = lab(subset)
        return what(people) if len(people) == count else people

    return merge


def endless(people):
    raise OpenPoseLabError("it took longer than 30 seconds")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (lambda people: 1 / 0, "ZeroDivisionError"),
        (lambda people: None, "the answer must be an array"),
        (lambda people: people[:, :5], "the answer must have shape"),
        (lambda people: people * np.nan, "broke the contract"),
        (lambda people: np.full_like(people, np.inf), "broke the contract"),
        (lambda people: people + 1e300, "broke the contract"),
        (lambda people: np.concatenate([people] * 3), "broke the contract"),
        (lambda people: os._exit(3), "os._exit"),
        (endless, "it took longer than 30 seconds"),
    ],
)
def test_a_grouping_that_goes_wrong_on_one_photo_costs_that_photo(photos, what, reason):
    ((failure,), _) = run(photos, grouping=fails_for(3, what))
    assert failure.photo.name == "3"
    assert reason in failure.reason
    assert people_in() == {name: count for name, count in ALL.items() if count != 3}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("place", [0, 18, 19])
@pytest.mark.parametrize("value", [-1e308, 1e308, -np.inf, np.nan, 1e-320])
def test_any_number_of_a_grouping_is_a_failure_or_is_written(photos, place, value):
    def nonsense(people):
        people[0, place] = value
        return people

    failures, _ = run(photos, grouping=fails_for(3, nonsense))
    assert [failure.photo.name for failure in failures] in ([], ["3"])
    assert people_in().keys() == ALL.keys() - {f"photos/{failure.photo.name}.png" for failure in failures}


def test_a_fault_ends_the_run_and_what_was_done_stays(photos, monkeypatch):
    def faulty(*_):
        raise RuntimeError("a fault of the program")

    before = threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(Look, "draw", faulty)
        with pytest.raises(RuntimeError):
            run(photos)
    assert threading.active_count() == before
    assert run(photos) == ([], list("012345"))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_disk_that_cannot_be_written_ends_the_run(photos, monkeypatch, error):
    written = []
    rename = os.replace

    def replace_some(source, target):
        if len(written) == 5:
            raise OSError(error, os.strerror(error))
        written.append(target)
        rename(source, target)

    sentence = rf"^cannot write out.*: {os.strerror(error)}; "
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_some)
        with pytest.raises(OpenPoseLabError, match=sentence):
            run(photos)
    stayed = contents()
    assert len([path for path in stayed if path.endswith((".png", ".json"))]) == 5
    assert "out/people.csv" not in stayed
    failures, left = run(photos)
    assert failures == []
    assert 4 <= len(left) <= 6
    assert people_in() == ALL
    assert all(contents()[path] == data for path, data in stayed.items() if "journal" not in path)


def test_a_disk_that_fills_under_the_tables_keeps_the_old_ones(photos, monkeypatch):
    run(photos[:3])
    before = Path("out/people.csv").read_bytes()

    def fill(records, layout, file, unit):
        file.write(b"photo")
        raise OSError(errno.ENOSPC, "No space left on device")

    full = replace(FORMATS["csv"], write=fill)
    sentence = "cannot write .*people.csv: No space left on device; free some space"
    with monkeypatch.context() as patch:
        patch.setitem(FORMATS, "csv", full)
        with pytest.raises(OpenPoseLabError, match=sentence):
            run(photos)
    assert Path("out/people.csv").read_bytes() == before
    assert run(photos) == ([], [])
    assert people_in() == ALL


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names as long as that")
def test_a_name_that_is_too_long_costs_that_photo(photos):
    write("photos/" + "x" * 250 + ".png", png_of(1))
    write("photos/" + "y" * 240 + ".png", png_of(1))
    ((failure,), _) = run(list_photos(["photos"]))
    assert failure.photo.name == "x" * 250
    assert "File name too long" in failure.reason
    assert people_in() == {**ALL, "photos/" + "y" * 240 + ".png": 1}


def test_a_folder_in_the_place_of_a_file_costs_that_photo(photos):
    Path("out/2_keypoints.json").mkdir(parents=True)
    write("out/below", b"")
    write("photos/below/1.png", png_of(1))
    failures, _ = run(list_photos(["photos"], recursive=True))
    assert sorted(failure.photo.name for failure in failures) == ["2", "below/1"]
    assert people_in() == {name: count for name, count in ALL.items() if count != 2}


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
def test_outputs_that_are_deleted_during_the_run_are_not_told_as_written(photos):
    ticks = []

    def delete():
        ticks.append(1)
        if len(ticks) == 2:
            # The third photo is written before the folder disappears, so only its line in the journal fails.
            limit = time.monotonic() + 30
            while not Path("out/2_rendered.png").exists() and time.monotonic() < limit:
                time.sleep(0.01)
            Path("out").rename("away")  # immediately, although other threads write into it

    with pytest.raises(OpenPoseLabError, match="was deleted during the run; run again with --resume"):
        run(photos, Outputs(Path("out"), ".png"), tick=delete)
    outputs = Outputs(Path("out"), ".png", tables={"csv": Path("out/people.csv")})
    assert run(photos, outputs) == ([], list("012345"))
    assert people_in() == ALL


def test_outputs_that_cannot_be_changed_are_replaced(photos):
    """Replacing a file needs write permission only for its folder."""
    run(photos)
    before = contents()
    for path in before:
        if "journal" not in path:
            os.chmod(path, 0o666 if os.name == "nt" else 0o444)
    assert run(photos, open_journal=journals.begin)[0] == []
    assert contents() == before


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a right to make links")
def test_a_link_to_a_folder_of_outputs(photos):
    Path("far").mkdir()
    Path("out").symlink_to("far")
    assert run(photos)[0] == []
    assert Path("far/5_rendered.png").is_file()
    assert Path("out").is_symlink()


def test_remnants_of_a_killed_run_are_removed(photos):
    write("photos/below/1.png", png_of(1))
    for folder in ("out", "out/below", "out/other", "."):
        write(f"{folder}/.openpose-lab-0123456789abcdef", b"half a pic")
        os.utime(f"{folder}/.openpose-lab-0123456789abcdef", (1, 1))
    write("out/.openpose-lab-in-use", b"")
    os.utime("out/.openpose-lab-in-use", (4e9, 4e9))
    run(list_photos(["photos"], recursive=True))
    left = [path for path in contents() if ".openpose-lab" in path]
    assert sorted(left) == ["out/.openpose-lab-in-use", "out/other/.openpose-lab-0123456789abcdef"]


# Options


def test_photos_are_turned_first(here):
    write("photos/1.png", png_of(1, 96, 160))
    run(list_photos(["photos"]), rotate=90)
    assert cv2.imread("out/1_rendered.png").shape == (160, 96, 3)
    content = json.loads(Path("out/1_keypoints.json").read_text())
    assert (content["canvas_width"], content["canvas_height"]) == (96, 160)


@pytest.mark.parametrize("unit", ["pixels", "0..1", "-1..1"])
def test_units_are_those_of_files_and_tables(photos, unit):
    run(photos, unit=unit)
    layout = estimator().config.layout
    with journals.resume(OUTPUTS.journal, layout, {}) as journal:
        records = journal.records([photo.shown for photo in photos])
        expected = [FORMATS["json"].encode(record, layout, unit) for record in records]
    assert [Path(f"out/{count}_keypoints.json").read_bytes() for count in range(6)] == expected
    words = {"pixels": "px", "0..1": "0_to_1", "-1..1": "minus_1_to_1"}
    assert f"nose_x_{words[unit]}" in Path("out/people.csv").read_text()


def test_the_best_people_are_kept_and_drawn(photos):
    run(photos, look=Look(most_people=2))
    assert people_in() == {name: min(count, 2) for name, count in ALL.items()}
    one = estimator()
    few = Look(most_people=2).keep(one(photo_of(5)))
    np.testing.assert_array_equal(cv2.imread("out/5_rendered.png"), one.draw(photo_of(5), few))


def test_skeletons_on_black(photos):
    run(photos, look=Look(blank=True, blur_faces=True))
    one = estimator()
    drawn = one.draw(photo_of(2), one(photo_of(2)), blank=True)
    np.testing.assert_array_equal(cv2.imread("out/2_rendered.png"), drawn)
    assert not cv2.imread("out/0_rendered.png").any()


def test_all_faces_are_blurred_also_those_of_people_who_are_not_kept(here, rng):
    photo = rng.integers(0, 255, (240, 400, 3), np.uint8)
    photo[0, 0, 0] = 2
    one = PoseEstimator(ToyNetwork(), height=240)
    found = one(photo)
    assert len(found.person_scores) == 2
    blurred = Look(most_people=1, blur_faces=True).draw(one, photo, found)
    for person in found.keypoints:
        x, y = person[0].round().astype(int)
        assert (blurred[y, x + 3] != photo[y, x + 3]).any()
    plain = Look(most_people=1).draw(one, photo, found)
    assert (plain != photo).any(axis=2).sum() < (blurred != photo).any(axis=2).sum()
