"""An alarm server over MLLP: the message, its ACK, and the statuses that are reported later.

IHE ACM: an ORU^R40 (PCD-04) is answered with an ACK, and what becomes of it is reported with
ORA^R41 messages (PCD-05), on the same connection, while it stays open. They are read, acknowledged,
and written to the audit topic. None of them is taken for a person's acknowledgement.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import structlog

from stream.router import hl7_messages as hl7
from stream.router.message import Answer, Message, delivered, failed, refused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from stream.router.addresses import MllpConfig

    Report = Callable[[str, dict[str, Any]], Awaitable[None]]

log = structlog.get_logger(__name__)

BEGIN, END = b"\x0b", b"\x1c\r"
MOST_BYTES = 65_536
MOST_OPEN = 8


class AlarmServer:
    """Connections are kept open and used again; those beyond `MOST_OPEN` are closed after use."""

    def __init__(self, config: MllpConfig) -> None:
        self._config = config
        self.address = f"mllp{'s' if config.tls else ''}://{config.host}:{config.port}"
        self._tls: ssl.SSLContext | None = config.context() if config.tls else None
        self._idle: list[_Connection] = []
        self.on_report: Report | None = None

    def render(self, message: Message) -> bytes:
        """The ORU^R40."""
        return hl7.alert_message(message, self._config)

    async def send(self, message: Message, body: bytes) -> Answer:
        """Send it and wait for its ACK."""
        connection = None
        try:
            connection = self._reusable() or await self._connect()
            code, text = await connection.ask(hl7.control_id(message), body)
        except (OSError, EOFError, ValueError) as error:
            if connection is not None:
                connection.close()
            return failed("connection", f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            if connection is not None:  # what it may still answer belongs to an attempt given up
                connection.close()
            raise
        if len(self._idle) < MOST_OPEN:
            self._idle.append(connection)
        else:
            connection.close()
        if code in {"AA", "CA"}:
            return delivered(code, text)
        # CR: the kind of message is not taken at all. Errors may be the receiver's own, and pass.
        return refused(code, text) if code == "CR" else failed(code, text)

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._idle:
            connection.close()

    def _reusable(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()  # the other side has gone, ours stays open until it is told
        return None

    async def _connect(self) -> _Connection:
        reader, writer = await asyncio.open_connection(
            self._config.host, self._config.port, ssl=self._tls, limit=MOST_BYTES
        )
        return _Connection(reader, writer, self._reported)

    async def _reported(self, about: str, status: dict[str, Any]) -> None:
        if self.on_report is not None:
            with contextlib.suppress(ValueError):  # an id that is none of ours stays as it is
                about = str(uuid.UUID(hex=about))
            await self.on_report(about, status)


class _Connection:
    """One connection with a task that reads what comes, asked for or not."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, report: Report
    ) -> None:
        self._reader, self._writer, self._report = reader, writer, report
        self._asked: dict[str, asyncio.Future[tuple[str, str]]] = {}
        self._end: Exception = EOFError("the connection was closed")
        self._task = asyncio.create_task(self._read())

    @property
    def usable(self) -> bool:
        """Whether the other side is still there, as far as that is known."""
        return not (self._task.done() or self._writer.is_closing())

    async def ask(self, control: str, body: bytes) -> tuple[str, str]:
        """The acknowledgement code and text. Raises OSError, EOFError, ValueError."""
        answer: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        self._asked[control] = answer
        try:
            self._writer.write(BEGIN + body + END)
            await self._writer.drain()
            either: set[asyncio.Future[Any]] = {answer, self._task}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise self._end
            return answer.result()
        finally:
            self._asked.pop(control, None)

    def close(self) -> None:
        """Let go of it."""
        self._task.cancel()
        self._writer.close()

    async def _read(self) -> None:
        while True:
            try:
                frame = await self._reader.readuntil(END)
            except asyncio.LimitOverrunError:
                self._end = ValueError(f"an answer of more than {MOST_BYTES} bytes")
                return
            except asyncio.IncompleteReadError:
                return
            except OSError as error:
                self._end = error
                return
            said = hl7.parse_answer(frame.removesuffix(END).lstrip(b"\r\n").removeprefix(BEGIN))
            if said is None:
                log.warning("an answer over MLLP is not HL7", bytes=len(frame))
                continue
            if said.kind == "ORA":
                with contextlib.suppress(OSError):
                    self._writer.write(BEGIN + hl7.acknowledge(said) + END)
                await self._report(said.about, said.status())
            waiting = self._asked.get(said.about)
            if waiting is not None and not waiting.done() and said.code:
                waiting.set_result((said.code, said.text))
