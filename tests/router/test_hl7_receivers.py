"""HL7 alarm servers: what they get, what they report, what their codes mean."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import hl7
import pytest

from stream.router.message import Answer, Message
from tests.router.alarms import alert
from tests.router.bedside import MllpServer, frame
from tests.router.sending import ESCALATED, ONE, TWO, receiver, sent

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.message import Receiver


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


def test_a_connection_that_the_alarm_server_has_left_is_closed_here_too(tmp_path: Path) -> None:
    parted = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.readuntil(b"\x1c\r")
        control = said.split(b"|")[9].decode()
        writer.write(frame("ACK^R40^ACK", f"MSA|CA|{control}|taken"))
        writer.write_eof()
        await reader.read()
        parted.set()
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        there = alarm_server(tmp_path, server.sockets[0].getsockname()[1])
        async with server:
            for _ in range(2):
                assert (await there.send(ONE, there.render(ONE))).code == "CA"
                await asyncio.sleep(0.05)
            await asyncio.wait_for(parted.wait(), 2)
            await there.close()
            await asyncio.sleep(0.05)

    asyncio.run(go())
