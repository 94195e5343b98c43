"""Reading ahead: from the consumer into the waiting room, within bounds of records and of bytes."""

from __future__ import annotations

import asyncio
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.worker.chunks import Chunk
    from stream.worker.held import Held
    from stream.worker.triage import WaitingRoom

READ_AHEAD = 4096
"""Records that may wait for their round; among these the sickest patients' go first."""
READ_AHEAD_BYTES = 32 * 1024 * 1024
"""Bytes of records that were read and are not settled yet."""
LOOK_S = 0.02
FILL_S = 0.25
"""Longest wait for the room to fill while more is there to be read."""


class Allowance:
    """How many bytes of records may be held, by whatever holds them.

    One chunk is always let in, however large it is. A chunk counts until the last of its records is
    garbage: so nothing has to be told here when records are dropped.
    """

    def __init__(self, most: int = READ_AHEAD_BYTES) -> None:
        self.most = most
        self._held: dict[weakref.ref[Held], int] = {}
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes held now."""
        return self._used

    def take(self, chunk: Chunk) -> bool:
        """Count it where there is room for it; else say no."""
        if self._used and self._used + chunk.size > self.most:
            return False
        self._held[weakref.ref(chunk.held, self._freed)] = chunk.size
        self._used += chunk.size
        return True

    def _freed(self, held: weakref.ref[Held]) -> None:
        self._used -= self._held.pop(held)


class Reader:
    """Takes chunks from the consumer into the room while there is place, and says when to work.

    Both sides are in one event loop: the consumer offers, the agent gathers and works off.
    """

    def __init__(
        self, room: WaitingRoom, within: float, allowance: Allowance | None = None
    ) -> None:
        self.room = room
        self._allowance = allowance or Allowance()
        self.within = within
        self.more = 0
        """Records that the brokers held beyond those of the last fetch."""
        self._wanted = 1
        self._read = 0
        self._refused = False
        self._enough = asyncio.Event()
        self._place = asyncio.Event()
        self._round_ended = 0.0

    def offer(self, chunk: Chunk) -> bool:
        """Take a chunk in, or none of it: then `place` waits for there to be room."""
        room, count = self.room, len(self.room)
        fits = not count or count + len(chunk.records) <= room.policy.room
        if not fits or not self._allowance.take(chunk):
            self._refused = True  # more does not fit: it is time to work
            self._enough.set()
            return False
        for record in chunk.records:
            room.admit(record)
        self._read += len(chunk.records)
        if len(room) >= self._wanted:
            self._enough.set()
        return True

    async def place(self) -> None:
        """Return after the next round, or in a moment: records are freed in any thread."""
        self._place.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._place.wait()

    async def gather(self) -> None:
        """Return once a round is due.

        At once, if the last round ended more than `within` seconds ago: a lone record does not
        wait. Else once there is enough for a round, or after `within`. In a backlog of more than
        a room the room is filled first: the more is known, the more of the sickest can go first.
        One of less is worked off sooner than the room would be full.
        """
        most, place = self.room.policy.most, self.room.policy.room
        await self._until(1, None)
        await self._until(most, self._round_ended + self.within)
        end = time.monotonic() + FILL_S
        before = -1
        while self.more >= place and before < self._read and time.monotonic() < end:
            before = self._read
            await self._until(place, time.monotonic() + LOOK_S)

    def go_on(self) -> None:
        """A round is over: there may be place in the room again."""
        self._round_ended = time.monotonic()
        self._refused = False
        self._place.set()

    async def _until(self, count: int, end: float | None) -> None:
        """Return once so many records wait, or no more fit beside some, or the time is over."""
        self._wanted = count
        while len(self.room) < count and not (self._refused and self.room):
            self._enough.clear()
            timeout = None if end is None else end - time.monotonic()
            if timeout is not None and timeout <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._enough.wait()
