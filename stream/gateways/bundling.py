"""Puts events of one patient that come close together into one record: a bundle of the contract.

It saves the brokers and the workers most of what a record costs, for as long a wait as is allowed.
What comes of it is the same: a bundle is its events, in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.events import MAX_EVENTS
from stream.gateways.jsonl import encode
from stream.gateways.replay_sink import outgoing
from stream.intake import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from stream.gateways.replay_sink import Outgoing

_TAIL = b"]}"


@dataclass(slots=True)
class _Open:
    """A bundle that is being filled; `vitals`: whether it is for the topic of that name."""

    since: datetime
    head: bytes
    size: int
    vitals: bool
    events: list[bytes]

    def record(self) -> bytes:
        """The bundle as a record; a lone event needs none."""
        if len(self.events) == 1:
            return self.events[0]
        return self.head + b",".join(self.events) + _TAIL


def bundled(
    events: Iterable[dict[str, Any] | bytes], within_s: float, *, split: bool = False
) -> Iterator[bytes]:
    """The records of the events: of each patient, bundles of what came in `within_s` seconds.

    Time is that of `received_at`, else `time`. Each patient's events stay in order; `split` keeps
    `vitals` events in bundles of their own, for the topic of that name. Ticks, bundles, and lines
    that tell no patient or no time pass as they are, the first two in their turn.
    """
    open_ones: dict[str, _Open] = {}
    latest: datetime | None = None
    for event in events:
        item = outgoing(event)
        patient, moment = item.patient_id, item.received_at
        if item.kind == "tick":
            yield from _all(open_ones)
            yield item.value
            continue
        if moment is not None:
            latest = moment if latest is None else max(latest, moment)
            yield from _due(open_ones, latest, within_s)
        vitals = not split or item.vitals
        mine = None if patient is None else open_ones.get(patient)
        if mine is not None and patient is not None and not _fits(mine, item, vitals=vitals):
            yield open_ones.pop(patient).record()
            mine = None
        if patient is None or moment is None or latest is None or not _bundles(item):
            yield item.value
        elif mine is None:
            head = encode({"type": "bundle", "patient_id": patient, "events": []})[: -len(_TAIL)]
            size = len(head) + len(item.value) + len(_TAIL)
            open_ones[patient] = _Open(latest, head, size, vitals, [item.value])
        else:
            mine.events.append(item.value)
            mine.size += 1 + len(item.value)
    yield from _all(open_ones)


def _due(open_ones: dict[str, _Open], now: datetime, within_s: float) -> Iterator[bytes]:
    """Bundles that may wait no longer; the oldest were opened first."""
    while open_ones:
        patient, oldest = next(iter(open_ones.items()))
        if (now - oldest.since).total_seconds() <= within_s:
            return
        del open_ones[patient]
        yield oldest.record()


def _all(open_ones: dict[str, _Open]) -> Iterator[bytes]:
    yield from [each.record() for each in open_ones.values()]
    open_ones.clear()


def _fits(bundle: _Open, item: Outgoing, *, vitals: bool) -> bool:
    return (
        _bundles(item)
        and item.received_at is not None
        and bundle.vitals is vitals
        and len(bundle.events) < MAX_EVENTS
        and bundle.size + 1 + len(item.value) <= MAX_BYTES
    )


def _bundles(item: Outgoing) -> bool:
    """Whether the record can stand in a bundle as it is: UTF-8, which Python's parser only guesses.

    Its own faults do no harm there: it is refused alone.
    """
    return item.kind != "bundle" and item.value.lstrip()[:1] == b"{" and b"\0" not in item.value
