"""What became of every row of a CLIF folder: counted, none lost silently.

A row is *mapped* (it is in an event), *ignored* (known and not needed, with the reason) or
*refused* (wanted, but it cannot be a contract event; it becomes a dead letter). Besides, *notes*
count what was decided about rows that were mapped: a value set aside, a site that nobody knows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

MAPPED = "mapped"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row, or one value of it, that cannot be a contract event.

    `reason` is a dead-letter reason code (`schemas.deadletter`). `whole` is False where the rest of
    the row did become an event. `row` is JSON-ready, as charted.
    """

    table: str
    reason: str
    detail: str
    row: dict[str, Any]
    patient_id: str | None = None
    whole: bool = True


class CannotMapError(ValueError):
    """A row cannot be a contract event; `reason` is a dead-letter reason code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def cannot_map(reason: str, detail: str) -> NoReturn:
    """Raise `CannotMapError`."""
    raise CannotMapError(reason, detail)


@dataclass(slots=True)
class RowCounts:
    """Rows by table and outcome; the outcomes of a table add up to the rows read of it."""

    read: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    """Events by contract type."""

    def clear(self) -> None:
        """Forget everything, as before the first row."""
        for counter in (self.read, self.notes, self.events):
            counter.clear()
        self.outcomes.clear()

    def add(self, table: str, outcome: str, rows: int = 1) -> None:
        """Count `rows` rows of `table`."""
        self.outcomes.setdefault(table, Counter())[outcome] += rows

    def missing(self) -> dict[str, int]:
        """Rows read that have no outcome (negative: counted twice), by table; empty is right."""
        tables = sorted({*self.read, *self.outcomes})
        gaps = {
            table: self.read[table] - sum(self.outcomes.get(table, Counter()).values())
            for table in tables
        }
        return {table: gap for table, gap in gaps.items() if gap}

    @property
    def add_up(self) -> bool:
        """Whether every row read has exactly one outcome."""
        return not self.missing()

    def total(self, outcome: str) -> int:
        """Rows of all tables with this outcome: `mapped`, `ignored`, `refused` or one in full."""
        return sum(
            rows
            for counter in self.outcomes.values()
            for name, rows in counter.items()
            if name == outcome or name.startswith(f"{outcome}: ")
        )

    def __str__(self) -> str:
        """A table for people: one line per table and outcome, then the notes."""
        lines = [f"{'table':<32}{'outcome':<44}{'rows':>9}"]
        for table in sorted(self.read):
            outcomes = self.outcomes.get(table, Counter())
            lines.extend(
                f"{table:<32}{name:<44}{outcomes[name]:>9}"
                for name in sorted(outcomes, key=lambda name: (name != MAPPED, name))
            )
            lines.append(f"{table:<32}{'= rows read':<44}{self.read[table]:>9}")
        lines.extend(f"{'note':<32}{name:<44}{self.notes[name]:>9}" for name in sorted(self.notes))
        lines.extend(
            f"{'events':<32}{name:<44}{self.events[name]:>9}" for name in sorted(self.events)
        )
        return "\n".join(lines)


@dataclass(slots=True)
class Ledger:
    """Where the mappers report; the counts and, if somebody listens, each refusal."""

    counts: RowCounts
    on_refused: Callable[[Refusal], None] | None = None

    def mapped(self, table: str, rows: int = 1) -> None:
        """Count rows that are in an event."""
        self.counts.add(table, MAPPED, rows)

    def ignored(self, table: str, reason: str, rows: int = 1) -> None:
        """Count rows that are known and not needed."""
        self.counts.add(table, f"ignored: {reason}", rows)

    def noted(self, note: str, times: int = 1) -> None:
        """Count a decision about a row that was mapped."""
        self.counts.notes[note] += times

    def refused(
        self, table: str, row: dict[str, Any], why: CannotMapError, patient_id: str | None
    ) -> None:
        """Count a row that cannot be an event, and pass it to whoever writes dead letters."""
        self.counts.add(table, f"refused: {why.reason}")
        self._tell(Refusal(table, why.reason, why.detail, row, patient_id))

    def set_aside(
        self,
        table: str,
        row: dict[str, Any],
        why: CannotMapError,
        patient_id: str | None,
        note: str,
    ) -> None:
        """Note one value that was left out of an event, and pass it on as a partial refusal."""
        self.noted(note)
        self._tell(Refusal(table, why.reason, why.detail, row, patient_id, whole=False))

    def _tell(self, refusal: Refusal) -> None:
        if self.on_refused is not None:
            self.on_refused(refusal)
