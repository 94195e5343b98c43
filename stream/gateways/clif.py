"""CLIF 2.1 (Common Longitudinal ICU data Format), a folder of Parquet tables, as contract events.

    feed = read_clif(Path("clif_demo"))
    for event in feed.events:      # dictionaries ready for JSON, in order of received_at
        ...
    print(feed.counts)             # what became of every row

Read: vitals, respiratory_support, medication_admin_continuous and _intermittent, labs,
hospitalization, patient, adt. A stay (hospitalization) is a patient of the contract. How codes and
units are mapped is data: `data/clif.toml`. Needs the extra `clif` (pyarrow).

A folder is written as JSON lines with

    python -m stream.gateways.clif FOLDER [--patients ID,ID] [--limit N] [--hours H] > events.jsonl
"""

from __future__ import annotations

import argparse
import heapq
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream.gateways.clif_bedside import map_respiratory, map_vitals
from stream.gateways.clif_drugs import map_continuous, map_intermittent
from stream.gateways.clif_ledger import Ledger, Refusal, RowCounts
from stream.gateways.clif_maps import load_maps
from stream.gateways.clif_people import Stay, count_unchosen, deaths_of, stays_of
from stream.gateways.clif_rows import StayBook, instant
from stream.gateways.clif_stay import map_adt, map_labs, map_stay
from stream.gateways.clif_tables import TABLES, ClifError, ClifTable, read_table
from stream.gateways.jsonl import write_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from stream.gateways.clif_rows import Sortable

__all__ = ["ClifError", "ClifFeed", "Refusal", "RowCounts", "Stay", "read_clif"]

HOUR_US = 3_600_000_000


@dataclass(slots=True)
class ClifFeed:
    """The events of the chosen stays, and what became of every row.

    `events` may be iterated again; `counts` then starts anew. Tables stay columnar in memory, and
    only stays that overlap in time are events at the same moment.
    """

    tables: dict[str, ClifTable]
    stays: tuple[Stay, ...]
    on_refused: Callable[[Refusal], None] | None = None
    hours: float | None = None
    counts: RowCounts = field(default_factory=RowCounts)

    @property
    def events(self) -> Iterator[dict[str, Any]]:
        """Contract events in order of received_at, then time, then event_id.

        The counts are complete when the last event was taken.
        """
        return self._events()

    def _events(self) -> Iterator[dict[str, Any]]:
        self.counts.clear()
        ledger = Ledger(self.counts, self.on_refused)
        for table in self.tables.values():
            self.counts.read[table.name] = table.rows
        count_unchosen(self.tables, self.stays, ledger)
        for _received, _time, _id, event in self._merged(ledger):
            self.counts.events[event["type"]] += 1
            yield event

    def _merged(self, ledger: Ledger) -> Iterator[Sortable]:
        """Merge stays, each made into events only when its first instant is reached."""
        least: dict[str, int] = {}
        for table in self.tables.values():
            if table.name != "patient":
                for key, micros in table.earliest():
                    least[key] = min(micros, least.get(key, micros))
        waiting = [(least.get(stay.hospitalization_id, 0), stay) for stay in self.stays]
        waiting.sort(key=lambda item: (item[0], item[1].hospitalization_id), reverse=True)
        deaths = deaths_of(self.tables, self.stays, ledger)
        # Entries are unique by event_id, so that events themselves are never compared.
        open_stays: list[tuple[int, int, str, dict[str, Any], Iterator[Sortable]]] = []
        while waiting or open_stays:
            while waiting and (not open_stays or waiting[-1][0] <= open_stays[0][0]):
                stay = waiting.pop()[1]
                events = iter(self._stay_events(stay, deaths.get(stay.person), ledger))
                if (first := next(events, None)) is not None:
                    heapq.heappush(open_stays, (*first, events))
            if not open_stays:
                continue
            received, time, event_id, event, events = open_stays[0]
            yield (received, time, event_id, event)
            if (following := next(events, None)) is None:
                heapq.heappop(open_stays)
            else:
                heapq.heapreplace(open_stays, (*following, events))

    def _stay_events(self, stay: Stay, death: int | None, ledger: Ledger) -> list[Sortable]:
        book = StayBook(stay.hospitalization_id, ledger, self._until(stay))
        maps = load_maps()
        get = self.tables.get
        if (table := get("vitals")) is not None:
            map_vitals(table, maps, book)
        if (table := get("respiratory_support")) is not None:
            map_respiratory(table, maps, book)
        if (table := get("medication_admin_continuous")) is not None:
            map_continuous(table, maps, book)
        if (table := get("medication_admin_intermittent")) is not None:
            map_intermittent(table, maps, book)
        if (table := get("labs")) is not None:
            map_labs(table, maps, book)
        if (table := get("adt")) is not None:
            map_adt(table, book)
        # Last, since a therapy is assumed only where the medication tables chart none.
        map_stay(self.tables["hospitalization"], maps, book, death)
        return book.settle()

    def _until(self, stay: Stay) -> int | None:
        if self.hours is None or stay.admission is None:
            return None
        return stay.admission + round(self.hours * HOUR_US)


def read_clif(
    folder: Path,
    patients: set[str] | None = None,
    limit: int | None = None,
    *,
    hours: float | None = None,
    on_refused: Callable[[Refusal], None] | None = None,
) -> ClifFeed:
    """Open a CLIF folder.

    `patients`: hospitalization ids (`22081550`), or patient ids of the contract
    (`clif-22081550`); None: all. `limit`: at most so many stays, the earliest admissions first.
    `hours`: events received up to so many hours after admission only (the others are counted as
    `after_the_hours_asked_for`). `on_refused` hears of each row, or value of a row, that cannot be
    a contract event.

    Raises `ClifError` where the folder or a table cannot be read, or a patient is not there.
    """
    tables = {}
    for name in TABLES:
        table = read_table(folder, name)
        if table is not None:
            tables[name] = table
    if "hospitalization" not in tables:
        raise ClifError(f"{folder} has no hospitalization.parquet: it is not a CLIF folder")
    stays = stays_of(tables["hospitalization"])
    if patients is not None:
        wanted = {patient.removeprefix("clif-") for patient in patients}
        unknown = wanted - {stay.hospitalization_id for stay in stays}
        if unknown:
            raise ClifError(f"{folder} has no stay {', '.join(sorted(unknown))}")
        stays = [stay for stay in stays if stay.hospitalization_id in wanted]
    if limit is not None:
        stays = stays[: max(limit, 0)]
    return ClifFeed(tables, tuple(stays), on_refused, hours)


def describe(feed: ClifFeed) -> Iterable[str]:
    """One line per chosen stay, for people."""
    for stay in feed.stays:
        when = "unknown" if stay.admission is None else instant(stay.admission)
        yield f"{stay.patient_id}  admitted {when}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a folder as JSON lines to standard output; the counts go to standard error."""
    parser = argparse.ArgumentParser(prog="python -m stream.gateways.clif", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", help="hospitalization ids, with commas between them")
    parser.add_argument("--limit", type=int, help="at most so many stays")
    parser.add_argument("--hours", type=float, help="so many hours from admission")
    chosen = parser.parse_args(arguments)
    try:
        feed = read_clif(
            chosen.folder,
            set(chosen.patients.split(",")) if chosen.patients else None,
            chosen.limit,
            hours=chosen.hours,
        )
    except ClifError as error:
        parser.error(str(error))
    write_jsonl(feed.events, "-")
    print(*describe(feed), feed.counts, sep="\n", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
