"""An HTTP server on this machine that serves files from memory and can misbehave."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator


class FileServer(http.server.ThreadingHTTPServer):
    """Serves ``files``, which are bytes by path, and records each request in ``asked``.

    resumes: whether a Range header is obeyed. status: sent instead of a file unless it is 200.
    reason: sent with the status, or None for the usual one. location: where a status such as 302 sends on to, or None.
    breaks_after: the number of bytes after which an answer breaks off, or None. endless: whether an answer has no end.
    pause: seconds after each byte of an answer; with ``slow_head``, after each byte of the status line too.
    sent: bytes of files that were handed to sockets. Their buffers may hold more than the client has received.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.resumes = True
        self.status = 200
        self.reason: str | None = None
        self.location: str | None = None
        self.breaks_after: int | None = None
        self.endless = False
        self.pause = 0.0
        self.slow_head = False
        self.sent = 0
        self.stopped = threading.Event()

    def serve(self, path: str, data: bytes) -> str:
        """Serve ``data`` at ``path``, which begins with a slash. Returns the URL."""
        self.files[path] = data
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        data = self.server.files.get(self.path)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.resumes else 0
        if self.server.location:
            self.send_response(self.server.status)
            self.send_header("Location", self.server.location)
            self.end_headers()
        elif self.server.status != 200:
            self.send_error(self.server.status, self.server.reason)
        elif data is None:
            self.send_error(404)
        elif start and start >= len(data):
            self.send_error(416)
        elif self.server.slow_head:
            self.drip(b"HTTP/1.0 200 " + data)
        else:
            self.send_response(206 if start else 200)
            if not self.server.endless:
                self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            if self.server.pause:
                self.drip(data[start:])
                return
            self.send(data[start:][: self.server.breaks_after])
            with contextlib.suppress(OSError):  # the client has seen enough
                while self.server.endless and not self.server.stopped.is_set():
                    self.send(data)

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.sent += len(data)

    def drip(self, data: bytes) -> None:
        """Send the bytes one by one."""
        with contextlib.suppress(OSError):
            for byte in data:
                self.wfile.write(bytes([byte]))
                if self.server.stopped.wait(self.server.pause):
                    return

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_file_server() -> Iterator[FileServer]:
    """Run a server until the block ends."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # seconds between looks for shutdown
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
