"""An alarm server over MLLP and a mail server, real ones on loopback."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hl7
from aiosmtpd.smtp import SMTP

from tests.router.servers import running, turns

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterator


@dataclass
class MllpServer:
    """Answers each ORU^R40 with the code of `behave`; reports what became of it where told to."""

    behave: Callable[[int], str] = lambda _number: "CA"
    reports: bool = False
    hangs: bool = False
    port: int = 0
    taken: list[hl7.Message] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    all_acknowledged: threading.Event = field(default_factory=threading.Event)
    connections: int = 0

    @contextmanager
    def up(self) -> Iterator[MllpServer]:
        with running(self._start):
            yield self

    async def _start(self) -> Callable[[], Coroutine[Any, Any, None]]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]

        async def stop() -> None:
            server.close()

        return stop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                frame = await reader.readuntil(b"\x1c\r")
                self._said(frame[1:-2], writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def _said(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        message = hl7.parse(body.decode())
        control = str(message.segment("MSH")[10])
        if str(message.segment("MSH")[9]).startswith("ACK"):
            self.acknowledged.append(str(message.segment("MSA")[2]))
            if len(self.acknowledged) == 3:
                self.all_acknowledged.set()
            return
        self.raw.append(body)
        self.taken.append(message)
        if self.hangs:
            return
        code = self.behave(len(self.taken))
        writer.write(frame("ACK^R40^ACK", f"MSA|{code}|{control}|said {code}"))
        if self.reports:
            told = f"MSA|AA|{control}\rOBX|1|ST|0^STATUS^L||Delivered||||||F"
            writer.write(frame("ORA^R41^ORA_R41", told))


def frame(kind: str, rest: str) -> bytes:
    head = rf"MSH|^~\&|ALARMS||STORMWATCH||20260302100001||{kind}|s-1|P|2.6"
    return b"\x0b" + f"{head}\r{rest}\r".encode() + b"\x1c\r"


class Mailbox:
    """What an aiosmtpd server was given; `reply` is what it says to the data."""

    def __init__(self, reply: str = "250 taken") -> None:
        self.reply = reply
        self.taken: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(envelope)
        return self.reply


@contextmanager
def mail_server(box: Mailbox, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    ports = []
    sessions: list[SMTP] = []

    def session() -> SMTP:
        loop = asyncio.get_running_loop()
        sessions.append(SMTP(box, tls_context=tls, require_starttls=tls is not None, loop=loop))
        return sessions[-1]

    async def start() -> Callable[[], Coroutine[Any, Any, None]]:
        server = await asyncio.get_running_loop().create_server(session, "127.0.0.1")
        ports.append(server.sockets[0].getsockname()[1])

        async def stop() -> None:
            server.close()
            await turns()
            for one in sessions:
                if one.transport is not None:
                    one.transport.close()

        return stop

    with running(start):
        yield ports[0]
