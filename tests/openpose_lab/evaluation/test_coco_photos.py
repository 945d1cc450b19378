"""Photo sets: the committed lists, and fetching a set of three photos from a local server."""

import csv
import hashlib
import io
import json
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.commands import fetch_photos
from openpose_lab.evaluation import coco_photos
from openpose_lab.evaluation.annotations import find_photos, read_annotations
from openpose_lab.evaluation.coco_photos import Archive, fetch_photo_set
from openpose_lab.evaluation.photo_lists import ListedPhoto, PhotoSet, load_photo_set, photo_set_names
from tests.support.extras import needs
from tests.support.file_server import FileServer

MEMBER = "annotations/person_keypoints_val2017.json"
ZIP = "/annotations/annotations_trainval2017.zip"
PHOTOS = {30: b"thirty" * 9000, 10: b"ten" * 9000, 20: b"twenty" * 9000}  # in the order of the list


def coco_content() -> dict:
    """COCO's annotations of the three photos and of two others, by increasing id."""
    image_ids = [5, 10, 20, 30, 40]
    person = {"category_id": 1, "iscrowd": 0, "area": 100.0, "bbox": [1, 2, 10, 20], "keypoints": [3, 4, 2] * 17}
    return {
        "info": {"description": "COCO 2017 Dataset"},
        "licenses": [{"id": 4, "name": "CC BY 2.0", "url": "http://creativecommons.org/licenses/by/2.0/"}],
        "categories": [{"id": 1, "name": "person", "supercategory": "person"}],
        "images": [{"id": i, "file_name": file_name(i), "coco_url": "http://coco"} for i in image_ids],
        "annotations": [
            {**person, "id": 2 * i + second, "image_id": i, "segmentation": {"counts": [7], "size": [1, 7]}}
            for second in (0, 1)
            for i in image_ids
        ],
    }


def file_name(image_id: int) -> str:
    return f"{image_id:012}.jpg"


