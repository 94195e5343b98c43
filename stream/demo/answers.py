"""The ward's people answer its alarms: acknowledgements, made from what the engine alone says.

Everybody comes in the end, most of them in time. Nobody answers what only a worklist shows.
"""

from __future__ import annotations

import heapq
import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from stream.demo.courses import stamp
from stream.gateways.jsonl import encode
from stream.offline import OfflineEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream.engine import Alert, Ruleset

Event = dict[str, Any]
IN_TIME = 0.8
"""The share of alarms that the first who are told answer."""


def with_answers(events: Iterable[Event], ruleset: Ruleset, seed: int) -> Iterator[Event]:
    """The events, ordered by `received_at`, with an answer to each alarm among them."""
    engine = OfflineEngine(ruleset)
    waiting: list[tuple[str, str, Event]] = []
    closed: set[str] = set()
    for event in events:
        while waiting and waiting[0][0] <= event["received_at"]:
            due = heapq.heappop(waiting)[-1]
            if due["alert_id"] not in closed:
                yield due
                _follow(waiting, closed, engine.take(encode(due)).alerts, due, seed)
        yield event
        _follow(waiting, closed, engine.take(encode(event)).alerts, event, seed)


def _follow(
    waiting: list[tuple[str, str, Event]],
    closed: set[str],
    alerts: Iterable[Alert],
    event: Event,
    seed: int,
) -> None:
    """What an event led to: somebody will answer what it opened, nobody what it closed."""
    for alert in alerts:
        if alert.type == "escalation.closed":
            closed.add(alert.body["alert"])
        elif alert.type == "escalation.opened" and alert.body["respond_by"] is not None:
            answer = _answer(alert, event["received_at"], seed)
            heapq.heappush(waiting, (answer["time"], answer["event_id"], answer))


def _answer(alert: Alert, shown: str, seed: int) -> Event:
    """Of an alarm that was shown at a time."""
    body = alert.to_wire()
    chance = random.Random(f"{seed} {body['alert']}")  # noqa: S311
    asked = datetime.fromisoformat(body["emitted_time"])
    patience = datetime.fromisoformat(body["respond_by"]) - asked
    early = chance.random() < IN_TIME
    after = patience * (chance.uniform(0.2, 0.9) if early else chance.uniform(1.1, 1.6))
    seen = max(asked, datetime.fromisoformat(shown))
    when = stamp(seen + max(after, timedelta(seconds=30)))
    return {
        "type": "acknowledgement",
        "event_id": f"{alert.patient_id}-answer-{body['alert'][:8]}",
        "patient_id": alert.patient_id,
        "time": when,
        "received_at": when,
        "alert_id": body["alert"],
        "by": body["notify"][0] if early else "charge_nurse",
        "action": "acknowledge",
    }
