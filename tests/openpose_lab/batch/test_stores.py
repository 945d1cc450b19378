"""Folders on this machine and behind an address: the same content, whole files, and one sentence for each trouble."""

import errno
import pickle

import pytest

from estimation.errors import OpenPoseLabError
from openpose_lab.batch import stores
from openpose_lab.batch.stores import LocalStore, RemoteStore, StoreError, locate, open_store, shown_address, split_file
from tests.support.extras import needs

pytestmark = needs("pyarrow")


@pytest.fixture(params=["path", "address"])
def store(request, tmp_path):
    return open_store(str(tmp_path)) if request.param == "path" else RemoteStore(tmp_path.as_uri())


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(stores, "_PAUSE", 0)


def test_a_file_comes_back_as_it_was_written(store):
    store.write("a/b.bin", b"12")
    store.write("a/b.bin", b"345")
    assert store.read("a/b.bin") == b"345"
    assert store.list_files() == ["a/b.bin"]
    assert store.list_files("a") == ["a/b.bin"]
    with store.as_path("a/b.bin") as path:
        assert path.read_bytes() == b"345"
        assert path.suffix == ".bin"
    with store.opened("a/b.bin") as file:
        assert file.read(2) == b"34"


def test_a_file_is_deleted_once(store):
    store.write("a.bin", b"1")
    store.delete("a.bin")
    store.delete("a.bin")
    with pytest.raises(OpenPoseLabError, match=r"there is no photo .*a\.bin") as caught:
        store.read("a.bin")
    assert not isinstance(caught.value, StoreError)


def test_a_missing_file_is_the_fault_of_the_file(store):
    with pytest.raises(OpenPoseLabError) as caught, store.opened("missing.parquet"):
        pass
    assert not isinstance(caught.value, StoreError)


def test_a_missing_video_at_an_address_is_told(remote):
    with pytest.raises(OpenPoseLabError, match=r"there is no video missing\.mp4"), remote.as_path("missing.mp4"):
        pass


def test_a_store_travels_to_another_process(store):
    store.write("a.bin", b"1")
    assert pickle.loads(pickle.dumps(store)).read("a.bin") == b"1"


def test_a_folder_that_is_gone_ends_the_job(tmp_path):
    with pytest.raises(StoreError, match="is gone; bring it back"):
        LocalStore(tmp_path / "gone").read("a.jpg")


class Unsteady:
    """A file system that fails a number of times."""

    def __init__(self, fails, error):
        self.fails, self.error, self.calls = fails, error, 0

    def open_input_file(self, path):
        self.calls += 1
        if self.calls <= self.fails:
            raise self.error
        import pyarrow

        return pyarrow.BufferReader(b"photo")


@pytest.fixture
def remote(tmp_path):
    return RemoteStore(tmp_path.as_uri())


def test_a_store_is_asked_again(remote):
    remote._files = Unsteady(2, OSError("AWS Error SLOW_DOWN"))
    assert remote.read("a.jpg") == b"photo"


def test_a_store_that_keeps_failing_ends_the_job(remote):
    remote._files = Unsteady(9, OSError("AWS Error NETWORK_CONNECTION"))
    with pytest.raises(StoreError, match="NETWORK_CONNECTION"):
        remote.read("a.jpg")
    assert remote._files.calls == 3


def test_an_object_that_is_refused_is_a_failure_of_its_own(remote):
    remote._files = Unsteady(9, OSError("AWS Error ACCESS_DENIED during GetObject"))
    with pytest.raises(OpenPoseLabError, match="check the credentials") as caught:
        remote.read("a.jpg")
    assert not isinstance(caught.value, StoreError)
    assert remote._files.calls == 1


def test_a_write_that_breaks_off_leaves_no_file(remote, tmp_path, monkeypatch):
    class Breaking:
        """Opens streams that fail in the middle, and still leave a file when they are closed."""

        def __init__(self, files):
            self.files = files
            self.create_dir, self.delete_file = files.create_dir, files.delete_file

        def open_output_stream(self, path):
            stream = self.files.open_output_stream(path)

            class Stream:
                def __enter__(self):
                    return self

                def write(self, data):
                    stream.write(data[:1])
                    raise OSError("the connection broke")

                def __exit__(self, *_):
                    stream.close()

            return Stream()

    remote._files = Breaking(remote._files)
    with pytest.raises(StoreError, match="the connection broke"):
        remote.write("people/part.parquet", b"12345")
    assert not (tmp_path / "people" / "part.parquet").exists()


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stores, "write_whole", fail)
    with pytest.raises(StoreError, match="free some space"):
        LocalStore(tmp_path).write("a.bin", b"1")


def test_addresses_are_split_and_shown_without_secrets():
    assert split_file("s3://b/c/d.txt?region=x") == ("s3://b/c?region=x", "d.txt")
    assert shown_address("s3://key:secret@bucket/a/?token=1") == "s3://bucket/a"


def test_the_address_of_a_local_folder_is_that_folder(tmp_path):
    """Only ``LocalStore`` replaces a file in a single step."""
    store = open_store(tmp_path.as_uri())
    assert isinstance(store, LocalStore)
    assert store.root == tmp_path


def test_damaged_data_at_an_address_is_a_failure_of_its_own(remote, tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"1")
    with pytest.raises(OpenPoseLabError, match="cannot be read") as caught, remote.opened("t.parquet"):
        raise OSError("Corrupt snappy compressed data.")
    assert not isinstance(caught.value, StoreError)


def test_names_in_addresses_are_decoded():
    assert split_file("s3://b/a%20b/c%20d.jpg")[1] == "c d.jpg"


def test_an_item_with_an_address_has_a_folder_of_its_own(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.jpg").write_bytes(b"1")
    store, name = locate(LocalStore(tmp_path), f"{(tmp_path / 'sub').as_uri()}/a.jpg")
    assert (store.read(name), name) == (b"1", "a.jpg")
    assert locate(LocalStore(tmp_path), "sub/a.jpg")[1] == "sub/a.jpg"