def zipped(member: str, data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(member, data)
    return archive.getvalue()


@dataclass
class Home:
    """A local server in place of COCO's, and the set that is fetched from it."""

    server: FileServer
    photo_set: PhotoSet
    archive: Archive

    def serve_archive(self, data: bytes) -> None:
        """Serve another archive, and make its checksum the published one."""
        self.server.serve(ZIP, data)
        self.archive = replace(self.archive, checksum=f"sha256:{hashlib.sha256(data).hexdigest()}")

    def fetch(self, folder: Path) -> list[str]:
        return fetch_photo_set(self.photo_set, folder, self.archive)

    def asked_paths(self) -> list[str]:
        return [path for path, _ in self.server.asked]


@pytest.fixture
def home(file_server):
    photos = [
        ListedPhoto(
            image_id,
            file_name(image_id),
            "CC BY 2.0",
            False,
            hashlib.sha256(data).hexdigest(),
            file_server.serve(f"/val2017/{file_name(image_id)}", data),
        )
        for image_id, data in PHOTOS.items()
    ]
    home = Home(file_server, PhotoSet("tiny", tuple(photos)), Archive(file_server.url(ZIP), ""))
    home.serve_archive(zipped(MEMBER, json.dumps(coco_content()).encode()))
    return home


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


COMPLETE = ["annotations.json", *(f"images/{file_name(image_id)}" for image_id in (10, 20, 30))]


@needs("pycocotools")
def test_a_set_is_fetched_whole(home, tmp_path):
    folder = tmp_path / "photos" / "tiny"
    assert home.fetch(folder) == []
    assert names(folder) == COMPLETE
    for image_id, data in PHOTOS.items():
        assert (folder / "images" / file_name(image_id)).read_bytes() == data
    content = json.loads((folder / "annotations.json").read_bytes())
    original = coco_content()
    assert [image["id"] for image in content["images"]] == [30, 10, 20]
    assert [person["id"] for person in content["annotations"]] == [60, 61, 20, 21, 40, 41]
    assert all(person in original["annotations"] for person in content["annotations"])
    for kind in ("info", "licenses", "categories"):
        assert content[kind] == original[kind]
    truth = read_annotations(folder / "annotations.json")
    assert list(find_photos(truth, folder / "images")) == [30, 10, 20]


def test_a_second_run_fetches_nothing(home, tmp_path):
    home.fetch(tmp_path)
    home.server.asked.clear()
    assert home.fetch(tmp_path) == []
    assert home.server.asked == []


def test_a_run_that_broke_off_is_continued(home, tmp_path):
    home.server.breaks_after = 30_000  # only photo 10 is shorter
    failures = home.fetch(tmp_path)
    broken = [failure.split(" from ")[0] for failure in failures]
    assert broken == ["cannot fetch 000000000030.jpg", "cannot fetch 000000000020.jpg"]
    assert all("it stopped after 30000 of 54000 bytes" in failure for failure in failures)
    home.server.breaks_after = None
    home.server.asked.clear()
    assert home.fetch(tmp_path) == []
    assert home.server.asked == [(f"/val2017/{file_name(i)}", "bytes=30000-") for i in (30, 20)]
    assert names(tmp_path) == COMPLETE


def test_the_archive_is_continued_and_kept_until_it_was_read(home, tmp_path):
    home.serve_archive(zipped("other.json", b"{}" * 50))
    (failure,) = home.fetch(tmp_path)
    zip_path = tmp_path / "annotations_trainval2017.zip"
    assert failure == f"{zip_path} has no file {MEMBER}; delete it and run again"
    assert zip_path.is_file()
    zip_path.unlink()
    whole = zipped(MEMBER, json.dumps(coco_content()).encode())
    home.serve_archive(whole)
    (tmp_path / "annotations_trainval2017.zip.part").write_bytes(whole[:50])
    assert home.fetch(tmp_path) == []
    assert home.server.asked[-1] == (ZIP, "bytes=50-")
    assert names(tmp_path) == COMPLETE


def test_an_archive_that_is_there_is_not_fetched_again(home, tmp_path):
    (tmp_path / "annotations_trainval2017.zip").write_bytes(home.server.files[ZIP])
    assert home.fetch(tmp_path) == []
    assert ZIP not in home.asked_paths()


def test_one_photo_with_other_bytes_does_not_stop_the_others(home, tmp_path):
    url = home.server.serve(f"/val2017/{file_name(10)}", b"another photo")
    (failure,) = home.fetch(tmp_path)
    assert failure.startswith(f"cannot fetch 000000000010.jpg from {url} (the server sent another file: sha256:")
    assert names(tmp_path) == ["annotations.json", "images/000000000020.jpg", "images/000000000030.jpg"]


def test_every_photo_may_be_gone(home, tmp_path):
    for image_id in PHOTOS:
        del home.server.files[f"/val2017/{file_name(image_id)}"]
    failures = home.fetch(tmp_path)
    assert len(failures) == 3
    assert all("(Not Found); if the address is gone, find a file with sha256:" in f for f in failures)
    assert names(tmp_path) == ["annotations.json"]


def test_a_photo_that_the_user_changed_is_left_alone(home, tmp_path):
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / file_name(20)
    path.write_bytes(b"drawn on")
    (failure,) = home.fetch(tmp_path)
    assert failure.startswith(f"{path} is not the published file: sha256:")
    assert path.read_bytes() == b"drawn on"


def test_without_a_network_the_run_stops_early(home, tmp_path):
    nowhere = [replace(photo, coco_url="http://127.0.0.1:9/val2017/photo.jpg") for photo in home.photo_set.photos]
    home.photo_set = PhotoSet("tiny", tuple(nowhere * 2))
    with pytest.raises(OpenPoseLabError, match="^3 downloads in a row failed; the last one: cannot fetch .*refused"):
        home.fetch(tmp_path)
    assert ZIP not in home.asked_paths()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<html>", "cannot read {zip}: File is not a zip file; delete it and run again"),
        (
            zipped(MEMBER, b"not JSON"),
            "{member} in {zip} does not hold COCO's annotations; delete it and run again",
        ),
        (zipped(MEMBER, b"[]"), "{member} in {zip} does not hold COCO's annotations; delete it and run again"),
        (
            zipped(MEMBER, b'{"images": [{"id": 3}], "annotations": []}'),
            "{member} in {zip} does not hold COCO's annotations; delete it and run again",
        ),
        (
            zipped(MEMBER, b'{"images": [{"id": 20, "coco_url": ""}], "annotations": []}'),
            "{member} in {zip} lacks 2 of the 3 photos, the first with the id 10; delete it and run again",
        ),
    ],
)
def test_a_damaged_archive(home, tmp_path, data, sentence):
    home.serve_archive(data)
    zip_path = tmp_path / "annotations_trainval2017.zip"
    assert home.fetch(tmp_path) == [sentence.format(zip=zip_path, member=MEMBER)]
    assert names(tmp_path) == ["annotations_trainval2017.zip", *COMPLETE[1:]]


