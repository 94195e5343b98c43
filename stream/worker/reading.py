"""Reading ahead: from the stream into the waiting room, within bounds of records and of bytes."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from stream.worker.triage import WaitingRoom

READ_AHEAD = 4096
"""Records that may wait for their round; among these the sickest patients' go first."""
READ_AHEAD_BYTES = 32 * 1024 * 1024
"""Bytes of records that were read and are not settled yet."""
LOOK_S = 0.02
FILL_S = 0.25
"""Longest wait for the room to fill while more is there to be read."""


class Allowance:
    """How many bytes of records may be held: waits where it is used up, by whatever holds them.

    One record is always let in, however large it is. A record counts until its message is
    garbage: so nothing has to be told here when a queue is cleared or a batch is dropped.
    """

    def __init__(self, most: int = READ_AHEAD_BYTES) -> None:
        self.most = most
        self._held: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes held now."""
        return self._used

    async def take(self, message: Any) -> None:
        """Wait until there is room for it, then count it."""
        size = len(message.key or b"") + len(message.value or b"")
        while self._used and self._used + size > self.most:  # noqa: ASYNC110 - freed in any thread
            await asyncio.sleep(LOOK_S)
        name = id(message)

        def freed(_: object) -> None:
            self._used -= self._held.pop(name)[1]

        self._held[name] = weakref.ref(message, freed), size
        self._used += size


class Reader:
    """Moves a stream's records into the room while there is place; reads in a task of its own."""

    def __init__(self, stream: Any, room: WaitingRoom, within: float) -> None:
        self.room = room
        self._stream = stream
        self._within = within
        self._wanted = 1
        self._read = 0
        self._enough = asyncio.Event()
        self._place = asyncio.Event()
        self._round_ended = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name="read ahead")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Read no more; what waits is read again by whoever owns its partition then."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def gather(self) -> bool:
        """Return once a round is due; False where the stream has ended. Raises what it raised.

        At once, if the last round ended more than `within` seconds ago: a lone record does not
        wait. Else once there is enough for a round, or after `within`. In a backlog the room is
        filled first: the more is known, the more of the sickest can go first.
        """
        most = self.room.policy.most
        await self._until(1, None)
        await self._until(most, self._round_ended + self._within)
        end = time.monotonic() + FILL_S
        before = -1
        while len(self.room) >= most and before < self._read and time.monotonic() < end:
            before = self._read
            await self._until(self.room.policy.room, time.monotonic() + LOOK_S)
        return bool(self.room)

    def go_on(self) -> None:
        """A round is over: there may be place in the room again."""
        self._round_ended = time.monotonic()
        self._place.set()

    async def _until(self, count: int, end: float | None) -> None:
        """Return once so many records wait, or the time is over, or the stream has ended."""
        task = self._task
        assert task is not None
        self._wanted = count
        self._enough.clear()
        if len(self.room) < count and not task.done():
            timeout = None if end is None else max(0.0, end - time.monotonic())
            waiting = asyncio.ensure_future(self._enough.wait())
            await asyncio.wait({waiting, task}, timeout=timeout, return_when="FIRST_COMPLETED")
            waiting.cancel()
        if task.done():
            task.result()

    async def _run(self) -> None:
        self._stream.enable_acks = False  # whoever settles a record takes it off the list
        async for event in self._stream.events():
            while self.room.full:
                self._place.clear()
                await self._place.wait()
            self.room.admit(event.message)
            self._read += 1
            if len(self.room) >= self._wanted:
                self._enough.set()
