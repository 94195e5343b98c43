"""GET /metrics, /livez and /readyz, on a thread of its own.

It answers while the event loop is busy and before the first partition is assigned; whoever asks
learns counts and truth values, nothing of a patient. /health/live and /health/ready are the older
names of the two probes.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from stream.worker.health import Report


class Probes(Protocol):
    """Who answers the probes; asked from the endpoint's thread."""

    def live(self) -> Report:
        """Whether the process should go on."""

    def ready(self) -> Report:
        """Whether it does its work now."""


def serve(host: str, port: int, registry: CollectorRegistry, probes: Probes) -> ThreadingHTTPServer:
    """Start answering; the server's `server_port` tells the port. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        server_version = "stormwatch"
        sys_version = ""

        def do_GET(self) -> None:
            """Answer a GET."""
            url = urlsplit(self.path)
            path = url.path
            if path == "/metrics":
                self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif path in {"/livez", "/health", "/health/live", "/readyz", "/health/ready"}:
                report = probes.ready() if "ready" in path else probes.live()
                verbose = "verbose" in parse_qs(url.query, keep_blank_values=True)
                status = HTTPStatus.OK if report.passed else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, report.text(verbose=verbose).encode())
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"try /metrics, /livez, /readyz\n")

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