def test_an_archive_with_flipped_bits(home, tmp_path):
    data = bytearray(zipped(MEMBER, json.dumps(coco_content()).encode()))
    data[100] ^= 0xFF
    home.serve_archive(bytes(data))
    (failure,) = home.fetch(tmp_path)
    assert failure.startswith(f"cannot read {tmp_path / 'annotations_trainval2017.zip'}: ")
    assert "\n" not in failure


def test_another_archive_at_its_home(home, tmp_path):
    home.server.serve(ZIP, b"<html>")
    (failure,) = home.fetch(tmp_path)
    assert "cannot fetch annotations_trainval2017.zip from " in failure
    assert "the server sent another file" in failure
    assert names(tmp_path) == COMPLETE[1:]


def test_an_archive_that_cannot_be_deleted(home, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(coco_photos.Path, "unlink", refused)
    monkeypatch.setattr(coco_photos, "write_whole", lambda path, data: path.write_bytes(data))
    (failure,) = home.fetch(tmp_path)
    zip_path = tmp_path / "annotations_trainval2017.zip"
    assert failure == f"cannot delete {zip_path}: Permission denied; delete it, it is not needed"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"images": [{"id": 10}]}'])
def test_annotations_of_other_photos_are_left_alone(home, tmp_path, content):
    path = tmp_path / "annotations.json"
    path.write_bytes(content)
    with pytest.raises(OpenPoseLabError) as error:
        home.fetch(tmp_path)
    assert str(error.value) == (f"{path} does not hold the annotations of tiny; move it away or choose another folder")
    assert path.read_bytes() == content
    assert home.server.asked == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_in_place_of_annotations_is_left_alone(home, tmp_path):
    os.mkfifo(tmp_path / "annotations.json")
    with pytest.raises(OpenPoseLabError, match="does not hold the annotations of tiny"):
        home.fetch(tmp_path)


def test_a_folder_that_cannot_be_made(home, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OpenPoseLabError, match="cannot make the folder .*images: .*; choose another folder"):
        home.fetch(tmp_path / "file")


def test_an_unknown_set():
    with pytest.raises(OpenPoseLabError) as error:
        load_photo_set("coco")
    assert str(error.value) == "no photo set is named 'coco'; choose one of: coco_dev147, coco_public20"


