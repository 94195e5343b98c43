"""Webhooks and files before a real server or disk, working and failing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from stream.router.addresses import SecretMissing
from stream.router.message import Outcome
from tests.router.bedside import MllpServer
from tests.router.sending import ONE, TWO, certificates, free_port, receiver, sent
from tests.router.servers import HttpServer

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.message import Receiver

SECRET = "sixteen characters"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLEEP", SECRET)


def webhook(tmp_path: Path, url: str, **table: Any) -> Receiver:
    return receiver(tmp_path, kind="webhook", url=url, secret="env:BLEEP", **table)


def test_a_webhook_gets_the_alerts_byte_for_byte_with_a_signature_that_holds(
    tmp_path: Path,
) -> None:
    with HttpServer().up() as server:
        url = f"http://127.0.0.1:{server.port}/hook"
        answers = sent(webhook(tmp_path, url, token="env:BLEEP"), TWO, TWO)
    assert [answer.outcome for answer in answers] == [Outcome.DELIVERED] * 2
    path, body, headers = server.seen[0]
    assert path == "/hook"
    assert server.seen[1][1] == body
    assert all(one.raw in body for one in TWO.alerts)
    assert json.loads(body)["message_id"] == headers["Idempotency-Key"]
    assert headers["Authorization"] == f"Bearer {SECRET}"
    stamp = headers["X-Stormwatch-Timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Stormwatch-Signature"] == f"sha256={wanted}"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(202, "delivered"), (500, "failed"), (503, "failed"), (429, "failed"), (401, "failed"),
     (404, "failed"), (302, "failed"), (400, "refused"), (422, "refused")],
)  # fmt: skip
def test_what_a_status_means(tmp_path: Path, status: int, outcome: str) -> None:
    with HttpServer(lambda _n, _body: status).up() as server:
        (answer,) = sent(webhook(tmp_path, f"http://127.0.0.1:{server.port}/"), ONE)
    assert (answer.outcome, answer.code) == (outcome, str(status))


def test_nobody_at_the_port_and_a_connection_cut_are_failures(tmp_path: Path) -> None:
    (answer,) = sent(webhook(tmp_path, f"http://127.0.0.1:{free_port()}/"), ONE)
    assert (answer.outcome, answer.code) == ("failed", "unreachable")
    # speaks no HTTP, and hangs
    with MllpServer(hangs=True).up() as server, pytest.raises(TimeoutError):
        sent(webhook(tmp_path, f"http://127.0.0.1:{server.port}/"), ONE, within_s=0.3)


def test_a_certificate_has_to_be_signed_and_named_rightly(tmp_path: Path) -> None:
    context, trusted = certificates(tmp_path, "127.0.0.1")
    _, other = certificates(tmp_path, "stranger.example")
    with HttpServer(tls=context).up() as server:
        url = f"https://127.0.0.1:{server.port}/"
        (right,) = sent(webhook(tmp_path, url, ca_file=trusted), ONE)
        (wrong,) = sent(webhook(tmp_path, url, ca_file=other), ONE)
    assert right.outcome == "delivered"
    assert (wrong.outcome, wrong.code) == ("failed", "certificate")
    named, authority = certificates(tmp_path, "elsewhere.example")
    with HttpServer(tls=named).up() as server:
        (wrong,) = sent(
            webhook(tmp_path, f"https://127.0.0.1:{server.port}/", ca_file=authority), ONE
        )
    assert wrong.code == "certificate"


def test_a_receiver_that_is_started_again_in_the_middle(tmp_path: Path) -> None:
    server = HttpServer()
    there = None

    async def go() -> list[str]:
        codes = []
        for _ in range(2):
            with server.up():
                nonlocal there
                there = there or webhook(tmp_path, f"http://127.0.0.1:{server.port}/")
                codes.append((await there.send(ONE, there.render(ONE))).code)
            codes.append((await there.send(ONE, there.render(ONE))).code)
        await there.close()
        return codes

    codes = asyncio.run(go())
    assert codes[0::2] == ["200", "200"]
    assert set(codes[1::2]) <= {"unreachable", "connection"}


def test_a_secret_that_is_not_there_is_named_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BLEEP")
    with pytest.raises(SecretMissing, match="variable BLEEP is not set"):
        webhook(tmp_path, "http://127.0.0.1:1/")


def test_a_file_gets_whole_lines_even_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_bytes(b'{"cut": ')
    answers = sent(receiver(tmp_path, kind="file", path="out.jsonl"), ONE, TWO)
    assert [answer.outcome for answer in answers] == ["delivered", "delivered"]
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert lines[0] == '{"cut": '
    assert [len(json.loads(line)["alerts"]) for line in lines[1:]] == [1, 2]
    (tmp_path / "folder").mkdir()
    (answer,) = sent(receiver(tmp_path, kind="file", path="folder"), ONE)
    assert answer.outcome == "failed"
