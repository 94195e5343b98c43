"""Commits that tell how far the changelogs reached, and a start from one answer of the coordinator.

See `stream.worker.marks` for what is told and why. Where the group stands and what must have been
read by then have to come from the same answer: of two, the first could be that of a deposed
coordinator, and ask for less than the second, newer place needs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka.structs import OffsetAndMetadata

from stream.worker.faust_repairs import SettledConsumer, SettledThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from faust.types import TP


class MarkingThread(SettledThread):
    """Gives every commit its metadata, whichever way of Faust it comes."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        client = super()._create_worker_consumer(transport)
        consumer: Any = self.consumer
        commit = client.commit

        async def marked(offsets: Mapping[TP, OffsetAndMetadata]) -> None:
            # Asked now, after the records were settled: all that they wrote lies before it.
            await commit(
                {
                    tp: OffsetAndMetadata(stands.offset, consumer.mark(tp.partition))
                    for tp, stands in offsets.items()
                }
            )

        client.commit = marked
        return client


class MarkingConsumer(SettledConsumer):
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._stands: dict[TP, OffsetAndMetadata | None] | None = None
        self.mark: Callable[[int], str] = lambda _partition: ""
        """The metadata of a commit of a partition number; called in the consumer's thread."""
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> SettledThread:
        return MarkingThread(self, loop=self.loop, beacon=self.beacon)

    async def commits(self, tps: Iterable[TP]) -> Mapping[TP, OffsetAndMetadata | None]:
        """Where the group stands, with the metadata; the next seek goes by this answer."""
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001
        asked = list(tps)
        asking = asyncio.run_coroutine_threadsafe(
            client._coordinator.fetch_committed_offsets(asked),  # noqa: SLF001
            self._thread.thread_loop,
        )
        found = await asyncio.wrap_future(asking)
        self._stands = {tp: found.get(tp) for tp in asked}
        return self._stands

    def forget_commits(self) -> None:
        """The next seek asks anew."""
        self._stands = None

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go to where the group stands, by the answer that `commits` got, or a new one."""
        assigned = self.assignment()
        stands, self._stands = self._stands, None
        if stands is None or not assigned <= stands.keys():
            stands = dict(await self.commits(assigned))
            self._stands = None
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001
        offsets: dict[TP, Any] = {
            tp: None if at is None else at.offset for tp, at in stands.items() if tp in assigned
        }

        async def go() -> None:
            for tp in client.assignment():
                if offsets.get(tp):
                    client.seek(tp, offsets[tp])

        going = asyncio.run_coroutine_threadsafe(go(), self._thread.thread_loop)
        await asyncio.wrap_future(going)
        return offsets

    async def look_for_leaders(self) -> None:
        """Have the client ask who leads which partition; it goes on with what it is told."""
        client: Any = self._thread._ensure_consumer()  # noqa: SLF001

        async def ask() -> None:
            await client._client.force_metadata_update()  # noqa: SLF001

        asking = asyncio.run_coroutine_threadsafe(ask(), self._thread.thread_loop)
        await asyncio.wrap_future(asking)
