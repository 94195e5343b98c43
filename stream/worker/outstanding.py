"""The producer, and which of its sends the broker has not answered yet.

Every record of a worker goes through the producer's `send`: alerts, statuses, dead letters, both
changelogs, ticks. A send that hangs, be it for metadata, for room in the client's buffer or for
the broker's word, is otherwise seen by nobody until the client gives it up.
"""

from __future__ import annotations

from typing import Any

from stream.worker.faust_repairs import LeasedProducer, SettledTransport
from stream.worker.lean import LeanConsumer


class WatchedProducer(LeasedProducer):
    """The producer with a list of what is outstanding."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begun = 0
        self._outstanding: dict[int, str] = {}

    @property
    def oldest(self) -> tuple[int, str] | None:
        """Serial number and topic of the oldest send without an answer, or None."""
        return next(iter(self._outstanding.items()), None)

    async def send(self, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Send as Faust does; the record is outstanding until the future returned is done."""
        self._begun = serial = self._begun + 1
        self._outstanding[serial] = topic
        try:
            answer: Any = await super().send(topic, *args, **kwargs)
        except BaseException:
            self._outstanding.pop(serial, None)
            raise
        answer.add_done_callback(lambda _: self._outstanding.pop(serial, None))
        return answer


class WatchedTransport(SettledTransport):
    """The repaired transport with the producer above and the consumer that hands on in chunks."""

    Consumer = LeanConsumer
    Producer = WatchedProducer
