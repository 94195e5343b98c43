"""`ladders.toml` -> the engine's ladders, or a `RulesetError` that names the row.

Nothing is built on which somebody could wait in vain: every rung reaches somebody at every minute
of the day, every alarm finds a ladder whenever and wherever it is raised, and every ladder ends.
"""

from __future__ import annotations

import re
from datetime import UTC
from itertools import combinations, product
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from stream.engine.ladders import (
    EVENTS,
    AlarmRule,
    Hours,
    Ladder,
    Ladders,
    Occasion,
    Role,
    Rung,
)
from stream.engine.ruleset import SECOND
from stream.rules.errors import RulesetError
from stream.rules.fields import Fields
from stream.rules.rows import PROVENANCE, STATUSES, entries
from stream.rules.safety import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import tzinfo

OWN = "site-"
"""What the ids of rows and roles that a site adds begin with."""
_ALARMS = (
    *("latched_from_grade", "scores_silent_from_grade", "shelved_to_grade", "shelved_longest_s"),
    *("returned_s", "urgent_respond_s", "chatter_alarms", "chatter_within_s"),
    *("flood_alarms", "flood_within_s"),
)
_ROW = (
    *("id", "for", "units", "hours", "outpatient", "again_s", "rounds", "inform", "inform_s"),
    *("rungs", *PROVENANCE),
)
_RUNG = ("number", "notify", "respond_s", "repeats", "each_shift")
_LETTERS = re.compile(r"\[.[^]]*\]")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def build_ladders(table: Mapping[str, Any]) -> Ladders:
    """The ladders, roles and alarm rules of a site. Raises RulesetError."""
    root = Fields(table, "ladders", ("site", "shifts", "alarms", "roles", "rows"))
    site = Fields(table.get("site"), "ladders.site", ("escalate", "time_zone", *PROVENANCE))
    shifts = Fields(table.get("shifts"), "ladders.shifts", ("starts", *PROVENANCE))
    starts = tuple(sorted(_minute(shifts, "starts", word) for word in shifts.distinct("starts")))
    if not starts:
        raise shifts.wrong("starts", "at least one time of the day")
    found = Ladders(
        escalate=site.flag("escalate"),
        time_zone=site.text("time_zone"),
        zone=_zone(site),
        shifts=starts,
        roles=_roles(root),
        rows=tuple(_row(fields) for fields in root.rows("rows", _ROW)),
        alarms=_alarms(Fields(table.get("alarms"), "ladders.alarms", (*_ALARMS, *PROVENANCE))),
    )
    if problems := [*_unreached(found), *_endless(found), *_gaps(found), *_doubled(found)]:
        raise RulesetError("\n".join(dict.fromkeys(problems)))
    return found


def _zone(site: Fields) -> tzinfo:
    name = site.text("time_zone")
    if name == "UTC":
        return UTC  # needs no database
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise site.wrong(
            "time_zone", "a name of the time zone database, such as Europe/Berlin"
        ) from None


def _minute(fields: Fields, key: str, word: Any) -> int:
    match = _CLOCK.fullmatch(word) if isinstance(word, str) else None
    if match is None:
        raise fields.wrong(key, "times of the day such as 07:00")
    return int(match[1]) * 60 + int(match[2])


def _hours(fields: Fields) -> tuple[Hours, ...]:
    return tuple(
        Hours(
            _minute(span, "from", span.table.get("from")),
            _minute(span, "until", span.table.get("until")),
        )
        for span in fields.rows("hours", ("from", "until"))
    )


def _roles(root: Fields) -> dict[str, Role]:
    table = root.table.get("roles")
    if not isinstance(table, dict) or not entries(table):
        raise root.wrong("roles", "a table of roles")
    found = {}
    for name, row in entries(table).items():
        fields = Fields(row, f"ladders.roles.{name}", ("text", "hours", "instead", *PROVENANCE))
        instead = fields.text("instead", "")
        if instead and instead not in entries(table):
            raise fields.unknown("instead", list(entries(table)))
        found[name] = Role(name, fields.text("text"), _hours(fields), instead or None)
    return found


