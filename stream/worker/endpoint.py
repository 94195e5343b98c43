"""GET /metrics, /livez and /readyz, on a thread of its own.

It answers while the event loop is busy and before the first partition is assigned; whoever asks
learns counts and truth values, nothing of a patient. /health/live and /health/ready are the older
names of the two probes.
"""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from stream.worker.bounded_http import BoundedHandler, BoundedServer

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from stream.worker.health import Report


class Probes(Protocol):
    """Who answers the probes; asked from the endpoint's thread."""

    def live(self) -> Report:
        """Whether the process should go on."""

    def ready(self) -> Report:
        """Whether it does its work now."""


def serve(host: str, port: int, registry: CollectorRegistry, probes: Probes) -> BoundedServer:
    """Start answering; the server's `server_port` tells the port. Raises OSError."""

    class Handler(BoundedHandler):
        """One request."""

        def respond(self) -> None:
            """Answer a GET."""
            url = urlsplit(self.path)
            path = url.path
            if path == "/metrics":
                with self.server.one_by_one:
                    metrics = generate_latest(registry)
                self.answer(HTTPStatus.OK, metrics, CONTENT_TYPE_LATEST)
            elif path in {"/livez", "/health", "/health/live", "/readyz", "/health/ready"}:
                report = probes.ready() if "ready" in path else probes.live()
                verbose = "verbose" in parse_qs(url.query, keep_blank_values=True)
                status = HTTPStatus.OK if report.passed else HTTPStatus.SERVICE_UNAVAILABLE
                self.answer(status, report.text(verbose=verbose).encode())
            else:
                self.answer(HTTPStatus.NOT_FOUND, b"try /metrics, /livez, /readyz\n")

    server = BoundedServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
