"""Test how modules in a folder are found."""

import sys

import pytest

from estimation.discovery import collect, collect_by_name, modules_in

VALUE = "from types import SimpleNamespace\nVALUE = SimpleNamespace(name={!r})\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "offers"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "one.py").write_text(VALUE.format("first"))
    (folder / "helper.py").write_text("raise RuntimeError('a module without the attribute was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "offers"]:
        del sys.modules[name]


def test_only_modules_that_define_the_attribute_are_imported(package):
    assert [value.name for value in collect("offers", [str(package)], "VALUE")] == ["first"]


def test_files_that_are_no_modules_are_left_alone(package):
    (package / "._one.py").write_bytes(b"\0\0")  # a file that macOS writes on foreign disks
    (package / "one copy.py").write_text(VALUE.format("first"))
    (package / "folder.py").mkdir()
    (package / ".#one.py").symlink_to("nobody@nowhere")  # the lock of an editor
    assert [path.name for path in modules_in(package)] == ["__init__.py", "helper.py", "one.py"]
    assert list(collect_by_name("offers", [str(package)], "VALUE")) == ["first"]


def test_two_files_with_one_name_are_refused(package):
    (package / "two.py").write_text(VALUE.format("first"))
    with pytest.raises(ValueError, match="two files of offers have the name 'first'; choose another name"):
        collect_by_name("offers", [str(package)], "VALUE")
