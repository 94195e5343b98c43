"""Where an alert goes, and why: pure. Each condition of each route answers in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from stream.router.config import WEEK

if TYPE_CHECKING:
    from datetime import datetime

    from stream.router.alerts import Alert
    from stream.router.config import Hours, Route, Routes


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a route takes an alert, and what each of its conditions said."""

    route: str
    takes: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    holds: bool
    text: str


def decide(routes: Routes, alert: Alert, location: str | None, at: datetime) -> tuple[Verdict, ...]:
    """What every route says to an alert, in the order of the file.

    `location` is the patient's, None where nobody has said it; what the alert itself says goes
    before it. `at` is when the alert was said.
    """
    location = alert.location or location
    said = {route.name: _conditions(routes, route, alert, location, at) for route in routes.route}
    holds = {name: all(one.holds for one in answers) for name, answers in said.items()}
    taken = [route.name for route in routes.route if holds[route.name] and not route.fallback]
    verdicts = []
    for route in routes.route:
        answers = list(said[route.name])
        takes = holds[route.name]
        if route.fallback:
            text = (
                f"it is a fallback, and {', '.join(taken)} {'takes' if len(taken) == 1 else 'take'}"
                " the alert"
                if taken
                else "it is a fallback, and no other route takes the alert"
            )
            takes = takes and not taken
            answers.append(_Said(not taken, text))
        failed = tuple(one.text for one in answers if not one.holds)
        held = tuple(one.text for one in answers if one.holds)
        why = (held or ("it takes every alert",)) if takes else failed
        verdicts.append(Verdict(route.name, takes, why))
    return tuple(verdicts)


def takes(routes: Routes, name: str, alert: Alert, location: str | None) -> bool:
    """Whether the route of this name takes an alert, at the time at which the broker got it."""
    verdicts = decide(routes, alert, location, alert.place.at)
    return next(verdict.takes for verdict in verdicts if verdict.route == name)


def needs_place(routes: Routes, route: Route) -> bool:
    """Whether it depends on where a patient is what the route takes."""
    return bool(route.unit) or (route.fallback and any(one.unit for one in routes.route))


def _conditions(
    routes: Routes, route: Route, alert: Alert, location: str | None, at: datetime
) -> tuple[_Said, ...]:
    said = []
    if route.type:
        said.append(_among("type", alert.type, route.type, patterns=True))
    if route.priority:
        said.append(_among("priority", alert.priority, route.priority))
    if route.unit:
        said.append(_unit(routes, route, location))
    if route.role:
        said.append(_role(route, alert))
    if route.hours:
        said.append(_hours(routes, route, at))
    return tuple(said)


def _among(what: str, value: str, wanted: tuple[str, ...], *, patterns: bool = False) -> _Said:
    holds = any(fnmatchcase(value, one) if patterns else value == one for one in wanted)
    return _Said(holds, f"{what} {value} is {'' if holds else 'not '}among {', '.join(wanted)}")


def _unit(routes: Routes, route: Route, location: str | None) -> _Said:
    wanted = ", ".join(route.unit)
    if location is None:
        return _Said(False, f"nobody has said where the patient is, and it is for {wanted}")  # noqa: FBT003
    for name in route.unit:
        for pattern in routes.units.get(name, (name,)):
            if fnmatchcase(location, pattern):
                return _Said(True, f"location {location!r} belongs to {name}")  # noqa: FBT003
    return _Said(False, f"location {location!r} belongs to none of {wanted}")  # noqa: FBT003


def _role(route: Route, alert: Alert) -> _Said:
    wanted = ", ".join(route.role)
    if not alert.notify:
        return _Said(False, f"the alert names no role, and it is for {wanted}")  # noqa: FBT003
    told = [role for role in alert.notify if any(fnmatchcase(role, one) for one in route.role)]
    if told:
        return _Said(True, f"{', '.join(told)} is to be told")  # noqa: FBT003
    return _Said(False, f"{', '.join(alert.notify)} is to be told, and it is for {wanted}")  # noqa: FBT003


def _hours(routes: Routes, route: Route, at: datetime) -> _Said:
    local = at.astimezone(routes.zone)
    moment = f"{WEEK[local.weekday()]} {local:%H:%M} ({routes.time_zone})"
    open_now = any(_within(span, local) for span in route.hours)
    return _Said(open_now, f"{moment} is {'within' if open_now else 'outside'} its hours")


def _within(span: Hours, local: datetime) -> bool:
    """Whether a local time is in a span; one that ends no later than it begins goes on next day."""
    clock = local.time().replace(tzinfo=None)
    today = WEEK[local.weekday()] in span.days
    if span.start < span.until:
        return today and span.start <= clock < span.until
    yesterday = WEEK[(local - timedelta(days=1)).weekday()] in span.days
    return (today and clock >= span.start) or (yesterday and clock < span.until)
