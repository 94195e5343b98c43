"""From a row's cells to contract events: times, numbers, ids.

An event's id is what it is about, readable and the same on every run:
`clif:<kind>:<stay>:<UTC time>[:<what>]`. Where two different events would have one id, the second
and later in the order of their content get `:2`, `:3`; the same content twice is one event.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from stream.gateways.clif_ledger import CannotMapError, cannot_map
from stream.gateways.clif_tables import is_time
from stream.gateways.jsonl import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.gateways.clif_ledger import Ledger
    from stream.gateways.clif_tables import ClifTable

PREFIX = "clif"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The contract's years, 1900 to 2999, in microseconds.
EARLIEST = (datetime(1900, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
LATEST = (datetime(3000, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def patient_id_of(stay: str) -> str:
    """The contract's `patient_id` of a CLIF `hospitalization_id`.

    The unit is the stay, since the therapy is set at its admission. CLIF ids are pseudonyms already
    (the standard asks for it); a site whose export holds real numbers must replace them before.
    """
    return f"{PREFIX}-{stay}"


def instant(micros: int) -> str:
    """RFC 3339 in UTC; fractions of a second only where there are some."""
    try:
        text = (EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:  # only in dead letters: events are refused before (`time_of`)
        return f"{micros} us since 1970"
    return text.removesuffix("+00:00") + "Z"


def compact(micros: int) -> str:
    """The same instant for ids: `21560430T233000Z`."""
    return instant(micros).replace("-", "").replace(":", "")


def time_of(table: ClifTable, row: dict[str, Any], column: str) -> int:
    """A needed instant of a row, microseconds; `CannotMapError` where it cannot be known."""
    if column in table.naive:
        cannot_map(
            "time_without_offset", f"{column} of {table.name} has no zone: CLIF asks for UTC"
        )
    micros = row[column]
    if micros is None:
        cannot_map("missing_field", f"{column} is empty")
    if not EARLIEST <= micros < LATEST:
        cannot_map("time_out_of_range", f"{column} is {instant(micros)}")
    return int(micros)


def number_of(row: dict[str, Any], column: str) -> float:
    """A needed number of a row, as charted; `CannotMapError` where it is none."""
    value = row[column]
    if value is None:
        cannot_map("missing_field", f"{column} is empty")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        cannot_map("wrong_type", f"{column} is {value!r}, not a number")
    if not math.isfinite(value):
        cannot_map("not_finite", f"{column} is {value}")
    return float(value)


def amount_of(row: dict[str, Any], column: str) -> float:
    """A needed dose or rate: a number that is not below 0."""
    value = number_of(row, column)
    if value < 0:
        cannot_map("invalid_value", f"{column} is {value:g}, below 0")
    return value


def optional_number(row: dict[str, Any], column: str) -> float | None:
    """A number of a row, None where there is none."""
    return None if row[column] is None else number_of(row, column)


def as_charted(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a dead letter: JSON-ready, empty cells left out, times as text."""
    shown: dict[str, Any] = {}
    for column, value in row.items():
        if value is None:
            continue
        if is_time(column):
            shown[column] = instant(value)
        elif isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
            shown[column] = value
        else:  # what JSON has no word for: NaN, bytes, a list of anything
            shown[column] = str(value)
    return shown


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before its id is settled. `rows` is how many rows of `table` are in it."""

    kind: str
    time: int
    received: int
    body: dict[str, Any]
    table: str
    rows: int = 1
    what: str = ""

    def id(self, stay: str) -> str:
        """The id that this event has unless another one of the stay has it too."""
        tail = f":{self.what}" if self.what else ""
        return f"{PREFIX}:{self.kind}:{stay}:{compact(self.time)}{tail}"


Sortable = tuple[int, int, str, dict[str, Any]]
"""received_at and time (microseconds), event_id, event: the order of a feed."""


@dataclass(slots=True)
class StayBook:
    """Collects the drafts of one stay and settles their ids."""

    stay: str
    ledger: Ledger
    until: int | None = None
    """Events received after this instant (microseconds) are left out, counted."""
    drafts: list[Draft] = field(default_factory=list)

    @property
    def patient_id(self) -> str:
        """The contract's patient_id of this stay."""
        return patient_id_of(self.stay)

    def add(self, draft: Draft) -> None:
        """Take a draft; its rows are counted when ids are settled."""
        self.drafts.append(draft)

    def refuse(self, table: str, row: dict[str, Any], why: CannotMapError) -> None:
        """Count a row as refused."""
        self.ledger.refused(table, as_charted(row), why, self.patient_id)

    def set_aside(self, table: str, row: dict[str, Any], why: CannotMapError, note: str) -> None:
        """Leave out one value of a row, counted and told."""
        self.ledger.set_aside(table, as_charted(row), why, self.patient_id, note)

    def settle(self) -> list[Sortable]:
        """The stay's events in order of received_at, time, id; counts the rows in them."""
        by_id: dict[str, dict[bytes, list[Draft]]] = {}
        for draft in self.drafts:
            if self.until is not None and draft.received > self.until:
                if draft.rows:
                    self.ledger.ignored(draft.table, "after_the_hours_asked_for", draft.rows)
                continue
            content = encode({"received": draft.received, "type": draft.kind, **draft.body})
            by_id.setdefault(draft.id(self.stay), {}).setdefault(content, []).append(draft)
        events = []
        for base, contents in by_id.items():
            for number, content in enumerate(sorted(contents), 1):
                draft, *again = contents[content]
                event_id = base if number == 1 else f"{base}:{number}"
                events.append((draft.received, draft.time, event_id, self._event(draft, event_id)))
                if draft.rows:
                    self.ledger.mapped(draft.table, draft.rows)
                for double in again:
                    if double.rows:
                        self.ledger.ignored(double.table, "exact_duplicate", double.rows)
        return sorted(events, key=_order)

    def _event(self, draft: Draft, event_id: str) -> dict[str, Any]:
        body = dict(draft.body)
        return {
            "type": body.pop("type", draft.kind),
            "event_id": event_id,
            "patient_id": self.patient_id,
            "time": instant(draft.time),
            "received_at": instant(draft.received),
            "source": body.pop("source", f"{PREFIX}:{draft.table}"),
            **body,
        }


def _order(item: Sortable) -> tuple[int, int, str]:
    return item[:3]


def by_content(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in an order that does not depend on the file's."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))
