"""Test cameras and streams: they yield the newest frame, count dropped frames, and say why they end."""

import socket
import threading
import time
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from estimation.errors import OpenPoseLabError, OpenPoseLabWarning
from openpose_lab.sources import cameras, frames, is_moving, open_source
from openpose_lab.sources.cameras import Camera
from openpose_lab.sources.live import LiveSource
from openpose_lab.sources.streams import Stream, shown_address
from openpose_lab.sources.videos import VideoEndedError
from tests.support.extras import needs
from tests.support.file_server import running_file_server
from tests.support.video_files import make_clip, number_of

needs_av = needs("av")
EVEN = [3600 * number for number in range(40)]
PIXELS = np.zeros((4, 6, 3), np.uint8)


def reading_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("reads ")]


class Steps(LiveSource):
    """A live source that yields frames only when ``step`` is called. At the end, it stops or raises an error."""

    def __init__(self, error=None, is_live=True, silence=5.0):
        super().__init__("the source", silence)
        self.is_live = is_live
        self.error = error
        self.steps = threading.Semaphore(1)
        self.count = 0
        self.last = None
        self._begin()

    def _read(self):
        while True:
            self.steps.acquire()
            if self.count == self.last:
                if self.error is not None:
                    raise self.error
                return
            yield self.count / 10, PIXELS
            self.count += 1

    def step(self, count):
        """Let the source yield this number of frames, and wait until they have arrived."""
        until = self.count + count
        for _ in range(count):
            self.steps.release()
        while self.count < until:
            time.sleep(0.001)

    def end(self):
        self.last = self.count
        self.steps.release()


@pytest.fixture
def steps():
    sources = []

    def make(**options):
        sources.append(Steps(**options))
        return sources[-1]

    yield make
    for source in sources:
        source.end()
        source.close()
    assert not reading_threads()


def test_a_live_source_gives_the_newest_frame_and_counts_the_others(steps):
    source = steps()
    given = source.frames()
    assert (source.width, source.height) == (6, 4)
    assert next(given).index == 0
    source.step(4)
    frame = next(given)
    assert (frame.index, frame.timestamp, frame.name, source.dropped) == (4, 0.4, "the source", 3)
    source.step(1)
    assert (next(given).index, source.dropped) == (5, 3)


def test_a_source_that_is_not_live_waits(steps):
    source = steps(is_live=False)
    for _ in range(4):
        source.steps.release()
    source.last = 5
    source.steps.release()
    assert [frame.index for frame in source] == [0, 1, 2, 3, 4]
    assert source.dropped == 0


def test_parts_of_a_live_source(steps):
    source = steps()
    given = source.frames(every=2, start=0.1, end=0.6, rotate=90)
    found = []

    def look():
        found.extend((frame.index, frame.pixels.shape) for frame in given)

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(7):
        while source._newest is not None:
            time.sleep(0.001)
        source.step(1)
    thread.join(5)
    assert found == [(2, (6, 4, 3)), (4, (6, 4, 3))]


def test_the_end_of_a_live_source_is_told(steps):
    source = steps()
    given = source.frames()
    next(given)
    source.end()
    with pytest.warns(OpenPoseLabWarning, match="the source has ended after 0.0 s"):
        assert next(given, None) is None


@pytest.mark.parametrize("error", [VideoEndedError("the cable is out"), RuntimeError("a fault")])
def test_errors_of_the_thread_come_after_the_last_frame(steps, error):
    source = steps(error=error)
    source.step(1)
    source.end()
    given = source.frames()
    assert next(given).index == 1
    with pytest.raises(type(error), match=str(error)):
        next(given)


def test_a_source_that_gives_nothing_has_stopped(steps):
    source = steps(silence=0.05)
    given = source.frames()
    next(given)
    with pytest.raises(VideoEndedError) as caught:
        next(given)
    assert str(caught.value) == (
        "the source has stopped after 0.0 s (it gives no frame for 0.05 s); check its connection, and start again"
    )


def test_closing_ends_the_frames(steps):
    source = steps()
    given = source.frames()
    next(given)
    threading.Timer(0.05, source.close).start()
    assert next(given, None) is None
    source.steps.release()


def test_a_run_that_is_over_waits_for_no_frame(steps):
    """This happens after Ctrl-C, while a camera is silent."""
    source = steps()
    given = source.frames()
    next(given)
    source.is_over = lambda: True
    assert next(given, None) is None
    source.steps.release()


# Cameras


class Device:
    """An OpenCV camera that returns five frames."""

    def __init__(self, number):
        self.left = 5 if number == 0 else 0
        self.is_there = number < 2
        self.released = False
        Device.last = self

    def isOpened(self):  # noqa: N802
        return self.is_there

    def get(self, what):
        return 30.0 if what == cv2.CAP_PROP_FPS else 0.0

    def read(self):
        self.left -= 1
        return (True, PIXELS) if self.left >= 0 else (False, None)

    def release(self):
        self.released = True


