"""An HTTP server for a few small answers that strangers cannot exhaust.

The standard library's server suffices for GETs of some kilobytes (a framework would bring no limit
that matters here: none of the usual ones bounds how long a request's head may take), with three
limits that it lacks: a connection has a few seconds for its head and as many for its answer,
whatever it sends or reads meanwhile; a head has a few kilobytes; and of too many connections the
oldest is closed, so that a probe is answered while others hold theirs open. Answers are made one
after the other: however many ask, the worker's own thread has its half of the interpreter.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS = 3.0
"""For a request's head to arrive, and again for its answer to be taken."""
HEAD_BYTES = 8 * 1024
CONNECTIONS = 32


class BoundedServer(ThreadingHTTPServer):
    """Threads are daemons; see the module."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.one_by_one = threading.Lock()
        self._open: dict[Any, None] = {}
        self._lock = threading.Lock()
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread; close the oldest connection where there are too many."""
        with self._lock:
            oldest = next(iter(self._open)) if len(self._open) >= CONNECTIONS else None
            self._open.pop(oldest, None)
            self._open[request] = None
        if oldest is not None:
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)  # its thread wakes up and ends
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """The connection is done with."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or was too slow, is nobody's concern."""


class BoundedHandler(BaseHTTPRequestHandler):
    """One request of one connection; subclasses answer GET and HEAD in `respond`."""

    server_version = "stormwatch"
    sys_version = ""
    server: BoundedServer

    def setup(self) -> None:
        """Read the head before anything looks at it."""
        super().setup()
        self.rfile: Any = io.BytesIO(read_head(self.connection))
        self.connection.settimeout(SECONDS)

    def do_GET(self) -> None:
        """A GET, or a HEAD, whose body `answer` leaves out."""
        self.respond()

    do_HEAD = do_GET  # noqa: N815 - the base's name

    def respond(self) -> None:
        """To be overridden: call `answer` once."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def allowed(self) -> str:
        """The methods of this path, for whoever used another one."""
        return "GET, HEAD"

    def answer(
        self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8"
    ) -> None:
        """Send an answer; one without a body to HEAD."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", self.allowed())
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - the base's signature
        """A plain sentence, in which nothing of the request is repeated."""
        status = HTTPStatus(code)
        if status == HTTPStatus.NOT_IMPLEMENTED:  # a method that there is no `do_` for
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self.close_connection = True
        with contextlib.suppress(AttributeError):  # a request too broken to have a version
            self.answer(status, f"{status.phrase.lower()}\n".encode())

    def log_message(self, *_: Any) -> None:
        """Requests are not logged."""


def read_head(connection: socket.socket) -> bytes:
    """The head of a request, with what else came with it; cut short beyond `HEAD_BYTES`.

    Raises TimeoutError once it has taken `SECONDS` in all.
    """
    head, end = b"", time.monotonic() + SECONDS
    while b"\r\n\r\n" not in head and b"\n\n" not in head and len(head) < HEAD_BYTES:
        connection.settimeout(max(0.001, end - time.monotonic()))
        part = connection.recv(HEAD_BYTES - len(head))
        if not part:
            break
        head += part
    return head
