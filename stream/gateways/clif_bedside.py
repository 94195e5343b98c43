"""`vitals` and `respiratory_support` of one stay: readings and oxygen devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.gateways.clif_ledger import CannotMapError, cannot_map
from stream.gateways.clif_maps import plain
from stream.gateways.clif_rows import Draft, by_content, number_of, optional_number, time_of

if TYPE_CHECKING:
    from stream.gateways.clif_maps import ClifMaps, DeviceRule
    from stream.gateways.clif_rows import StayBook
    from stream.gateways.clif_tables import ClifTable

MAX_READINGS = 16
HEAVIEST_KG = 1000
PRESSURES = frozenset({"systolic_bp", "diastolic_bp", "mean_bp"})
POSITIVE_PRESSURE = frozenset({"cpap", "bipap", "niv", "invasive_ventilation"})
FIO2_RANGE = (0.21, 1.0)
FLOW_RANGE_LPM = (0.0, 80.0)


def map_vitals(table: ClifTable, maps: ClifMaps, book: StayBook) -> None:
    """Rows at one time and by one method become one `vitals` event; weights become `patient`.

    Values are passed on as charted, with the unit that CLIF fixes for the category: 97.2 in the
    Celsius column is 97.2 Cel here, and the engine's plausibility rules set it aside.
    """
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in by_content(table.of(book.stay)):
        try:
            rule = maps.vitals.get(plain(row["vital_category"]))
            if rule is None:
                cannot_map("unknown_signal", f"vital_category {row['vital_category']!r}")
            if rule.ignore:
                book.ledger.ignored(table.name, rule.ignore)
                continue
            time = time_of(table, row, "recorded_dttm")
            value = number_of(row, "vital_value")
            if rule.profile and not 0 < value <= HEAVIEST_KG:
                cannot_map("invalid_value", f"weight {value:g} kg")
        except CannotMapError as why:
            book.refuse(table.name, row, why)
            continue
        if rule.profile:
            weight = {rule.profile: value}
            book.add(Draft("patient", time, time, weight, table.name, what=rule.profile))
            continue
        reading: dict[str, Any] = {"signal": rule.signal, "value": value, "unit": rule.unit}
        site = row["meas_site_name"]
        if site is not None and rule.signal == "temperature":
            known = maps.sites.get(plain(site))
            if known is None:
                book.ledger.noted("site_unknown")
            else:
                reading["site"] = known
        method = maps.pressure_method(row["vital_name"]) if rule.signal in PRESSURES else None
        if method is not None:
            reading["method"] = method
        groups.setdefault((time, method or ""), []).append(reading)
    for (time, method), readings in groups.items():
        for event in _apart(readings, table, book):
            rows = len(event)
            book.add(Draft("vitals", time, time, {"readings": event}, table.name, rows, method))


def _apart(
    readings: list[dict[str, Any]], table: ClifTable, book: StayBook
) -> list[list[dict[str, Any]]]:
    """Readings of one time as events in which no signal stands twice for one site.

    Two arms, or two nurses: a systolic must not be paired with the other cuff's diastolic.
    """
    events: list[list[dict[str, Any]]] = []
    seen: list[set[tuple[str, str]]] = []
    for position, reading in enumerate(readings):
        if reading in readings[:position]:
            book.ledger.ignored(table.name, "exact_duplicate")
            continue
        slot = (reading["signal"], reading.get("site", ""))
        for event, slots in zip(events, seen, strict=True):
            if slot not in slots and len(event) < MAX_READINGS:
                event.append(reading)
                slots.add(slot)
                break
        else:
            events.append([reading])
            seen.append({slot})
    return events


def map_respiratory(table: ClifTable, maps: ClifMaps, book: StayBook) -> None:
    """Each row with a device becomes an `oxygen` event; nothing is carried from row to row.

    A row without a device holds settings only and is ignored, except where it shows a ventilator
    mode or PEEP and the device last charted gives no positive pressure: that is a contradiction,
    and a dead letter says so.
    """
    last: str | None = None
    rows = by_content(table.of(book.stay))
    for row in sorted(rows, key=lambda row: row["recorded_dttm"] or 0):
        try:
            time = time_of(table, row, "recorded_dttm")
            pressure = _pressure(row, maps)
            if row["device_category"] is None:
                if not pressure:
                    book.ledger.ignored(table.name, "no_device")
                elif last in POSITIVE_PRESSURE:
                    book.ledger.ignored(table.name, "no_device_ventilator_settings")
                else:
                    cannot_map(
                        "missing_field",
                        "device_category is empty, though a ventilator mode or PEEP is charted"
                        f" and the device before was {last or 'never charted'}",
                    )
                continue
            rule = _device(row, maps, pressure=pressure)
        except CannotMapError as why:
            book.refuse(table.name, row, why)
            continue
        if rule.note:
            book.ledger.noted(rule.note)
        last = rule.device
        body: dict[str, Any] = {"device": rule.device}
        for field, column, limits, note in (
            ("flow_lpm", "lpm_set", FLOW_RANGE_LPM, "flow_set_aside"),
            ("fio2", "fio2_set", FIO2_RANGE, "fio2_set_aside"),
        ):
            try:
                value = optional_number(row, column)
                if value is None:
                    continue
                if not limits[0] <= value <= limits[1]:
                    cannot_map(
                        "implausible_value",
                        f"{column} {value:g} is outside {limits[0]:g} to {limits[1]:g};"
                        " the device is kept without it",
                    )
            except CannotMapError as why:
                book.set_aside(table.name, row, why, note)
            else:
                body[field] = value
        book.add(Draft("oxygen", time, time, body, table.name))


def _pressure(row: dict[str, Any], maps: ClifMaps) -> bool:
    """Whether the row charts a ventilator mode that is not idle, or a PEEP above 0."""
    mode = plain(row["mode_name"]) or plain(row["mode_category"])
    if mode and mode not in maps.idle_modes and plain(row["mode_category"]) != "blow by":
        return True
    peeps = (row[column] for column in ("peep_set", "peep_obs"))
    return any(isinstance(peep, int | float) and peep > 0 for peep in peeps)


def _device(row: dict[str, Any], maps: ClifMaps, *, pressure: bool) -> DeviceRule:
    category, name = plain(row["device_category"]), plain(row["device_name"])
    tracheostomy = bool(row["tracheostomy"]) or "trach" in name.replace("endotrach", "")
    for rule in maps.devices:
        if rule.fits(category=category, name=name, tracheostomy=tracheostomy, pressure=pressure):
            if rule.refuse:
                break
            return rule
    settings = "with" if pressure else "without"
    raise CannotMapError(
        "unknown_device",
        f"device {row['device_category']!r} named {row['device_name']!r}, {settings} mode or PEEP",
    )
