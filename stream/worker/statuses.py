"""What the topic `status` holds of each patient, so that only what is new is said.

A status costs as much as a step of the engine, and boards look at it, not alarms. So it is said at
once with an alert, and for a patient of whom nothing was said yet; else just before the state is
written (`stream.worker.writing`): whoever takes a patient over goes on from a state whose status
was said. The first one after that is always said: before a crash the topic may have got the status
of an event that is not in the state.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from stream.worker.records import Send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream.engine import PatientState
    from stream.worker.grader import Grader

VOLATILE = frozenset({"at", "updated"})
"""Fields of a status that alone are no reason to publish it again."""

_encoder = msgspec.json.Encoder()


class News(NamedTuple):
    """Statuses to send, and what is known of the topic once they are acknowledged."""

    sends: list[Send]
    digests: dict[bytes, bytes]
    said: dict[bytes, bytes]
    """Of the assignment that they are of: after a rebalance it is another one."""


class Statuses:
    """See the module. Of each patient a digest of the last status is kept, not the status."""

    def __init__(self, grader: Grader, topic: str) -> None:
        self._grader, self._topic = grader, topic
        self._said: dict[bytes, bytes] = {}

    def __contains__(self, key: bytes) -> bool:
        """Whether anything was said of a patient since the partitions were assigned."""
        return key in self._said

    def clear(self) -> None:
        """After a rebalance: others may have said something else since."""
        self._said = {}

    def news(self, states: Mapping[bytes, PatientState]) -> News:
        """The statuses that say anything new but the time."""
        found = News([], {}, self._said)
        for key, state in states.items():
            status = self._grader.status(state)
            lasting = {name: value for name, value in status.items() if name not in VOLATILE}
            digest = hashlib.blake2b(_encoder.encode(lasting), digest_size=16).digest()
            if self._said.get(key) != digest:
                found.sends.append(Send(self._topic, key, _encoder.encode(status)))
                found.digests[key] = digest
        return found

    def acknowledged(self, news: News) -> None:
        """The broker has them."""
        news.said.update(news.digests)
