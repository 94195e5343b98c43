"""A receiver of bytes: it speaks as much of HTTP, MLLP or SMTP as a test wants, and hangs up."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.router.bedside import frame
from tests.router.servers import running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

Speech = Literal["http", "mllp", "smtp"]
FRAME_END = b"\x1c\r"


@dataclass
class BrokenServer:
    """Answers message n with the bytes of `answer`, and hangs up.

    Not so after a whole frame of MLLP; and mail that was taken is followed by silence, also where
    the other side takes its leave.
    """

    speech: Speech
    answer: Callable[[int, bytes], Awaitable[bytes]]
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    """Every message that came, whatever was answered: a body, a frame, a mail."""
    _door: socket.socket | None = None
    _over: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @contextmanager
    def up(self) -> Iterator[BrokenServer]:
        with running(self._start):
            yield self

    async def away(self, seconds: float) -> None:
        """Refuse connections for so long."""
        if self._door is not None:
            self._shut()
            await asyncio.sleep(seconds)
            if not self._over:
                self._open()

    async def _start(self) -> Callable[[], Coroutine[None, None, None]]:
        self._open()

        async def stop() -> None:
            self._over = True
            self._shut()

        return stop

    def _open(self) -> None:
        self._door = door = socket.create_server(("127.0.0.1", self.port), backlog=100)
        door.setblocking(False)
        self.port = door.getsockname()[1]
        asyncio.get_running_loop().add_reader(door, self._let_in, door)

    def _shut(self) -> None:
        if self._door is not None:
            asyncio.get_running_loop().remove_reader(self._door)
            self._door.close()
        self._door = None

    def _let_in(self, door: socket.socket) -> None:
        """By hand: asyncio's server loses track of whoever comes in while it is closed."""
        with suppress(BlockingIOError, ConnectionAbortedError):  # who has gone again already
            connection, _ = door.accept()
            connection.setblocking(False)
            task = asyncio.get_running_loop().create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # A task that is cancelled before its first step closes nothing itself.
            task.add_done_callback(lambda _: connection.close())

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        speak = {"http": self._http, "mllp": self._mllp, "smtp": self._smtp}[self.speech]
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await speak(reader, writer)
        writer.close()

    async def _answered(self, message: bytes, writer: asyncio.StreamWriter) -> bytes:
        self.taken.append(message)
        said = await self.answer(len(self.taken), message)
        writer.write(said)
        await writer.drain()
        return said

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None
        self.heads.append(head)
        await self._answered(await reader.readexactly(int(length[1])), writer)

    async def _mllp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = FRAME_END
        while said.endswith(FRAME_END):
            said = await self._answered(await reader.readuntil(FRAME_END), writer)

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while not (command := await reader.readline()).startswith(b"DATA"):
            writer.write(b"250 go on\r\n" if command else b"")
        writer.write(b"354 say it\r\n")
        said = await self._answered(await reader.readuntil(b"\r\n.\r\n"), writer)
        if said.endswith(b"\r\n"):
            await reader.read()


def http(status: str, text: str = "taken, and written down") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    return f"{head}{text}".encode()


def mllp(message: bytes, code: str) -> bytes:
    """The ACK of a message, with this code."""
    return frame("ACK^R40^ACK", f"MSA|{code}|{control_of(message)}|said {code}")


def control_of(message: bytes) -> str:
    return message.split(b"|")[9].decode()
