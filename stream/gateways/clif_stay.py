"""The stay itself, its places and its laboratory: hospitalization, patient, adt, labs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.gateways.clif_ledger import CannotMapError, cannot_map
from stream.gateways.clif_maps import plain
from stream.gateways.clif_rows import Draft, by_content, number_of, optional_number, time_of

if TYPE_CHECKING:
    from stream.gateways.clif_maps import ClifMaps
    from stream.gateways.clif_rows import StayBook
    from stream.gateways.clif_tables import ClifTable

OLDEST_YEARS = 150
LONGEST_LOCATION = 128
ASSUMED_PRODUCT = "simulated_at_admission"
ASSUMED_SOURCE = (
    "stormwatch replay: an assumption, not charted; an effector-cell therapy is set at admission"
    " so that the stay can be graded"
)


def map_stay(table: ClifTable, maps: ClifMaps, book: StayBook, death: int | None) -> None:
    """`therapy` (assumed, unless one is charted), `patient` and `outcome` from the stay's row.

    `death` is the patient's time of death, microseconds; it counts only inside this stay.
    """
    charted = any(draft.kind == "therapy" for draft in book.drafts)
    for number, row in enumerate(by_content(table.of(book.stay))):
        if number:
            book.refuse(
                table.name, row, CannotMapError("id_conflict", "a second row of the same stay")
            )
            continue
        try:
            admission = time_of(table, row, "admission_dttm")
        except CannotMapError as why:
            book.refuse(table.name, row, why)
            continue
        profile: dict[str, Any] = {}
        try:
            age = optional_number(row, "age_at_admission")
            if age is not None:
                if not 0 <= age <= OLDEST_YEARS:
                    cannot_map("invalid_value", f"age_at_admission {age:g} years")
                profile["age_years"] = age
        except CannotMapError as why:
            book.set_aside(table.name, row, why, "age_set_aside")
        rows = 1  # the row is counted with the first event made of it
        if not charted:
            body: dict[str, Any] = {
                "product": ASSUMED_PRODUCT,
                "therapy_class": "other_effector_cell",
                "source": ASSUMED_SOURCE,
            }
            book.add(Draft("therapy", admission, admission, body, table.name, rows, "assumed"))
            rows = 0
        if profile:
            book.add(Draft("patient", admission, admission, profile, table.name, rows, "age"))
            rows = 0
        try:
            outcome = _outcome(table, maps, book, row, death)
        except CannotMapError as why:
            outcome = None
            book.set_aside(table.name, row, why, "outcome_set_aside")
        if outcome is not None:
            end, kind = outcome
            body = {"outcome": kind, "cause": None}
            book.add(Draft("outcome", end, end, body, table.name, rows))
        elif rows:
            book.ledger.ignored(table.name, "nothing_to_tell")


def _outcome(
    table: ClifTable, maps: ClifMaps, book: StayBook, row: dict[str, Any], death: int | None
) -> tuple[int, str] | None:
    """When the stay ended and how; None where it goes on.

    A death counts where its time is inside the stay. Where the stay is charted as ended by death
    but the time of death is not inside, the end of the stay is its time, and that is noted.
    """
    if row["discharge_dttm"] is None:
        return None
    end = time_of(table, row, "discharge_dttm")
    if death is not None and row["admission_dttm"] <= death <= end:
        return death, "death"
    kind = maps.discharges.get(plain(row["discharge_category"]), "discharged")
    if kind == "none":
        return None
    if kind == "death":
        book.ledger.noted("death_at_end_of_stay")
    return end, kind


def map_adt(table: ClifTable, book: StayBook) -> None:
    """Each move becomes a `patient` event with the new `location`, at the time of arrival."""
    for row in by_content(table.of(book.stay)):
        place = row["location_name"] or row["location_category"]
        try:
            time = time_of(table, row, "in_dttm")
            if not place:
                cannot_map("missing_field", "no location_name")
        except CannotMapError as why:
            book.refuse(table.name, row, why)
            continue
        body = {"location": str(place).strip()[:LONGEST_LOCATION]}
        book.add(Draft("patient", time, time, body, table.name, what="location"))


def map_labs(table: ClifTable, maps: ClifMaps, book: StayBook) -> None:
    """`time` is when the sample was taken, `received_at` when the result was there.

    Value and unit as charted; only the unit's spelling is made UCUM.
    """
    for row in by_content(table.of(book.stay)):
        analyte = maps.labs.get(plain(row["lab_category"]))
        if analyte is None:
            book.ledger.ignored(table.name, "analyte_not_used")
            continue
        try:
            time = time_of(table, row, "lab_collect_dttm")
            known = row["lab_result_dttm"]
            received = time if known is None else time_of(table, row, "lab_result_dttm")
            if row["lab_value_numeric"] is None:
                cannot_map("wrong_type", f"lab_value {row['lab_value']!r} is not a number")
            value = number_of(row, "lab_value_numeric")
            unit = _lab_unit(row, maps)
        except CannotMapError as why:
            book.refuse(table.name, row, why)
            continue
        body = {"analyte": analyte, "value": value, "unit": unit}
        book.add(Draft("lab", time, received, body, table.name, what=analyte))


def _lab_unit(row: dict[str, Any], maps: ClifMaps) -> str:
    """The charted unit in UCUM's spelling; an empty one only where CLIF itself has none."""
    text = plain(row["reference_unit"])
    if not text:
        unit = maps.labs_without_unit.get(plain(row["lab_category"]))
        if unit is None:
            cannot_map("unit_missing", "reference_unit is empty")
        return unit
    known = maps.lab_units.get(text)
    if known is None:
        cannot_map("unknown_unit", f"reference_unit {row['reference_unit']!r}")
    return known
