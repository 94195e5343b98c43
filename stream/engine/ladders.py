"""Ladders: who is told of an alarm, how soon an answer is due, and who is next. Data, no state.

The rows are `ladders.toml`'s, checked by `stream.rules.ladders`. Hours are local to the site: its
time zone is loaded with the rows, so that nothing is read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import Final

from stream.engine.events import Micros

EVENTS: Final[dict[str, tuple[int, ...]]] = {
    "grade": (1, 2, 3, 4),
    "candidate": (2, 3, 4),
    "icans": (1, 2, 3, 4),
    "signal": (),
    "reminder": (),
    "iec_hs": (),
    "risk": (),
    "revision": (),
}
"""What can raise an alarm, with the grades that it comes in; none where it has none."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of the local day in [start, until); over midnight where `until` is not later."""

    start: int
    until: int

    def cover(self, minute: int) -> bool:
        """Whether a minute of the day lies in it; equal ends are the whole day."""
        if self.start < self.until:
            return self.start <= minute < self.until
        return minute >= self.start or minute < self.until


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody who can be told; outside `hours` (none: always there) the role `instead` is."""

    name: str
    text: str
    hours: tuple[Hours, ...] = ()
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """Roles that are told, and after how long without an answer the next ones are.

    `respond` None: no answer is asked for. `repeats`: how often the last rung is said again.
    """

    notify: tuple[str, ...]
    respond: Micros | None
    repeats: int = 0
    each_shift: bool = False
    """Said again when a shift begins, not after a time."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Alarms that a ladder is for; no grades or no priorities: all of them."""

    event: str
    grades: tuple[int, ...] = ()
    priorities: tuple[str, ...] = ()

    def fits(self, event: str, grade: int, priority: str) -> bool:
        """Whether an alarm is one of these."""
        return (
            event == self.event
            and (not self.grades or grade in self.grades)
            and (not self.priorities or priority in self.priorities)
        )


@dataclass(frozen=True, slots=True)
class Ladder:
    """One row: for which alarms, its rungs from the first to the last, and when it begins anew."""

    name: str
    occasions: tuple[Occasion, ...]
    rungs: tuple[Rung, ...]
    units: tuple[str, ...] = ()
    hours: tuple[Hours, ...] = ()
    outpatient: bool = False
    own: bool = False
    """A site's own row."""
    again: Micros | None = None
    """From its beginning to its next beginning, while nobody answers."""
    rounds: int = 1
    inform: tuple[str, ...] = ()
    inform_within: Micros | None = None
    source: str = ""
    status: str = ""

    def is_for(self, event: str, grade: int, priority: str) -> bool:
        """Whether the row is for such an alarm, at some place and hour."""
        return any(item.fits(event, grade, priority) for item in self.occasions)

    def narrowness(self, event: str, grade: int, priority: str) -> tuple[bool, ...]:
        """What orders the rows that are for one alarm: the greatest counts."""
        by_priority = any(
            item.priorities and item.fits(event, grade, priority) for item in self.occasions
        )
        return (self.own, bool(self.units), bool(self.hours), self.outpatient, by_priority)

    def fits(self, minute: int, unit: str, *, outpatient: bool) -> bool:
        """Whether the row is for this place and this minute of the day."""
        return (
            (not self.outpatient or outpatient)
            and (not self.hours or any(span.cover(minute) for span in self.hours))
            and (not self.units or any(fnmatchcase(unit, each.casefold()) for each in self.units))
        )


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """Numbers around the life cycle; see `[alarms]` of the file."""

    latched_from_grade: int
    scores_silent_from_grade: int
    shelved_to_grade: int
    shelved_longest: Micros
    returned: Micros
    urgent_respond: Micros
    chatter_alarms: int
    chatter_within: Micros
    flood_alarms: int
    flood_within: Micros


@dataclass(frozen=True, slots=True)
class Ladders:
    """All rows, the roles, and the site's clock. `escalate` False: no alarm is kept at all."""

    escalate: bool
    time_zone: str
    zone: tzinfo
    shifts: tuple[int, ...]
    """Minutes of the local day at which a shift begins."""
    roles: dict[str, Role]
    rows: tuple[Ladder, ...]
    alarms: AlarmRule

    def named(self, name: str) -> Ladder | None:
        """The row of this name; None where this ruleset has none."""
        return next((row for row in self.rows if row.name == name), None)

    def ladder(
        self, event: str, grade: int, priority: str, location: str | None, *, outpatient: bool,
        time: Micros,
    ) -> Ladder | None:  # fmt: skip
        """The most narrow row for an alarm; None where none is for it (grade 5 asks nobody)."""
        minute, unit = self.minute(time), unit_of(location)
        found = [
            row
            for row in self.rows
            if row.is_for(event, grade, priority) and row.fits(minute, unit, outpatient=outpatient)
        ]
        return max(found, key=lambda row: row.narrowness(event, grade, priority), default=None)

    def reached(self, roles: tuple[str, ...], time: Micros) -> tuple[str, ...]:
        """The roles that are there at this time in place of these, each once."""
        minute = self.minute(time)
        return tuple(dict.fromkeys(self.on_duty(name, minute) or name for name in roles))

    def on_duty(self, name: str, minute: int) -> str | None:
        """Who is there for a role at a minute of the day; None where nobody is."""
        for _ in self.roles:
            role = self.roles.get(name)
            if role is None:
                return None
            if not role.hours or any(span.cover(minute) for span in role.hours):
                return name
            if role.instead is None:
                return None
            name = role.instead
        return None

    def minute(self, time: Micros) -> int:
        """Minute of the local day."""
        local = (_EPOCH + timedelta(microseconds=time)).astimezone(self.zone)
        return local.hour * 60 + local.minute

    def next_shift(self, time: Micros) -> Micros:
        """When the next shift begins after this time."""
        local = (_EPOCH + timedelta(microseconds=time)).astimezone(self.zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        for days in (0, 1, 2):
            for minute in self.shifts:
                begins = midnight + timedelta(days=days, minutes=minute)
                moment = begins.replace(tzinfo=self.zone).astimezone(UTC)
                found = (moment - _EPOCH) // timedelta(microseconds=1)
                if found > time:
                    return found
        raise AssertionError("every day has a shift")


def unit_of(location: str | None) -> str:
    """The unit of a location such as `7W/12`, in lower case; empty where it is not known."""
    return (location or "").partition("/")[0].strip().casefold()