def _alarms(fields: Fields) -> AlarmRule:
    rule = AlarmRule(
        latched_from_grade=fields.whole("latched_from_grade", 1, 4),
        scores_silent_from_grade=fields.whole("scores_silent_from_grade", 3, 5),
        shelved_to_grade=fields.whole("shelved_to_grade", 1, 3),
        shelved_longest=fields.micros("shelved_longest_s"),
        returned=fields.micros("returned_s"),
        urgent_respond=fields.micros("urgent_respond_s"),
        chatter_alarms=fields.whole("chatter_alarms", 2),
        chatter_within=fields.micros("chatter_within_s"),
        flood_alarms=fields.whole("flood_alarms", 1),
        flood_within=fields.micros("flood_within_s"),
    )
    for key in _ALARMS:
        if key.endswith("_s") and not fields.table[key]:
            raise fields.wrong(key, "seconds above 0")
    return rule


def _row(fields: Fields) -> Ladder:
    name = fields.text("id")
    fields.where = f"ladders.rows.{name}"
    rungs = tuple(_rung(rung, place) for place, rung in enumerate(fields.rows("rungs", _RUNG), 1))
    if not rungs:
        raise fields.wrong("rungs", "at least one rung")
    for place, rung in enumerate(rungs[:-1], start=1):
        if rung.respond is None or rung.repeats or rung.each_shift:
            raise RulesetError(
                f"{fields.where}.rungs.{place}: expected respond_s, and neither repeats nor "
                "each_shift: only the last rung is said again"
            )
    units = fields.distinct("units")
    if any("/" in unit or unit != unit.strip() or not unit for unit in units):
        raise fields.wrong("units", "the part of the location before its slash, such as 7W or 7*")
    inform = fields.distinct("inform")
    if bool(inform) != ("inform_s" in fields.table):
        raise fields.wrong("inform_s", "inform and inform_s together")
    return Ladder(
        name=name,
        occasions=tuple(
            _occasion(item) for item in fields.rows("for", ("event", "grades", "priorities"))
        ),
        rungs=rungs,
        units=units,
        hours=_hours(fields),
        outpatient="outpatient" in fields.table and fields.flag("outpatient"),
        own=name.startswith(OWN),
        again=fields.given("again_s", fields.micros, None),
        rounds=fields.whole("rounds", 1) if "rounds" in fields.table else 1,
        inform=inform,
        inform_within=fields.given("inform_s", fields.micros, None),
        source=fields.text("source"),
        status=fields.one_of("status", STATUSES),
    )


def _rung(fields: Fields, place: int) -> Rung:
    if fields.whole("number", 1) != place:
        raise fields.wrong("number", f"{place}: rungs are numbered from 1 in their order")
    notify = fields.distinct("notify")
    if not notify:
        raise fields.wrong("notify", "at least one role: nobody would be told")
    respond = fields.given("respond_s", fields.micros, None)
    each_shift = "each_shift" in fields.table and fields.flag("each_shift")
    repeats = fields.whole("repeats", 0) if "repeats" in fields.table else 0
    if respond == 0 or (respond is not None and each_shift):
        raise fields.wrong("respond_s", "seconds above 0, or each_shift in its place")
    if repeats and respond is None and not each_shift:
        raise fields.wrong("repeats", "respond_s or each_shift beside it: after how long")
    return Rung(notify, respond, repeats, each_shift)


def _occasion(fields: Fields) -> Occasion:
    event = fields.one_of("event", list(EVENTS))
    grades = fields.table.get("grades", [])
    known = EVENTS[event]
    if not isinstance(grades, list) or any(
        grade not in known or isinstance(grade, bool) for grade in grades
    ):
        raise fields.wrong("grades", f"grades among {known}" if known else f"none for {event}")
    return Occasion(event, tuple(grades), fields.distinct("priorities", PRIORITIES))


# -- what does not fit together --------------------------------------------------------------------


def _unreached(found: Ladders) -> Iterator[str]:
    """Rungs that at some minute of the day nobody receives, and circles of stand-ins."""
    minutes = _edges([span for role in found.roles.values() for span in role.hours])
    for row in found.rows:
        told = {f"rungs.{n}.notify": rung.notify for n, rung in enumerate(row.rungs, start=1)}
        for key, names in {**told, "inform": row.inform}.items():
            for name in names:
                where = f"ladders.rows.{row.name}.{key}: {name!r}"
                if name not in found.roles:
                    yield f"{where} is no role; there are {', '.join(found.roles)}"
                    continue
                alone = [m for m in minutes if found.on_duty(name, m) is None]
                if alone:
                    yield (
                        f"{where} is nobody at {_clock(alone[0])}: expected hours around the "
                        "clock, or a role `instead` that is there"
                    )


