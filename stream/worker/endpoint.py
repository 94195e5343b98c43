"""GET /metrics, /health/live and /health/ready, on a thread of its own.

It answers while the event loop is busy and before the first partition is assigned; whoever asks
learns counts and truth values, nothing of a patient.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry


def serve(
    host: str, port: int, registry: CollectorRegistry, ready: Callable[[], bool]
) -> ThreadingHTTPServer:
    """Start answering; the server's `server_port` tells the port. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        server_version = "stormwatch"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer a GET."""
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif path in {"/health", "/health/live"}:
                self._answer(HTTPStatus.OK, b"live\n")
            elif path == "/health/ready":
                if ready():
                    self._answer(HTTPStatus.OK, b"ready\n")
                else:
                    self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"not ready\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"try /metrics, /health/live, /health/ready\n")

        def log_message(self, *_: Any) -> None:
            """Requests are not logged."""

        def _answer(
            self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8"
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
