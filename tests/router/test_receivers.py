"""Each kind of receiver before a real server of its kind, working and failing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import hl7
import pytest
import trustme
from aiohttp import web
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.communication import Communication
from fhir.resources.R4B.flag import Flag

from stream.router.addresses import SecretMissing
from stream.router.config import parse_routes
from stream.router.message import Answer, Message, Outcome
from stream.router.receivers import make_receiver
from tests.router.alarms import alert
from tests.router.bedside import Mailbox, MllpServer, mail_server
from tests.router.servers import HttpServer

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.message import Receiver

SECRET = "sixteen characters"
ONE = Message("bleep", (alert(1, "p-1", "high"),), "ward-7/bed-1")
TWO = Message("bleep", (alert(1, "p-1", "high"), alert(2, "p-1", "low")), None)
CLOSED = Message(
    "bleep",
    (
        alert(
            5, priority="information", type="escalation.closed", alert=alert(1).alert_id, step=0,
            notify=[], respond_by=None, why="returned",
            trail=[{"what": "opened", "time": "2026-03-02T09:59:00Z", "step": 0, "by": None}],
        ),
    ),
    None,
)  # fmt: skip
ESCALATED = Message(
    "bleep",
    (alert(3, type="escalation.opened", alert="a-1", notify=["physician"], respond_by=None),),
    None,
)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLEEP", SECRET)


def receiver(tmp_path: Path, **table: Any) -> Receiver:
    document = {"route": [{"name": "bleep", "receiver": "r"}], "receiver": {"r": table}}
    return make_receiver(parse_routes(document).receiver["r"], tmp_path)


def sent(there: Receiver, *messages: Message, within_s: float = 5) -> list[Answer]:
    async def go() -> list[Answer]:
        answers = []
        try:
            for message in messages:
                async with asyncio.timeout(within_s):
                    answers.append(await there.send(message, there.render(message)))
        finally:
            await there.close()
        return answers

    return asyncio.run(go())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


def certificates(tmp_path: Path, name: str) -> tuple[ssl.SSLContext, str]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    path = tmp_path / f"{name}.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, str(path)


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


def alarm_server(tmp_path: Path, port: int) -> Receiver:
    return receiver(
        tmp_path, kind="hl7", host="127.0.0.1", port=port, assigning_authority="HOSPITAL"
    )


def test_an_alarm_server_gets_an_oru_r40_and_its_reports_are_read_back(tmp_path: Path) -> None:
    reported: list[tuple[str, dict[str, Any]]] = []
    with MllpServer(reports=True).up() as server:
        there = alarm_server(tmp_path, server.port)

        async def keep(about: str, status: dict[str, Any]) -> None:
            reported.append((about, status))

        async def go() -> list[Answer]:
            there.on_report = keep  # type: ignore[attr-defined]
            answers = [await there.send(m, there.render(m)) for m in (ONE, TWO, ESCALATED)]
            await asyncio.to_thread(server.all_acknowledged.wait, 5)
            await there.close()
            return answers

        answers = asyncio.run(go())
    assert [(answer.outcome, answer.code) for answer in answers] == [("delivered", "CA")] * 3
    assert server.connections == 1
    assert [about for about, _ in reported] == [m.message_id for m in (ONE, TWO, ESCALATED)]
    assert reported[0][1]["kind"] == "ORA^R41"
    assert any("Delivered" in line for line in reported[0][1]["segments"])
    assert server.acknowledged == ["s-1"] * 3  # each report is acknowledged in turn
    first, two, escalated = server.taken
    assert str(first.segment("MSH")[9]) == "ORU^R40^ORU_R40"
    assert str(first.segment("MSH")[12]) == "2.6"
    assert "IHE_PCD_ACM_001" in str(first.segment("MSH")[21])
    assert str(first.segment("PID")[3]) == "p-1^^^HOSPITAL^PI"
    assert str(first.segment("PV1")[3]) == "ward-7^^bed-1"
    facets = {str(obx[3]).split("^")[1]: str(obx[5]) for obx in first.segments("OBX")}
    assert facets["MDC_EVT_ALARM"] == "grade 2 -> 3"
    assert facets["MDC_ATTR_EVENT_PHASE"] == "escalate"
    assert facets["MDC_ATTR_ALARM_STATE"] == "active"
    assert str(first.segment("OBX")[8]) == "PH~SP"
    assert len(two.segments("OBR")) == 2
    assert str(escalated.segment("OBR")[29]) == "^a-1&STORMWATCH"
    assert str(escalated.segments("NTE")[-1][3]) == "to be told: physician"


def test_what_hl7_uses_as_marks_is_escaped_and_comes_back(tmp_path: Path) -> None:
    words = "a|b^c&d~e\\f\rg\x0bh"
    message = Message("bleep", (alert(1, type="reminder", timer="K1", text=words),), "w|1/b^2")
    with MllpServer().up() as server:
        (answer,) = sent(alarm_server(tmp_path, server.port), message)
    assert answer.outcome == "delivered"
    (taken,) = server.taken
    value = str(taken.segment("OBX")[5])
    assert taken.unescape(value) == "reminder K1: a|b^c&d~e\\f\rg h"
    assert len(taken.segments("OBX")) == 7


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("AA", "delivered"), ("CA", "delivered"), ("AE", "failed"), ("AR", "failed"),
     ("CE", "failed"), ("CR", "refused")],
)  # fmt: skip
def test_what_an_acknowledgement_code_means(tmp_path: Path, code: str, outcome: str) -> None:
    with MllpServer(lambda _n: code).up() as server:
        (answer,) = sent(alarm_server(tmp_path, server.port), ONE)
    assert (answer.outcome, answer.code, answer.text) == (outcome, code, f"said {code}")


def test_an_alarm_server_that_hangs_or_is_started_again(tmp_path: Path) -> None:
    with MllpServer(hangs=True).up() as silent, pytest.raises(TimeoutError):
        sent(alarm_server(tmp_path, silent.port), ONE, within_s=0.3)
    server = MllpServer()

    async def go() -> list[str]:
        with server.up():
            there = alarm_server(tmp_path, server.port)
            codes = [(await there.send(ONE, there.render(ONE))).code]
        codes.append((await there.send(ONE, there.render(ONE))).code)
        with server.up():
            codes.append((await there.send(ONE, there.render(ONE))).code)
            await there.close()
        return codes

    assert asyncio.run(go()) == ["CA", "connection", "CA"]
    assert server.raw[0] == server.raw[-1]
    assert isinstance(server.taken[0], hl7.Message)


def mail(tmp_path: Path, port: int, **table: Any) -> Receiver:
    named = {"sender": "stormwatch@example.org", "to": ["a@example.org", "b@example.org"]}
    return receiver(tmp_path, kind="smtp", host="127.0.0.1", port=port, **{**named, **table})


def test_mail_goes_over_starttls_and_reads_well(tmp_path: Path) -> None:
    context, trusted = certificates(tmp_path, "127.0.0.1")
    box = Mailbox()
    with mail_server(box, context) as port:
        answers = sent(mail(tmp_path, port, ca_file=trusted), ONE, ONE)
        (wrong,) = sent(mail(tmp_path, port), ONE)
    assert [answer.outcome for answer in answers] == ["delivered"] * 2, answers
    assert wrong.outcome == "failed"
    first, again = box.taken
    assert first.content == again.content
    assert first.rcpt_tos == ["a@example.org", "b@example.org"]
    text = first.content.decode()
    assert "Subject: [high] p-1, ward-7/bed-1: grade 2 -> 3" in text
    assert f"Message-ID: <{ONE.message_id}@stormwatch>" in text
    assert f"alert {ONE.alerts[0].alert_id}" in text


@pytest.mark.parametrize(
    ("reply", "outcome"), [("451 later", "failed"), ("552 too large", "refused")]
)
def test_what_a_mail_server_says(tmp_path: Path, reply: str, outcome: str) -> None:
    with mail_server(Mailbox(reply)) as port:
        (answer,) = sent(mail(tmp_path, port, tls="none"), ONE)
    assert (answer.outcome, answer.code) == (outcome, reply[:3])
    (nobody,) = sent(mail(tmp_path, free_port(), tls="none"), ONE)
    assert (nobody.outcome, nobody.code) == ("failed", "connection")


@pytest.mark.parametrize(("resource", "model"), [("Communication", Communication), ("Flag", Flag)])
def test_a_fhir_server_gets_valid_resources_once(tmp_path: Path, resource: str, model: Any) -> None:
    with HttpServer(lambda _n, body: checked(body, model)).up() as server:
        there = receiver(
            tmp_path, kind="fhir", url=f"http://127.0.0.1:{server.port}/r4", resource=resource,
            identifier_system="urn:oid:1.2.3",
        )  # fmt: skip
        answers = sent(there, ONE, TWO, ESCALATED)
    assert [answer.outcome for answer in answers] == ["delivered"] * 3, answers
    paths = [path for path, _, _ in server.seen]
    assert paths == [f"/r4/{resource}", "/r4", f"/r4/{resource}"]
    wanted = f"identifier=urn:ietf:rfc:3986|urn:uuid:{ONE.alerts[0].alert_id}"
    assert server.seen[0][2]["If-None-Exist"] == wanted
    first = json.loads(server.seen[0][1])
    assert first["subject"]["identifier"] == {"system": "urn:oid:1.2.3", "value": "p-1"}
    assert first["status"] == ("in-progress" if resource == "Communication" else "active")


def test_a_flag_is_the_alarms_and_its_closing_sets_it_inactive(tmp_path: Path) -> None:
    step = alert(4, type="escalation.advanced", alert=alert(1).alert_id, step=1, notify=["x"])
    with HttpServer(lambda _n, body: checked(body, Flag)).up() as server:
        url = f"http://127.0.0.1:{server.port}/r4"
        there = receiver(tmp_path, kind="fhir", url=url, resource="Flag")
        group = Message("bleep", (*ONE.alerts, *CLOSED.alerts), None)
        answers = sent(there, ONE, Message("bleep", (step,), None), CLOSED, group)
    assert [answer.outcome for answer in answers] == ["delivered"] * 4, answers
    opened, advanced, closed, both = (json.loads(body) for _, body, _ in server.seen)
    assert opened["identifier"] == advanced["identifier"] == closed["identifier"]
    assert [one["status"] for one in (opened, advanced, closed)] == ["active", "active", "inactive"]
    assert "end" not in opened["period"]
    assert closed["period"]["start"] == "2026-03-02T09:59:00Z"
    assert [asked.split()[0] for asked in server.asked] == ["POST", "POST", "PUT", "POST"]
    assert ONE.alerts[0].alert_id in server.asked[2]
    assert [entry["request"]["method"] for entry in both["entry"]] == ["POST", "PUT"]


def checked(body: bytes, model: Any) -> int:
    """201 where fhir.resources takes it, else 422, as a server that validates."""
    try:
        document = json.loads(body)
        if document["resourceType"] == "Bundle":
            for entry in Bundle.model_validate(document).entry:
                model.model_validate(entry.resource.model_dump(mode="json"))
        else:
            model.model_validate(document)
    except ValueError:
        return 422
    return 201


def test_alertmanager_is_told_that_an_alarm_is_closed(tmp_path: Path) -> None:
    """By the labels that it holds itself: a closing knows neither severity nor place."""
    firing: list[dict[str, Any]] = []

    def behave(_number: int, body: bytes) -> Any:
        if not body:
            return web.json_response(firing)
        firing[:] = [{"startsAt": "x", "annotations": {}, **one} for one in json.loads(body)]
        return 200

    with HttpServer(behave).up() as server:
        there = receiver(tmp_path, kind="alertmanager", url=f"http://127.0.0.1:{server.port}")
        answers = sent(there, ONE, CLOSED, ONE)
    assert [answer.code for answer in answers] == ["200", "200", "closed"]
    opened, _, resolved, closed = (body for _, body, _ in server.seen)
    assert [asked.split()[0] for asked in server.asked] == ["POST", "GET", "POST", "POST"]
    wanted = f"alert_id={json.dumps(ONE.alerts[0].alert_id)}"
    assert parse_qs(urlsplit(server.asked[1].split()[1]).query)["filter"] == [wanted]
    (first,), (last,), (end,) = (json.loads(body) for body in (opened, resolved, closed))
    assert last["labels"] == first["labels"]
    assert first["endsAt"] > last["endsAt"] == end["endsAt"] == end["startsAt"]


def test_alertmanager_takes_the_alerts_and_a_repetition_is_the_same(tmp_path: Path) -> None:
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if binary is None:
        pytest.skip("no prometheus-alertmanager here; apt-get install prometheus-alertmanager")
    port = free_port()
    (tmp_path / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    process = subprocess.Popen(
        [binary, f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}/am",
         f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    now = time.time() - alert().place.timestamp / 1000
    fresh = Message("bleep", (alert(1, after_s=now),), "7")
    over = CLOSED.alerts[0]
    over = replace(over, place=replace(over.place, timestamp=fresh.alerts[0].place.timestamp + 1))
    try:
        base = f"http://127.0.0.1:{port}"
        there = receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"})
        end = time.monotonic() + 20
        while (answer := sent(there, fresh)[0]).code == "unreachable":
            assert time.monotonic() < end
            assert process.poll() is None, "Alertmanager did not start"
            time.sleep(0.1)
            there = receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"})
        assert answer.outcome == "delivered"
        sent(receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"}), fresh)
        with urllib.request.urlopen(f"{base}/api/v2/alerts", timeout=5) as said:
            held = json.load(said)
        closed = receiver(tmp_path, kind="alertmanager", url=base, labels={"site": "here"})
        assert sent(closed, Message("bleep", (over,), None))[0].outcome == "delivered"
        with urllib.request.urlopen(f"{base}/api/v2/alerts", timeout=5) as said:
            assert json.load(said) == []
    finally:
        process.terminate()
        process.wait(10)
    (one,) = held
    assert one["labels"]["alertname"] == "stormwatch.grade.changed"
    assert one["labels"]["severity"] == "high"
    assert one["labels"]["site"] == "here"
    assert one["annotations"]["summary"] == "grade 2 -> 3"