def _endless(found: Ladders) -> Iterator[str]:
    """Ladders that begin anew before they end, or whose first answer may come too late."""
    most = found.alarms.urgent_respond
    for row in found.rows:
        where = f"ladders.rows.{row.name}"
        last = row.rungs[-1]
        length = sum(rung.respond or 0 for rung in row.rungs) + last.repeats * (last.respond or 0)
        if row.rounds > 1 and row.again is None:
            yield f"{where}.rounds = {row.rounds}: expected again_s beside it: after how long"
        elif row.again is not None and (row.again < length or last.respond is None):
            yield (
                f"{where}.again_s = {row.again // SECOND}: expected at least "
                f"{length // SECOND}, when its last rung is over, which must ask for an answer"
            )
        # a site's own row comes before the packaged one for candidates of high priority
        events = ("grade", "icans", "candidate") if row.own else ("grade", "icans")
        urgent = any(
            row.is_for(event, grade, "high") for event in events for grade in (3, 4)
        ) or any("high" in item.priorities for item in row.occasions)
        first = row.rungs[0].respond
        if urgent and (first is None or first > most):
            yield (
                f"{where}.rungs.1.respond_s: expected at most ladders.alarms.urgent_respond_s "
                f"({most // SECOND}): grades 3 and 4 cannot wait"
            )


def _every_alarm() -> Iterator[tuple[str, int, str]]:
    for event, grades in EVENTS.items():
        for grade in grades or (0,):
            for priority in PRIORITIES:
                yield event, grade, priority


def _may_ask_nobody(event: str, priority: str) -> bool:
    """Bands of scores that are no more than remarked: the alarm is the grade's."""
    return event == "risk" and priority in ("low", "information")


def _gaps(found: Ladders) -> Iterator[str]:
    """Alarms for which there is no ladder at some minute, of a patient whose place is not known."""
    for event, grade, priority in _every_alarm():
        anywhere = [
            row
            for row in found.rows
            if not row.units and not row.outpatient and row.is_for(event, grade, priority)
        ]
        spans = [span for row in anywhere for span in row.hours]
        if anywhere and not all(row.hours for row in anywhere):
            continue
        if not anywhere and _may_ask_nobody(event, priority):
            continue
        free = next((m for m in _edges(spans) if not any(s.cover(m) for s in spans)), None)
        if free is not None:
            named = f"{event} {grade}" if grade else event
            yield f"ladders.rows: none is for {named} ({priority}) at {_clock(free)} in every unit"


def _doubled(found: Ladders) -> Iterator[str]:
    """Two rows of one id, or two as narrow for the same alarm: which one counts is not said."""
    for one, other in combinations(found.rows, 2):
        if one.name == other.name:
            yield f"ladders.rows: the id {one.name!r} stands there twice"
            continue
        if one.units and other.units and not _meet(one.units, other.units):
            continue
        minutes = _edges([*one.hours, *other.hours])
        if not any(_at(one, m) and _at(other, m) for m in minutes):
            continue
        for alarm in _every_alarm():
            if (
                one.is_for(*alarm)
                and other.is_for(*alarm)
                and one.narrowness(*alarm) == other.narrowness(*alarm)
            ):
                event, grade, priority = alarm
                yield (
                    f"ladders.rows.{other.name} and ladders.rows.{one.name} are both for {event}"
                    f"{f' {grade}' if grade else ''} ({priority}): expected units or hours that "
                    "tell them apart"
                )
                break


def _meet(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Whether patterns of units can fit one and the same unit; a set of letters fits any letter."""
    plain = [[_LETTERS.sub("?", each.casefold()) for each in units] for units in (some, others)]
    return any(_both(one, other) for one, other in product(*plain))


def _both(one: str, other: str) -> bool:
    """Whether one text fits two patterns: from their beginnings, how far both can be read."""
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        at, to = todo.pop()
        a, b = one[at : at + 1], other[to : to + 1]
        if not a and not b:
            return True
        steps: set[tuple[int, int]] = set()
        if a == "*":
            steps |= {(at + 1, to), (at, to + len(b))}
        if b == "*":
            steps |= {(at, to + 1), (at + len(a), to)}
        if not steps and a and b and (a == b or "?" in (a, b)):
            steps = {(at + 1, to + 1)}
        todo += steps - seen
        seen |= steps
    return False


def _at(row: Ladder, minute: int) -> bool:
    return not row.hours or any(span.cover(minute) for span in row.hours)


def _edges(spans: list[Hours]) -> list[int]:
    """Minutes at which something can begin or end; between them nothing changes."""
    return sorted({0, *(m for span in spans for m in (span.start, span.until))})


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
