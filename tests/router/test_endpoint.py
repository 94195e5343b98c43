"""The endpoint before strangers and people with a token; the rest is in the process tests."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from stream.router.directory import KnownAlert
from stream.router.endpoint import serve
from stream.router.metrics import RouterMetrics
from stream.settings import load_settings
from stream.worker import bounded_http
from stream.worker.health import Check, Report
from tests.raw_http import asked
from tests.router.test_lane import Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a token of the ward's"
BODY = json.dumps({"alert_id": "a-1", "by": "nurse-12"}).encode()
AUTHORISED = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"


class Known:
    """All that the endpoint asks of the router; `audit` says whether brokers take records."""

    writes = 0

    def __init__(self, *, audit: bool) -> None:
        self._audit = audit

    def alert(self, _alert_id: str) -> KnownAlert:
        return KnownAlert("a-1", "p-1", "grade.changed")

    def live(self) -> Report:
        return Report("livez", (Check("loop", passed=True),))

    def ready(self) -> Report:
        return Report("readyz", (Check("audit", passed=self._audit, detail="no broker"),))


@contextmanager
def endpoint(token: str | None, *, audit: bool = False) -> Iterator[tuple[int, Notebook]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    notebook, known = Notebook(), Known(audit=audit)
    loop.call_soon_threadsafe(notebook.reachable.set)
    settings = load_settings(router_port=0, router_token=token)
    server = serve(settings, RouterMetrics(["r"]), known, known, notebook, loop)  # type: ignore[arg-type]
    try:
        yield server.server_port, notebook
    finally:
        server.shutdown()
        server.server_close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def post(port: int, head: bytes = AUTHORISED, body: bytes = BODY, length: int = 0) -> bytes:
    size = b"Content-Length: %d\r\n" % (length or len(body))
    return asked(port, b"POST /acknowledgements HTTP/1.1\r\n" + head + size + b"\r\n" + body)


def test_a_persons_answer_is_written_before_it_is_confirmed() -> None:
    with endpoint(TOKEN) as (port, notebook):
        answer = post(port)
        again = post(port)
    assert answer.startswith(b"HTTP/1.0 202")
    assert json.loads(answer.split(b"\r\n\r\n")[1])["answer"] == "accepted"
    assert again.startswith(b"HTTP/1.0 200")
    assert [topic for topic, _ in notebook.written] == ["care", "care"]
    assert notebook.written[0] == notebook.written[1]


def test_without_a_token_in_the_settings_nothing_is_taken() -> None:
    with endpoint(None) as (port, notebook):
        assert post(port).startswith(b"HTTP/1.0 403")
        assert asked(port, b"GET /livez HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 200")
        assert asked(port, b"GET /readyz HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 503")
    assert notebook.written == []


def test_what_is_no_acknowledgement_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.router.endpoint.SECONDS", 0.3)
    monkeypatch.setattr(bounded_http, "SECONDS", 0.3)
    with endpoint(TOKEN) as (port, notebook):
        assert post(port, head=b"").startswith(b"HTTP/1.0 401")
        assert post(port, head=b"Authorization: Bearer guess\r\n").startswith(b"HTTP/1.0 401")
        assert post(port, length=9000).startswith(b"HTTP/1.0 413")
        assert post(port, body=b"{").startswith(b"HTTP/1.0 422")
        without = b"POST /acknowledgements HTTP/1.1\r\n" + AUTHORISED + b"\r\n"
        assert asked(port, without).startswith(b"HTTP/1.0 411")
        assert asked(port, b"POST /acknowledge HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 404")
        for method, path, other in (
            (b"POST", b"/metrics", b"GET, HEAD"), (b"GET", b"/acknowledgements", b"POST"),
        ):  # fmt: skip
            wrong = asked(port, method + b" " + path + b" HTTP/1.1\r\n\r\n")
            assert wrong.startswith(b"HTTP/1.0 405")
            assert b"\r\nAllow: " + other + b"\r\n" in wrong
        assert post(port, length=4000) == b"", "an unfinished body is let go"
        assert asked(port, b"GET /livez HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.0 200")
    assert notebook.written == []
