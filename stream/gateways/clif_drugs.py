"""The two medication tables of one stay: infusions, doses, charted cell therapies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.gateways.clif_ledger import CannotMapError, cannot_map
from stream.gateways.clif_maps import plain
from stream.gateways.clif_rows import Draft, amount_of, by_content, time_of

if TYPE_CHECKING:
    from stream.gateways.clif_maps import ClifMaps
    from stream.gateways.clif_rows import StayBook
    from stream.gateways.clif_tables import ClifTable

IGNORE = "ignore:"


def map_continuous(table: ClifTable, maps: ClifMaps, book: StayBook) -> None:
    """Rows of vasoactive agents become `infusion` events, in the unit charted (spelled as UCUM).

    A stop has rate 0. A stop of one order while another order of the agent runs on (a new bag, a
    new order) is not a stop of the agent: ignored as `another_order_runs`.
    """
    agents: dict[str, list[tuple[int, str, dict[str, Any]]]] = {}
    for row in by_content(table.of(book.stay)):
        category = plain(row["med_category"])
        action = maps.infusion_action(row["mar_action_name"], row["mar_action_category"])
        if category not in maps.infusions and category not in maps.infused_doses:
            book.ledger.ignored(table.name, "agent_not_used")
        elif action is not None and action.startswith(IGNORE):
            book.ledger.ignored(table.name, action.removeprefix(IGNORE))
        else:
            try:
                if action is None:
                    cannot_map(
                        "invalid_value",
                        f"action {row['mar_action_name']!r} ({row['mar_action_category']!r})",
                    )
                time = time_of(table, row, "admin_dttm")
            except CannotMapError as why:
                book.refuse(table.name, row, why)
                continue
            if category in maps.infusions:
                agent = maps.infusions[category]
                agents.setdefault(agent, []).append((time, action, row))
            elif action == "start":
                # Given over some minutes: its start is the dose, of unknown size.
                agent = maps.infused_doses[category]
                body: dict[str, Any] = {"agent": agent, **_route(row, maps)}
                book.ledger.noted("dose_unknown")
                book.add(Draft("medication", time, time, body, table.name, what=agent))
            else:
                book.ledger.ignored(table.name, "rest_of_a_dose")
    for agent, rows in sorted(agents.items()):
        rows.sort(key=lambda item: item[0])
        for time, action, row in rows:
            if action == "stop" and _runs_on(rows, row["med_order_id"], time):
                book.ledger.ignored(table.name, "another_order_runs")
                continue
            try:
                rate = 0.0 if action == "stop" else amount_of(row, "med_dose")
                body = {
                    "agent": agent,
                    "rate": rate,
                    "unit": _unit(row, maps.infusion_units),
                    "action": action,
                }
            except CannotMapError as why:
                book.refuse(table.name, row, why)
                continue
            what = f"{agent}:{action}"
            book.add(Draft("infusion", time, time, body, table.name, what=what))


def _runs_on(rows: list[tuple[int, str, dict[str, Any]]], order: str | None, time: int) -> bool:
    """Whether, at the stop of `order` at `time`, the agent runs on.

    Another order runs if its last row up to then is no stop and it is either of that very time or
    followed by a row of its own (an order that was never heard of again proves nothing). The same
    order runs on if it ran before and was started again at that very time.
    """
    last: dict[str | None, tuple[int, bool]] = {}
    later = set()
    ran, again = False, False
    for at, action, row in rows:
        other, on = row["med_order_id"], action != "stop" and row["med_dose"] != 0
        if other == order:
            if at < time:
                ran = on
            elif at == time and on:
                again = True
        elif at <= time:
            # At one instant a stop does not outlive a start: the next bag.
            if other not in last or last[other][0] < at or on:
                last[other] = (at, on)
        else:
            later.add(other)
    others = any(on and (at == time or other in later) for other, (at, on) in last.items())
    return others or (ran and again)


def map_intermittent(table: ClifTable, maps: ClifMaps, book: StayBook) -> None:
    """Rows of the agents that matter become `medication` events; cells become `therapy`."""
    for row in by_content(table.of(book.stay)):
        category = plain(row["med_category"])
        therapy = maps.cell_therapies.get(category)
        agent = maps.doses.get(category)
        if category in maps.fluids:
            route = plain(row["med_route_name"])
            if not any(part in route for part in maps.fluid_routes):
                book.ledger.ignored(table.name, "fluid_not_charted_as_bolus")
                continue
            agent = "fluid_bolus"
        if agent is None and therapy is None:
            book.ledger.ignored(table.name, "agent_not_used")
            continue
        action = maps.dose_actions.get(plain(row["mar_action_category"]))
        if action is not None and action.startswith(IGNORE):
            book.ledger.ignored(table.name, action.removeprefix(IGNORE))
            continue
        try:
            if action is None:
                cannot_map("invalid_value", f"mar_action_category {row['mar_action_category']!r}")
            time = time_of(table, row, "admin_dttm")
        except CannotMapError as why:
            book.refuse(table.name, row, why)
            continue
        if therapy is not None:
            body: dict[str, Any] = {
                "product": category.replace(" ", "_"),
                "therapy_class": therapy,
            }
            book.add(Draft("therapy", time, time, body, table.name, what=body["product"]))
            continue
        body = {"agent": agent, **_dose(table, maps, book, row), **_route(row, maps)}
        book.add(Draft("medication", time, time, body, table.name, what=str(agent)))


def _dose(table: ClifTable, maps: ClifMaps, book: StayBook, row: dict[str, Any]) -> dict[str, Any]:
    """Dose and unit; both left out, noted, where the number or its unit cannot be understood."""
    try:
        return {"dose": amount_of(row, "med_dose"), "unit": _unit(row, maps.dose_units)}
    except CannotMapError as why:
        book.set_aside(table.name, row, why, "dose_set_aside")
        return {}


def _route(row: dict[str, Any], maps: ClifMaps) -> dict[str, Any]:
    route = maps.routes.get(plain(row["med_route_category"]))
    return {} if route is None else {"route": route}


def _unit(row: dict[str, Any], units: dict[str, str]) -> str:
    """The charted unit in UCUM's spelling; never a conversion, never a default."""
    text = row["med_dose_unit"]
    if text is None or not str(text).strip():
        cannot_map("unit_missing", "med_dose_unit is empty")
    unit = units.get(plain(text))
    if unit is None:
        cannot_map("unknown_unit", f"med_dose_unit {text!r}")
    return unit