@pytest.mark.parametrize(
    ("name", "split", "count", "converted"),
    [("coco_dev147", "train2017", 147, 67), ("coco_public20", "val2017", 20, 0)],
)
def test_the_lists_are_consistent(name, split, count, converted):
    photos = load_photo_set(name).photos
    assert load_photo_set(name).split == split
    assert len(photos) == len({photo.image_id for photo in photos}) == len({photo.sha256 for photo in photos}) == count
    assert sum(photo.converted_keypoints for photo in photos) == converted
    for photo in photos:
        assert photo.file_name == file_name(photo.image_id)
        assert photo.coco_url == f"http://images.cocodataset.org/{split}/{photo.file_name}"
        assert len(bytes.fromhex(photo.sha256)) == 32
        assert photo.licence.startswith(("CC BY", "No known"))


@pytest.mark.parametrize("name", photo_set_names())
def test_the_lists_are_of_the_photos_that_were_measured(shared_data, name):
    folder = shared_data / name
    content = json.loads((folder / "annotations.json").read_bytes())
    licences = {licence["id"]: licence["name"] for licence in content["licenses"]}
    measured = [
        ListedPhoto(
            image["id"],
            image["file_name"],
            licences[image["license"]],
            image["annotation_tier"] == "T2",
            hashlib.sha256((folder / "images" / image["file_name"]).read_bytes()).hexdigest(),
            image["coco_url"],
        )
        for image in content["images"]
    ]
    assert list(load_photo_set(name).photos) == measured
    assert {path.name for path in (folder / "images").iterdir()} == {photo.file_name for photo in measured}


def test_the_licences_are_those_of_the_attribution(shared_data):
    with (shared_data / "coco_public20" / "ATTRIBUTION.csv").open(encoding="utf-8", newline="") as file:
        attributed = [(row["file_name"], row["license"], row["coco_url"]) for row in csv.DictReader(file)]
    photos = load_photo_set("coco_public20").photos
    assert [(photo.file_name, photo.licence, photo.coco_url) for photo in photos] == attributed


@pytest.fixture
def program(call_program, home, monkeypatch):
    """Run the program on the tiny set."""
    monkeypatch.setattr(fetch_photos, "load_photo_set", lambda _: home.photo_set)
    monkeypatch.setattr(coco_photos, "fetch_photo_set", lambda _, folder: home.fetch(folder))
    return lambda *arguments: call_program("fetch_photos", fetch_photos.main, *arguments)


def test_the_program_says_what_to_run_next(program, tmp_path):
    folder = tmp_path / "my photos"
    status, out, err = program("tiny", "--out", folder)
    assert (status, err) == (0, "")
    assert "tiny: 3 photos of COCO val2017\n" in out
    assert "licences of the photos: CC BY 2.0 (3)\n" in out
    assert out.endswith(
        f'now run: python -m openpose_lab evaluate --images "{folder / "images"}" '
        f'--annotations "{folder / "annotations.json"}" --network lightweight\n'
    )


def test_the_program_lists_the_failures(program, home, tmp_path):
    del home.server.files[f"/val2017/{file_name(10)}"]
    home.server.serve(ZIP, b"<html>")
    status, out, err = program("tiny", "--out", tmp_path)
    assert status == 1
    failed = [line for line in out.splitlines() if line.startswith("FAILED cannot fetch ")]
    assert [line.split()[3] for line in failed] == ["000000000010.jpg", "annotations_trainval2017.zip"]
    assert err == "fetch_photos: 2 of 4 files could not be fetched; the lines above give the reasons\n"
    assert "now run" not in out


def test_the_program_lists_the_sets(call_program):
    status, out, err = call_program("fetch_photos", fetch_photos.main)
    assert (status, err) == (0, "")
    assert "coco_dev147: 147 photos of COCO train2017\n" in out
    assert "coco_public20: 20 photos of COCO val2017\n" in out
    assert "licences of the photos: CC BY 2.0 (14), CC BY-SA 2.0 (6)\n" in out


def test_the_program_needs_a_folder(call_program):
    status, _, err = call_program("fetch_photos", fetch_photos.main, "coco_public20")
    assert (status, err) == (1, "fetch_photos: coco_public20 needs an output folder; give it with --out DIR\n")
