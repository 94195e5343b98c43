"""The router's endpoint: GET /metrics, /livez and /readyz, POST /acknowledgements, /openapi.json.

On a thread of its own and with the limits of `stream.worker.bounded_http`. Acknowledgements need
the bearer token of the settings, also on loopback.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.router_openapi import router_openapi_document
from stream.router.acknowledgements import MOST_BODY, Acknowledgements, utc_now
from stream.worker.bounded_http import SECONDS, BoundedHandler, BoundedServer

if TYPE_CHECKING:
    from stream.router.directory import Directory
    from stream.router.health import Health
    from stream.router.metrics import RouterMetrics
    from stream.router.scribe import Scribe
    from stream.settings import Settings

WRITE_S: Final = 10.0
"""How long a person waits for the brokers' word."""
LEARN_S: Final = 2.0
"""How long an alert may be delivered before the directory has read it."""
JSON: Final = "application/json"
TAKING: Final = "/acknowledgements"
READING: Final = frozenset({"/metrics", "/livez", "/readyz", "/openapi.json"})


def serve(
    settings: Settings,
    metrics: RouterMetrics,
    health: Health,
    directory: Directory,
    scribe: Scribe,
    loop: asyncio.AbstractEventLoop,
) -> BoundedServer:
    """Start answering; the server's `server_port` tells the port. Raises OSError."""
    acknowledgements = Acknowledgements(directory.alert)
    one_by_one = threading.Lock()
    token = settings.router_token
    description = json.dumps(router_openapi_document()).encode()

    def rule(raw: bytes) -> tuple[HTTPStatus, bytes]:
        end = time.monotonic() + LEARN_S
        while True:
            with one_by_one:
                ruling = acknowledgements.rule(raw, utc_now())
            if ruling.verdict != "unknown" or time.monotonic() >= end:
                break
            time.sleep(0.05)
        if ruling.event is not None and ruling.patient_id is not None:
            writing = asyncio.run_coroutine_threadsafe(
                scribe.write("care", ruling.patient_id.encode(), ruling.event), loop
            )
            try:
                writing.result(WRITE_S)
            except TimeoutError:
                writing.cancel()
                ruling = ruling.unwritten()
        metrics.acknowledgements.labels(ruling.verdict).inc()
        return ruling.status, ruling.body()

    class Handler(BoundedHandler):
        """One request."""

        def respond(self) -> None:
            """Answer a GET."""
            url = urlsplit(self.path)
            if url.path == "/metrics":
                with self.server.one_by_one:
                    metrics.writes.set(health.writes)
                    body = generate_latest(metrics.registry)
                self.answer(HTTPStatus.OK, body, CONTENT_TYPE_LATEST)
            elif url.path in {"/livez", "/readyz"}:
                report = health.ready() if url.path == "/readyz" else health.live()
                verbose = "verbose" in parse_qs(url.query, keep_blank_values=True)
                status = HTTPStatus.OK if report.passed else HTTPStatus.SERVICE_UNAVAILABLE
                self.answer(status, report.text(verbose=verbose).encode())
            elif url.path == "/openapi.json":
                self.answer(HTTPStatus.OK, description, JSON)
            elif url.path == TAKING:
                self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            else:
                self.answer(HTTPStatus.NOT_FOUND, b"what there is: /openapi.json tells\n")

        def do_POST(self) -> None:  # noqa: N802 - the base's name
            """Take an acknowledgement."""
            path = urlsplit(self.path).path
            if path in READING:
                self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
            elif path != TAKING:
                self.send_error(HTTPStatus.NOT_FOUND)
            elif token is None:
                self.answer(HTTPStatus.FORBIDDEN, b"no acknowledgements here: set router_token\n")
            elif not self._knows(token.get_secret_value()):
                metrics.acknowledgements.labels("refused").inc()
                self.answer(HTTPStatus.UNAUTHORIZED, b"Authorization: Bearer, with the token\n")
            else:
                self._take()

        def allowed(self) -> str:
            """Of answers POST, of all else GET and HEAD."""
            taking = urlsplit(getattr(self, "path", "")).path == TAKING
            return "POST" if taking else super().allowed()

        def _knows(self, wanted: str) -> bool:
            given = self.headers.get("Authorization", "").encode("utf-8", "replace")
            return hmac.compare_digest(given, f"Bearer {wanted}".encode())

        def _take(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdigit():
                self.answer(HTTPStatus.LENGTH_REQUIRED, b"Content-Length is needed\n")
            elif len(length) > 9 or int(length) > MOST_BODY:
                self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"8 kilobytes at most\n")
            else:
                body = self._body(int(length))
                if len(body) < int(length):
                    self.answer(HTTPStatus.BAD_REQUEST, b"the body is not complete\n")
                else:
                    status, said = rule(body)
                    self.connection.settimeout(SECONDS)
                    self.answer(status, said, JSON)

        def _body(self, length: int) -> bytes:
            """What came with the head, and the rest in the time that a request has."""
            body, end = self.rfile.read(length), time.monotonic() + SECONDS
            while len(body) < length:
                self.connection.settimeout(max(0.001, end - time.monotonic()))
                part = self.connection.recv(length - len(body))
                if not part:
                    break
                body += part
            return bytes(body)

    server = BoundedServer((settings.router_host, settings.router_port), Handler)
    threading.Thread(target=server.serve_forever, name="endpoint", daemon=True).start()
    return server
