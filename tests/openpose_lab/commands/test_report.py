"""The program that makes the report: what it writes, what it never overwrites, and what it says."""

import base64
import errno
import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from estimation import files
from openpose_lab.commands import report as program
from openpose_lab.lab.cases import make_rows
from openpose_lab.lab.report import findings
from openpose_lab.lab.report.findings import Drawn, Findings
from openpose_lab.lab.report.own_files import is_signed
from tests.conftest import ROOT
from tests.support.extras import needs

ANSWER = make_rows(({"nose": 0, "neck": 1, "right_shoulder": 2, "right_elbow": 3}, 7.5))


def found_in(file, photos, advance):
    """Findings without a process and a network; the milliseconds differ each time."""
    found_in.calls += 1
    drawn = [Drawn(photo.path.name, b"\xff\xd8 %d" % found_in.calls, 2, 35, 40, found_in.calls) for photo in photos]
    return Findings(file.name, "0" * 64, answer=ANSWER, f1=0.9, milliseconds=1, usual_milliseconds=2, photos=drawn)


@pytest.fixture
def make(call_program, tmp_path, monkeypatch):
    """Make a report in the folder ``report``: exit status, standard output, standard error."""
    found_in.calls = 0
    monkeypatch.setattr(findings, "find", found_in)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "merge.py").write_text("def merge(subset): return subset\n")
    return lambda *arguments: call_program("report", program.main, "merge.py", *arguments)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_report(make, tmp_path):
    status, out, err = make()
    assert (status, err) == (0, "")
    assert out == (
        "wrote report/report.md and report/report.html, with pictures in report/generated/\n"
        "to write: your name; 1. Algorithm; 2. Output subset; 3. Test pictures; 4. Checks, accuracy and time; "
        "5. Challenges and solutions; References\n"
        "Write your text into report/report.md, and run this command again; it keeps your text.\n"
    ).replace("/", os.sep)
    made = contents(tmp_path / "report")
    assert made.keys() == {
        "report.md",
        "report.html",
        os.path.join("generated", "skiers.jpg"),
        os.path.join("generated", "people.jpg"),
    }
    assert all(is_signed(data) for name, data in made.items() if name != "report.md")
    assert b"![people.jpg with the skeletons of 2 people](generated/people.jpg)" in made["report.md"]
    page = made["report.html"].decode()
    assert base64.b64encode(made[os.path.join("generated", "people.jpg")]).decode() in page
    assert "<h2>5. Challenges and solutions</h2>" in page
    assert not re.search(r"""(src|href)="(?!data:)""", page)


def test_written_text_stays_and_is_in_the_page(make, tmp_path):
    make()
    path = tmp_path / "report" / "report.md"
    text = path.read_text(encoding="utf-8")
    for prompt in re.findall("^> To write: .*$", text, re.MULTILINE):
        text = text.replace(prompt, f"Mein **Text** 人 nr. {len(prompt)}.")
    path.write_bytes(text.replace("\n", "\r\n").encode())
    status, out, err = make()
    assert (status, err) == (0, "")
    page = os.path.join("report", "report.html")
    assert out.splitlines()[1:] == [f"Next: open {page} in a browser, and print it as a PDF."]
    again = path.read_bytes().decode()
    changed = [(old, new) for old, new in zip(text.split("\n"), again.split("\r\n")) if old != new]
    assert [(old.split(" ")[0], new.split("Grouping ")[-1]) for old, new in changed[1:]] == [
        ("skiers.jpg:", "took 2.0 ms."),
        ("people.jpg:", "took 2.0 ms."),
    ]
    assert changed[0][0].startswith("<!-- openpose-lab report: begin pictures ")
    assert again.count("Mein **Text** 人") == 7
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert page.count("Mein <strong>Text</strong> 人") == 7
    assert "took 2.0 ms" in page


def test_text_that_is_saved_while_the_program_works_stays(make, tmp_path, monkeypatch):
    make()
    path = tmp_path / "report" / "report.md"

    def saved_meanwhile(*arguments):
        path.write_text(f"{path.read_text(encoding='utf-8')}\nthe end\n", encoding="utf-8")
        return found_in(*arguments)

    monkeypatch.setattr(findings, "find", saved_meanwhile)
    assert make()[0] == 0
    assert path.read_text(encoding="utf-8").endswith("\nthe end\n")


def write_into_a_block(folder):
    path = folder / "report.md"
    path.write_text(path.read_text(encoding="utf-8").replace("After: the", "I think: the"), encoding="utf-8")


def damage_a_block(folder):
    path = folder / "report.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<!-- openpose-lab report: end checks -->\n", ""), encoding="utf-8")


def draw_on_a_picture(folder):
    (folder / "generated" / "people.jpg").write_bytes(b"\xff\xd8 with arrows")


def write_into_the_page(folder):
    path = folder / "report.html"
    path.write_bytes(path.read_bytes().replace(b"</h1>", b", mine</h1>"))


