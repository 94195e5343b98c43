"""The worker's endpoint before strangers: what it says of itself holds, and nobody exhausts it."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from schemas.openapi import openapi_document
from stream.metrics import Metrics
from stream.worker import bounded_http
from stream.worker.endpoint import serve
from stream.worker.health import Check, Report
from tests.raw_http import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

API = schemathesis.openapi.from_dict(openapi_document())


class AllIsWell:
    def live(self) -> Report:
        return Report("livez", (Check("loop", passed=True, detail="0 s"),))

    def ready(self) -> Report:
        return Report("readyz", (Check("recovered", passed=True),))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = serve("127.0.0.1", 0, Metrics().registry, AllIsWell())
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "SECONDS", 1.0)


@API.parametrize()
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_endpoint_is_what_its_document_says(case: schemathesis.Case, port: int) -> None:
    case.call_and_validate(base_url=f"http://127.0.0.1:{port}")


def is_served(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
        return answer.status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /metrics HTTP/1.1" + b"\0" * 50 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 30_000,
        b"DELETE /metrics HTTP/1.1\r\n\r\n",
        b"GET /<script>alert(1)</script> HTTP/1.1\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\n\r\n",
        b"GET " + b"\xff" * 40 + b" HTTP/1.1\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n{",
    ],
)
def test_what_is_no_request_gets_a_short_answer_or_none(port: int, raw: bytes) -> None:
    answer = asked(port, raw)
    assert not answer.startswith(b"HTTP/1.0 2")
    assert len(answer) < 1000
    assert b"script" not in answer
    assert is_served(port)


def test_a_head_without_a_body(port: int) -> None:
    answer = asked(port, b"HEAD /metrics HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.0 200")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.usefixtures("hasty")
def test_slow_and_silent_clients_keep_nobody_out_and_are_let_go(port: int) -> None:
    """More of them than the server keeps, each with a byte now and then: a slow loris."""
    before = threading.active_count()
    slow = []
    try:
        for number in range(3 * bounded_http.CONNECTIONS):
            stranger = socket.create_connection(("127.0.0.1", port), timeout=10)
            slow.append(stranger)
            if number % 2:
                stranger.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        assert is_served(port)
        assert threading.active_count() < before + 2 * bounded_http.CONNECTIONS
        end = time.monotonic() + 15
        while threading.active_count() > before:
            assert time.monotonic() < end, "connections outlive their time"
            for stranger in slow:
                try:
                    stranger.sendall(b"a")
                except OSError:
                    continue
            time.sleep(0.1)
        assert is_served(port)
    finally:
        for stranger in slow:
            stranger.close()


def test_one_request_a_connection(port: int) -> None:
    """No pipelining and no keeping alive: what stands after a head is not looked at."""
    answer = asked(port, b"GET /livez HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n")
    assert answer.count(b"HTTP/1.0") == 1
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/livez", headers={"Connection": "keep-alive"})
    assert connection.getresponse().read().endswith(b"livez check passed\n")
    connection.close()
