"""Which stays there are, whose they are, and when a person died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream.gateways.clif_ledger import CannotMapError
from stream.gateways.clif_rows import as_charted, patient_id_of
from stream.gateways.clif_tables import STAY

if TYPE_CHECKING:
    from stream.gateways.clif_ledger import Ledger
    from stream.gateways.clif_tables import ClifTable


@dataclass(frozen=True, slots=True)
class Stay:
    """One hospitalization that was chosen."""

    hospitalization_id: str
    person: str
    """CLIF's own patient_id: several stays may belong to one."""
    admission: int | None
    """Microseconds since the Unix epoch; None where it is not charted."""

    @property
    def patient_id(self) -> str:
        """The contract's patient_id."""
        return patient_id_of(self.hospitalization_id)


def stays_of(table: ClifTable) -> list[Stay]:
    """All stays, the earliest admission first; one without an admission comes last."""
    zoned = "admission_dttm" not in table.naive
    columns = table.data.select([STAY, "patient_id", "admission_dttm"]).to_pylist()
    stays: dict[str, Stay] = {}
    for row in columns:
        if row[STAY]:
            admission = row["admission_dttm"] if zoned else None
            stays.setdefault(row[STAY], Stay(row[STAY], row["patient_id"] or "", admission))
    return sorted(
        stays.values(),
        key=lambda stay: (stay.admission is None, stay.admission or 0, stay.hospitalization_id),
    )


def deaths_of(
    tables: dict[str, ClifTable], stays: tuple[Stay, ...], ledger: Ledger
) -> dict[str, int]:
    """Time of death by CLIF patient_id; counts the rows of `patient`."""
    table = tables.get("patient")
    deaths: dict[str, int] = {}
    if table is None:
        return deaths
    chosen = {stay.person for stay in stays}
    for person in table.spans:
        for number, row in enumerate(table.of(person)):
            if person not in chosen:
                ledger.ignored(table.name, "stay_not_chosen")
            elif number:
                why = CannotMapError("id_conflict", "a second row of the same patient")
                ledger.refused(table.name, as_charted(row), why, None)
            elif row["death_dttm"] is None:
                ledger.ignored(table.name, "no_death")
            elif "death_dttm" in table.naive:
                why = CannotMapError("time_without_offset", "death_dttm has no zone")
                ledger.refused(table.name, as_charted(row), why, None)
            else:
                deaths[person] = row["death_dttm"]
                if _inside(tables, stays, person, row["death_dttm"]):
                    ledger.mapped(table.name)
                else:
                    ledger.ignored(table.name, "death_outside_the_stays")
    return deaths


def _inside(tables: dict[str, ClifTable], stays: tuple[Stay, ...], person: str, death: int) -> bool:
    """Whether a chosen stay of this person holds the time of death."""
    table = tables["hospitalization"]
    spans = (
        (row["admission_dttm"], row["discharge_dttm"])
        for stay in stays
        if stay.person == person
        for row in table.of(stay.hospitalization_id)[:1]
    )
    return any(
        start is not None and end is not None and start <= death <= end for start, end in spans
    )


def count_unchosen(tables: dict[str, ClifTable], stays: tuple[Stay, ...], ledger: Ledger) -> None:
    """Rows of stays that were not chosen, and of stays that the folder does not know."""
    chosen = {stay.hospitalization_id for stay in stays}
    known = tables["hospitalization"].spans
    for table in tables.values():
        if table.name == "patient":
            continue
        for stay, (_first, rows) in table.spans.items():
            if stay in chosen:
                continue
            if stay and stay in known:
                ledger.ignored(table.name, "stay_not_chosen", rows)
                continue
            why = CannotMapError(
                "missing_field",
                f"hospitalization_id {stay!r} is not in the hospitalization table"
                if stay
                else "hospitalization_id is empty",
            )
            for row in table.of(stay):
                ledger.refused(table.name, as_charted(row), why, None)
