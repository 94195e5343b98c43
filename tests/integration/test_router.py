"""The router as a process: a broker, receivers that fail, and kills between deliveries."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import signal
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from routers import TOKEN, Router, webhook, when
from services import READY_S
from workers import answer, read, send

from tests.router.alarms import raw_alert
from tests.router.servers import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from brokers import Topics
    from conftest import TopicsFactory


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Router]]:
    running: list[Router] = []

    def start(topics: Topics, routes: str, **settings: str) -> Router:
        running.append(Router(topics, tmp_path, routes, **settings))
        return running[-1]

    yield start
    for router in running:
        router.end(signal.SIGKILL)


def post(router: Router, body: dict[str, str], token: str) -> int:
    request = urllib.request.Request(
        f"{router.base}/acknowledgements", json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=20) as said:
            return int(said.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def would_go(topics: Topics, alert_id: str, router: Router) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stream.cli", "route", "test", alert_id, "--bootstrap",
         topics.bootstrap, "--topic-prefix", topics.prefix,
         "--routes", str(router.log.parent / "routes.toml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def alert_ids(bodies: list[bytes]) -> list[str]:
    return [alert["alert_id"] for body in bodies for alert in json.loads(body)["alerts"]]


def records(topics: Topics, topic: str) -> list[dict[str, Any]]:
    class Named:
        bootstrap = topics.bootstrap

        def name(self, topic: str) -> str:
            return topics.prefix + topic

    return [json.loads(record.value) for record in read(Named(), topic)]  # type: ignore[arg-type]


def told(topics: Topics, route: str, kind: str = "delivered") -> set[str]:
    """Ids of alerts that the audit topic says so of."""
    lines = [line for line in records(topics, "audit") if line["route"] == route]
    said = [line for line in lines if line["type"] == f"delivery.{kind}"]
    return {alert_id for line in said for alert_id in line["alert_ids"]}


def test_killed_between_deliveries_nothing_is_lost_and_repeats_carry_the_same_bytes(
    topics: TopicsFactory, begin: Callable[..., Router]
) -> None:
    """A receiver that fails by a seed, `kill -9` again and again, and a dead route beside it.

    What the dead one does not deliver, the route that it names otherwise tells.
    """
    there = topics()
    chance = random.Random(11)
    fickle = HttpServer(lambda _n, _body: chance.choice((200, 200, 200, 500, 503)))
    spare = HttpServer(lambda _n, _body: chance.choice((200, 200, 500)))
    raw = [raw_alert(n, f"p-{n % 7}", chance.choice(("high", "medium", "low"))) for n in range(60)]
    wanted = {json.loads(one)["alert_id"] for one in raw}
    with fickle.up(), spare.up():
        routes = webhook("bleep", fickle.port)
        routes += webhook("dead", 1, 'otherwise = "spare"\notherwise_s = 0.5')
        routes += webhook("spare", spare.port, 'role = ["nobody"]')
        send(there, raw[:30], "alerts")
        for kill in range(4):
            router = begin(there, routes)
            goal = len(wanted) if kill == 3 else 12 * (kill + 1)
            when(lambda g=goal: len(set(alert_ids(fickle.taken))) >= g, READY_S, router.said)
            if kill < 3:
                router.end(signal.SIGKILL)
            if kill == 1:
                send(there, raw[30:], "alerts")
        when(lambda: told(there, "bleep") >= wanted, READY_S, router.said)
        when(lambda: told(there, "spare") >= wanted, READY_S, router.said)
        assert answer(f"{router.ready().base}/livez")[0] == 200
        assert router.end() == 0, router.said()
    assert set(alert_ids(fickle.taken)) == wanted
    asked = would_go(there, min(wanted), router)
    assert asked.returncode == 0, asked.stderr
    assert "-> dead (webhook): it takes every alert; if not delivered within 0.5 s, also spare" in (
        asked.stdout
    )
    assert would_go(there, str(uuid.UUID(int=1)), router).returncode == 1
    assert set(alert_ids(spare.taken)) == wanted
    for taken in (fickle.taken, spare.taken):
        assert len(set(taken)) == len(wanted), "a repetition has the same bytes"
    assert told(there, "dead", "passed_on") == wanted
    assert records(there, "care") == []  # sent is not acknowledged
    assert not [name for name in ("p-1", "p-2") if name in router.log.read_text()]


def test_each_receiver_fails_for_itself_alone(
    topics: TopicsFactory, begin: Callable[..., Router], tmp_path: Path
) -> None:
    """Refused, hanging, 500, 422, a wrong certificate; one that is well beside them."""
    there = topics()
    context = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.issue_cert("127.0.0.1").configure_cert(tls)
    gate = threading.Event()

    async def hang(number: int) -> int:
        if number == 1:
            await asyncio.to_thread(gate.wait, 30)
        return 200

    well, broken, strict = HttpServer(), HttpServer(lambda *_: 500), HttpServer(lambda *_: 422)
    secret, slow = HttpServer(tls=tls), HttpServer(lambda number, _body: hang(number))
    short = "give_up_s = 0.5"
    with well.up(), broken.up(), strict.up(), secret.up(), slow.up():
        routes = webhook("well", well.port) + webhook("strict", strict.port)
        routes += webhook("broken", broken.port).replace("give_up_s = 60", short)
        routes += webhook("away", 1).replace("give_up_s = 60", short)
        routes += webhook("secret", secret.port).replace("http:", "https:")
        routes += webhook("narrow", slow.port, "concurrency = 1\ntimeout_s = 40")
        routes += webhook(
            "mixed", well.port, "group = { window_s = 1 }\ninhibit = { within_s = 60 }"
        )
        routes += webhook("icu", well.port, 'unit = ["icu-*"]')
        send(there, [b'{"patient_id": "p-3", "location": "icu-2/bed-1"}'], "status")
        router = begin(there, routes, router_token=TOKEN).ready()
        low = [raw_alert(n, f"p-{n}", "low") for n in range(6)]
        send(there, [low[0]], "alerts")
        when(lambda: slow.seen, READY_S, router.said)
        send(there, [*low[1:], b"no alert", low[3]], "alerts")  # and one that is repeated
        when(lambda: len(told(there, "well")) == 6, READY_S, router.said)
        urgent = [raw_alert(9, "p-3", "high"), raw_alert(10, "p-3", "low")]
        alert_nine = json.loads(urgent[0])["alert_id"]
        send(there, urgent, "alerts")
        when(lambda: len(told(there, "well")) == 8, READY_S, router.said)
        gate.set()
        when(lambda: len(told(there, "narrow")) == 8, READY_S, router.said)
        when(lambda: told(there, "mixed", "inhibited"), READY_S, router.said)
        for route in ("broken", "away", "strict"):
            when(lambda r=route: len(records(there, f"undelivered.{r}")) >= 9, READY_S, router.said)
        acknowledged = [
            post(router, body, token)
            for body, token in (
                ({"alert_id": alert_nine, "by": "nurse-12"}, TOKEN),
                ({"alert_id": alert_nine, "by": "nurse-12"}, TOKEN),
                ({"alert_id": alert_nine, "by": "nurse-12", "patient_id": "p-4"}, TOKEN),
                ({"alert_id": "nobody-said-it", "by": "nurse-12"}, TOKEN),
                ({"alert_id": alert_nine, "by": "nurse-12"}, "another token"),
                ({"alert_id": alert_nine, "by": "nurse-12", "reason": "x" * 9000}, TOKEN),
            )
        ]
        metrics = answer(f"{router.base}/metrics")[1]
        ready = answer(f"{router.base}/readyz")
        assert router.end() == 0, router.said()
    assert ready[0] == 200, ready
    assert acknowledged == [202, 200, 409, 404, 401, 413]
    care = records(there, "care")
    assert {event["alert_id"] for event in care} == {alert_nine}
    assert len({event["event_id"] for event in care}) == 1
    assert alert_ids(slow.taken).index(alert_nine) < 6, "the urgent one overtook"
    in_the_icu = {json.loads(one)["alert_id"] for one in (low[3], *urgent)}
    assert told(there, "icu") == in_the_icu
    # to `mixed` as well, but for the one kept back, and to `icu`
    assert len(alert_ids(well.taken)) == len(set(alert_ids(well.taken))) + 7 + 3
    codes = {
        (line["route"], line["answer"]["code"])
        for line in records(there, "audit")
        if "answer" in line
    }
    assert {
        ("well", "200"), ("broken", "500"), ("away", "unreachable"), ("strict", "422"),
        ("secret", "certificate"),
    } <= codes  # fmt: skip
    letters = records(there, "undelivered.strict")
    assert {letter["reason"] for letter in letters} == {"refused", "unreadable"}
    originals = [
        base64.b64decode(one["value_base64"]) for letter in letters for one in letter["alerts"]
    ]
    assert sorted(originals) == sorted([*low, *urgent, b"no alert"])
    assert 'stormwatch_router_deliveries_total{outcome="repeated",route="well"} 1.0' in metrics
    assert 'stormwatch_router_breaker{route="secret",state="closed"} 0.0' in metrics
    assert 'stormwatch_router_queue{route="secret"} 8.0' in metrics