def save_as_utf_16(folder):
    path = folder / "report.md"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (write_into_a_block, "the block subset was changed by hand, and would be overwritten; move your text below"),
        (damage_a_block, "the block checks has no end; undo the change, or write"),
        (draw_on_a_picture, "people.jpg was changed, or made by another program, and would be overwritten; move it"),
        (write_into_the_page, "report.html was changed, or made by another program, and would be overwritten; move it"),
        (save_as_utf_16, "report.md is not UTF-8; save it as UTF-8 in your editor, and run again"),
    ],
)
def test_what_a_person_changed_is_not_overwritten(make, tmp_path, change, sentence):
    make()
    change(tmp_path / "report")
    before = contents(tmp_path / "report")
    status, out, err = make()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert sentence in err
    assert len(err) < 300
    assert contents(tmp_path / "report") == before
    assert found_in.calls == 1  # it is told before the work


def test_a_page_of_another_program_is_not_overwritten(make, tmp_path):
    (tmp_path / "report.html").write_text("<p>mine")
    status, _, err = make("--out", ".")
    assert (status, err.count("\n")) == (1, 1)
    assert (tmp_path / "report.html").read_text() == "<p>mine"
    assert not (tmp_path / "report.md").exists()


def test_blocks_that_were_deleted_stay_away(make, tmp_path):
    make()
    path = tmp_path / "report" / "report.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub("<!-- openpose-lab report: begin file (?s:.*)file -->\n", "", text), encoding="utf-8")
    out = make()[1]
    assert "\nleft out, because report.md does not contain their blocks: file\n" in out
    assert "SHA-256" not in path.read_text(encoding="utf-8")


def test_photos_of_one_s_own(make, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "my class.jpg").write_bytes(b"any")
    (tmp_path / "skiers.jpg").write_bytes(b"any")
    assert make("--photos", "photos", "skiers.jpg", "--out", "mine")[0] == 0
    names = sorted(path.name for path in (tmp_path / "mine" / "generated").iterdir())
    assert names == ["my-class.jpg", "people.jpg", "skiers-2.jpg", "skiers.jpg"]
    text = (tmp_path / "mine" / "report.md").read_text(encoding="utf-8")
    assert "![my class.jpg with the skeletons of 2 people](generated/my-class.jpg)" in text


def test_a_report_that_is_not_complete_is_written_and_told(make, tmp_path, monkeypatch):
    def nothing(file, photos, advance):
        drawn = [Drawn(photo.path.name, problem="merge failed") for photo in photos]
        return Findings(file.name, "0" * 64, fault="merge failed", photos=drawn)

    monkeypatch.setattr(findings, "find", nothing)
    status, out, err = make()
    assert (status, err) == (1, "report: the report is not complete yet: merge failed\n")
    assert out.startswith("wrote ")
    assert "**No picture of skiers.jpg, people.jpg.** merge failed" in (tmp_path / "report" / "report.md").read_text(
        encoding="utf-8"
    )


def test_a_picture_that_is_missing_is_a_note(make, tmp_path):
    make()
    path = tmp_path / "report" / "report.md"
    path.write_text(path.read_text(encoding="utf-8") + "\n![mine](mine.png)\n", encoding="utf-8")
    status, _, err = make()
    what = f"there is no picture {os.path.join('report', 'mine.png')}; check the path"
    assert (status, err) == (0, f"report: note: {what}; the page leaves it out\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "merge.py"], "cannot write into merge.py: it is not a folder; choose another place"),
        (["--out", "merge.py/x"], "Not a directory; choose another place"),
        (["--photos", "none.jpg"], "there is no"),
        (["--photos", "empty"], "the folder empty is empty; give a folder with photos"),
        (
            ["--photos", "generated/class.jpg", "--out", "."],
            "class.jpg is also the photo, and would be overwritten",
        ),
    ],
)
def test_mistakes_are_one_sentence(make, tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "class.jpg").write_bytes(b"any")
    before = contents(tmp_path)
    status, out, err = make(*arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert sentence in err
    assert len(err) < 300
    assert contents(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_pictures_are_not_written_through_a_link(make, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "generated").symlink_to(tmp_path / "elsewhere")
    status, out, err = make()
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "generated is a link to another folder; remove it, or give another --out" in err
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_missing_merge_is_one_sentence(call_program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call_program("report", program.main, "none.py")
    assert done == (1, "", "report: there is no Python file none.py; check the path\n")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_text_as_it_is(make, tmp_path, monkeypatch):
    make()
    before = (tmp_path / "report" / "report.md").read_bytes()

    monkeypatch.setattr(files, "replacing", full_disk)
    status, _, err = make()
    assert (status, err.count("\n")) == (1, 1)
    assert "No space left on device; free some space or choose another place" in err
    assert (tmp_path / "report" / "report.md").read_bytes() == before
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.md", "report.html", "generated"}


def full_disk(target):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
@needs("openvino")
def test_the_embedded_network_and_the_project_s_merge(tmp_path):
    command = [sys.executable, "-m", "openpose_lab", "report", "--out", str(tmp_path / "report")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "of limbs became 5 people with " in text
    assert "of limbs became 2 people with " in text
    assert "| **this merge** |  | 0.948 |" in text
    for name in ("skiers", "people"):
        picture = cv2.imread(str(tmp_path / "report" / "generated" / f"{name}.jpg"))
        photo = cv2.resize(cv2.imread(str(ROOT / "images" / f"{name}.jpg")), picture.shape[1::-1])
        assert 1 < np.abs(picture.astype(int) - photo).mean() < 30
