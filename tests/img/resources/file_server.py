"""A web server in a thread that serves files, well or badly, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """How to answer one request; by default well, with Range, If-Range and an ETag.

    Attributes:
        status: answer with this status and nothing else.
        headers: in the place of those that would be sent; None leaves one out.
        cut: close the connection after so many bytes of the body.
        stall: after so many bytes of the body, send nothing more until the server ends.
        ignore_range: send the whole file, whatever range is asked for.
        content: in the place of the file.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    cut: int | None = None
    stall: int | None = None
    ignore_range: bool = False
    content: bytes | None = None


@dataclass
class FileServer:
    """The server's files, its answers to come, and the requests it has had."""

    url: str
    files: dict[str, bytes]
    answers: deque[Answer] = field(default_factory=deque)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def ranges(self) -> list[str | None]:
        """The range each request asked for."""
        return [headers.get("Range") for _, headers in self.requests]


@contextmanager
def serve(files: Mapping[str, bytes]) -> Iterator[FileServer]:
    """Serves files by their paths on a port of this machine. It also acts as a proxy for any host."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listener.daemon_threads = True
    server = FileServer(f"http://127.0.0.1:{listener.server_address[1]}", dict(files))
    listener.state = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: FileServer = self.server.state  # type: ignore[attr-defined]
        server.requests.append((self.path, dict(self.headers)))
        answer = server.answers.popleft() if server.answers else Answer()
        content = answer.content or server.files.get(urlsplit(self.path).path)
        if content is None or answer.status is not None:
            return self._send(answer.status or 404, {"Content-Length": "0", **answer.headers}, b"", answer)
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        headers: dict[str, str | None] = {"ETag": etag}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        status = 200
        if asked and not answer.ignore_range and self.headers.get("If-Range", etag) == etag:
            first = int(asked[1])
            if first >= len(content):
                headers = {
                    "Content-Range": f"bytes */{len(content)}",
                    "Content-Length": "0",
                    **answer.headers,
                }
                return self._send(416, headers, b"", answer)
            status = 206
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            content = content[first:]
        headers |= {"Content-Length": str(len(content)), **answer.headers}
        self._send(status, headers, content, answer)

    def _send(self, status: int, headers: Mapping[str, str | None], body: bytes, answer: Answer) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: answer.cut if answer.cut is not None else answer.stall])
        self.wfile.flush()
        if answer.stall is not None:
            self.server.state.ended.wait(30)  # type: ignore[attr-defined]
        has_wrong_length = headers.get("Content-Length") != str(len(body))
        self.close_connection = answer.cut is not None or answer.stall is not None or has_wrong_length

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""
