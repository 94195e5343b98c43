"""Receivers made from a table, messages for them, and what became of these."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import trustme

from stream.router.config import parse_routes
from stream.router.message import Answer, Message
from stream.router.receivers import make_receiver
from tests.router.alarms import alert

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.message import Receiver

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


def certificates(tmp_path: Path, name: str) -> tuple[ssl.SSLContext, str]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    path = tmp_path / f"{name}.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, str(path)
