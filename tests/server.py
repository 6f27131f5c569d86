"""A server of files for tests, on this machine only, which errs when told to.

It knows Range, If-Range and ETag as RFC 9110 says, unless a file's `how` takes that away.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What was asked for."""

    path: str
    range: str | None


class Files:
    """The files of a server, by path: bytes, and how it behaves on each.

    `how` holds, by path, any of: status (answered to the next requests, in order), cut (bytes after which the
    connection ends, for the next requests in order; None for all of the rest), no_range, no_tag, extra
    (bytes that Content-Length promises and nobody sends), no_length.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.content: dict[str, bytes] = {}
        self.how: dict[str, dict[str, Any]] = {}
        self.requests: list[Request] = []

    def reset(self) -> None:
        """Forget all."""
        self.content, self.how, self.requests = {}, {}, []


@contextmanager
def running(port: int = 0) -> Iterator[Files]:
    """A server on a port, or on a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    files = server.files = Files(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: 40 ms less a request

    def do_GET(self) -> None:
        files: Files = self.server.files  # type: ignore[attr-defined]
        how = files.how.get(self.path, {})
        files.requests.append(Request(self.path, self.headers.get("Range")))
        if how.get("status"):
            self._answer(how["status"].pop(0), b"<html>an error</html>", {})
            return
        if self.path not in files.content:
            self._answer(404, b"<html>no such file</html>", {})
            return
        content = files.content[self.path]
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        start = 0
        if (
            not how.get("no_range")
            and self.headers.get("Range")
            and self.headers.get("If-Range") in {None, tag}
        ):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        headers = {} if how.get("no_tag") else {"ETag": tag}
        if start >= len(content) > 0:
            self._answer(416, b"", headers | {"Content-Range": f"bytes */{len(content)}"})
        elif start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._answer(206, content[start:], headers | {"Content-Range": span}, how)
        else:
            self._answer(200, content, headers, how)

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str], how: dict[str, Any] | None = None
    ) -> None:
        how = how or {}
        cuts = how.get("cut", [])
        cut = cuts.pop(0) if cuts else None
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not how.get("no_length"):
            self.send_header("Content-Length", str(len(body) + how.get("extra", 0)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        self.close_connection = bool(cut is not None or how.get("extra") or how.get("no_length"))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""