def test_a_camera(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    found = []
    with open_source("0") as camera:
        assert (camera.name, camera.width, camera.height, camera.rate) == ("camera 0", 6, 4, 30)
        assert camera.is_live
        with pytest.raises(VideoEndedError, match=r"camera 0 has stopped after .* s \(it gives no more frames\)"):  # noqa: PT012
            for frame in camera:
                found.append((frame.index, frame.timestamp))
    assert found[-1][0] == 4
    assert found == sorted(found)
    assert len(found) + camera.dropped == 5
    assert Device.last.released
    assert not reading_threads()


def test_a_camera_that_gives_nothing(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    with pytest.raises(VideoEndedError, match=r"camera 1 has stopped after 0\.0 s"):
        frames("1")


def test_a_camera_that_is_not_there(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Device)
    with pytest.raises(OpenPoseLabError, match="there is no camera 7, or it cannot be opened; connect one"):
        frames("7")
    with pytest.raises(OpenPoseLabError, match="the number of a camera is 0 to 99 but is 100"):
        frames("100")


def test_opencv_is_silent_about_a_camera_that_is_not_there(capfd):
    with pytest.raises(OpenPoseLabError, match="there is no camera 97, or it cannot be opened"):
        Camera(97)
    assert capfd.readouterr() == ("", "")


def test_frames_that_are_dropped_before_the_first_close_the_camera(steps, monkeypatch):
    source = steps()
    source.end()
    monkeypatch.setattr(cameras, "Camera", lambda number: source)
    given = frames("0")
    assert not source._closed
    del given
    assert source._closed


def test_a_number_that_is_a_file_is_no_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_moving("3")
    (tmp_path / "3").mkdir()
    assert not is_moving("3")


# Streams


@pytest.fixture
def server():
    with running_file_server() as running:
        yield running
    assert not reading_threads()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    def noisy(number):
        pixels = np.random.default_rng(number).integers(0, 60, (48, 64, 3), dtype=np.uint8)
        bits = number >> np.arange(8) & 1
        return pixels + (np.repeat(bits, 8) * 190).astype(np.uint8)[None, :, None]

    return make_clip(tmp_path_factory.mktemp("clip") / "clip.ts", EVEN, draw=noisy).read_bytes()


@needs_av
def test_a_video_on_a_server_is_read_whole(server, clip):
    address = server.serve("/clip.ts", clip)
    with open_source(address) as stream:
        assert stream.name == address
        assert (stream.width, stream.height, stream.rate, stream.is_live) == (64, 48, 25, False)
        found = [(frame.index, frame.timestamp, number_of(frame.pixels)) for frame in stream]
        assert stream.dropped == 0
    assert found == [(number, pytest.approx(number / 25), number) for number in range(40)]


@needs_av
def test_a_stream_without_an_end_is_live(server, clip):
    server.endless = True
    with open_source(server.serve("/live.ts", clip)) as stream:
        assert stream.is_live
        given = stream.frames()
        seen = [next(given).index for _ in range(3)]
        while stream.dropped < 5:
            time.sleep(0.01)
        assert next(given).index > seen[-1] + 1


@needs_av
def test_a_stream_that_breaks_off(server, clip):
    server.breaks_after = len(clip) // 2
    found = []
    with (
        Stream(server.serve("/clip.ts", clip)) as stream,
        pytest.raises(VideoEndedError, match=r"/clip\.ts has stopped after .* s \(.+\); check its connection"),
    ):
        found.extend(stream)
    assert 10 < len(found) < 30


@contextmanager
def server_that_falls_silent(data):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve():
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + data)
                ended.wait(30)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/live.ts"
        finally:
            ended.set()
            thread.join()


@needs_av
def test_a_server_that_falls_silent(clip):
    found = []
    with (
        server_that_falls_silent(clip[: len(clip) // 2]) as address,
        Stream(address, silence=0.5) as stream,
        pytest.raises(VideoEndedError, match=r"/live\.ts has stopped after .* s \(no answer in time\); check"),
    ):
        found.extend(stream)
    assert found
    assert not reading_threads()


@needs_av
@pytest.mark.parametrize(
    ("path", "reason"), [("/none.ts", r"Server returned 404 Not Found"), ("/text.ts", "it is not a video")]
)
def test_addresses_without_a_video(server, path, reason):
    server.serve("/text.ts", b"Dear Sir or Madam" * 100)
    with pytest.raises(OpenPoseLabError, match=rf"{path} cannot be opened \({reason}\); check the address"):
        frames(server.url(path))


@needs_av
def test_a_playlist_of_a_server_opens_no_file_of_this_computer(server, clip, tmp_path):
    (tmp_path / "clip.ts").write_bytes(clip)
    server.serve("/clip.ts", clip)
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n"
    address = server.serve("/list.m3u8", text.format("clip.ts").encode())
    assert [number_of(frame.pixels) for frame in frames(address)] == list(range(40))
    address = server.serve("/file.m3u8", text.format((tmp_path / "clip.ts").as_uri()).encode())
    with pytest.raises(OpenPoseLabError, match="cannot be opened"):
        frames(address)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "concat://a", "gopher://x/y", "lavfi://testsrc"])
def test_addresses_of_other_kinds(address):
    with pytest.raises(
        OpenPoseLabError, match=r"is not the address of a stream; give one that begins with http://, https://, rtsp://"
    ):
        frames(address)


@needs_av
def test_nothing_listens_at_an_address():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(OpenPoseLabError, match=r"the stream rtsp://127\.0\.0\.1:\d+/live cannot be opened") as caught:
        frames(f"rtsp://lab:secret@127.0.0.1:{port}/live")
    assert "secret" not in str(caught.value)


def test_an_address_is_shown_without_what_is_secret():
    assert shown_address("rtsp://lab:pass@camera.local:554/live?token=1") == "rtsp://camera.local:554/live?..."
    assert shown_address("http://camera.local/a@b") == "http://camera.local/a@b"


@needs_av
def test_frames_that_the_decoder_still_has_come_before_the_error(server, clip, monkeypatch):
    """The decoder's threads return a frame some packets later."""
    monkeypatch.setattr(server, "breaks_after", len(clip) - 1)
    found = []
    with Stream(server.serve("/clip.ts", clip)) as stream, pytest.raises(VideoEndedError):
        found.extend(stream)
    assert len(found) >= len(EVEN) - 1
