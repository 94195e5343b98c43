"""The routes file: who is told of which alerts, and how. TOML, checked before anything is sent.

Every table is a pydantic model, so that a wrong word is told with its place, its value and what was
expected. What the file says of receivers is in `stream.router.addresses`.
"""

from __future__ import annotations

import tomllib
from datetime import time
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from schemas.alerts import OUTPUT_MODELS
from stream.router.addresses import Name, ReceiverConfig, Strict

if TYPE_CHECKING:
    from pathlib import Path

Priority = Literal["high", "medium", "low", "information"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PACKAGED = "routes.toml"
HIDDEN = frozenset({"secret", "token", "password"})
"""Fields whose values are not repeated, whatever stands there."""


class RoutesError(ValueError):
    """The routes cannot be used; `problems` says why, one by one, each with its place."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _known_type(pattern: str) -> str:
    family = pattern.removesuffix("*")
    matched = [name for name in OUTPUT_MODELS if name == pattern or name.startswith(family)]
    if not matched or ("*" in pattern and not pattern.endswith("*")):
        raise ValueError(f"expected a type of alert, or the beginning of some and *: {pattern!r}")
    return pattern


def _clock(text: object) -> object:
    """`HH:MM` as a time of day; TOML's own times of day are one already."""
    if isinstance(text, time):
        return text
    if isinstance(text, str) and len(text) == 5 and text[2] == ":":
        hours, minutes = text[:2], text[3:]
        if text == "24:00":
            return time(0)
        if hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60:
            return time(int(hours), int(minutes))
    raise ValueError(f"expected a time of day as HH:MM, not {text!r}")


TypePattern = Annotated[str, AfterValidator(_known_type)]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Clock = Annotated[time, BeforeValidator(_clock)]


class Hours(Strict):
    """A span of the day in the time zone of the file; past midnight where `until` is not later."""

    days: tuple[Day, ...] = Field(WEEK, min_length=1)
    """Days on which it begins."""
    start: Clock = Field(alias="from")
    until: Clock


class Group(Strict):
    """Alerts of one patient within a window leave as one message."""

    window_s: float = Field(gt=0, le=3600)
    """From the first of them, by the broker's clock."""
    at_once: Priority = "high"
    """An alert of this priority, or a higher one, ends the waiting."""
    most: int = Field(50, ge=2, le=500)


class Inhibit(Strict):
    """A lesser alert of a patient is not sent where a greater one was sent this way before it."""

    within_s: float = Field(gt=0, le=86_400)


class Retry(Strict):
    """How long one message is tried: exponential backoff with jitter."""

    first_s: float = Field(default=1.0, gt=0, le=3600)
    most_s: float = Field(default=60.0, gt=0, le=3600)
    give_up_s: float = Field(default=3600.0, ge=0, le=604_800)
    """After so long in the queue a message that still fails becomes a dead letter."""


class BreakerRule(Strict):
    """After so many failures in a row nothing is tried for a while, then one message."""

    failures: int = Field(default=5, ge=1, le=1000)
    open_s: float = Field(default=5.0, gt=0, le=3600)
    most_open_s: float = Field(default=60.0, gt=0, le=3600)


class Route(Strict):
    """One way to one receiver. A condition that is left out holds for every alert."""

    name: Name
    receiver: Name
    type: tuple[TypePattern, ...] = ()
    priority: tuple[Priority, ...] = ()
    unit: tuple[Pattern, ...] = ()
    """Names of `units`, or patterns of the location such as `ward-7/*`."""
    role: tuple[Pattern, ...] = ()
    """Roles that an escalation names in `notify`."""
    hours: tuple[Hours, ...] = ()
    fallback: bool = False
    """Only what no other route takes."""
    group: Group | None = None
    inhibit: Inhibit | None = None
    retry: Retry = Retry()
    breaker: BreakerRule = BreakerRule()
    timeout_s: float = Field(5.0, gt=0, le=300)
    concurrency: int = Field(8, ge=1, le=100)
    """Messages under way at once; as many again are kept free for high priority."""
    queue: int = Field(10_000, ge=10, le=1_000_000)
    """Alerts held in memory; beyond that the topic is not read further."""
    otherwise: Name | None = None
    """The route that is told as well of what this one did not deliver in time, or cannot."""
    otherwise_s: float = Field(30.0, gt=0, le=86_400)
    """How soon, from an alert's record on; this route goes on trying all the same."""
    start: Literal["end", "beginning"] = "end"
    """Where a route begins that has never run: at what comes next, or at all that is kept."""

    @property
    def conditional(self) -> bool:
        """Whether there are alerts that it would not take."""
        return bool(self.type or self.priority or self.unit or self.role or self.hours)


class Routes(Strict):
    """A whole file."""

    time_zone: str = "UTC"
    units: dict[Name, tuple[Pattern, ...]] = Field(default_factory=dict)
    """Names for locations: patterns of `location` as the patient events have it."""
    route: tuple[Route, ...] = Field(min_length=1, max_length=100)
    receiver: dict[Name, ReceiverConfig]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of `hours`."""
        return ZoneInfo(self.time_zone)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"time_zone: no such zone {self.time_zone!r}; expected one as Europe/Berlin"
            ) from None
        names = [route.name for route in self.route]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"route {name!r}: the name is taken twice; progress goes by name")
        for route in self.route:
            if route.receiver not in self.receiver:
                known = ", ".join(sorted(self.receiver)) or "none"
                raise ValueError(
                    f"route {route.name!r}: receiver {route.receiver!r} is not described in a table"
                    f" [receiver.{route.receiver}]; described are: {known}"
                )
        for route in self.route:
            self._otherwise_ends(route)
        for name in self.receiver:
            if name not in {route.receiver for route in self.route}:
                raise ValueError(f"receiver {name!r}: no route leads to it")
        if all(route.conditional for route in self.route):
            raise ValueError(
                "there may be alerts that no route takes: give one route no conditions, or "
                "`fallback = true` and no conditions"
            )
        return self

    def named(self, name: str | None) -> Route | None:
        """The route of a name."""
        return next((route for route in self.route if route.name == name), None)

    def _otherwise_ends(self, route: Route) -> None:
        """Each `otherwise` is a route, and from one to the next there is an end."""
        passed = [route.name]
        while route.otherwise is not None:
            after = self.named(route.otherwise)
            if after is None:
                raise ValueError(
                    f"route {route.name!r}: otherwise: there is no route {route.otherwise!r};"
                    f" expected one of {', '.join(one.name for one in self.route)}"
                )
            if after.name in passed:
                raise ValueError(
                    f"route {after.name!r}: otherwise: it leads back to itself"
                    f" ({' -> '.join([*passed, after.name])})"
                )
            passed.append(after.name)
            route = after


def load_routes(path: Path | None) -> Routes:
    """The routes of a file; None: the packaged ones. Raises RoutesError."""
    try:
        text = (
            resources.files("stream.router").joinpath(PACKAGED).read_text("utf-8")
            if path is None
            else path.read_text("utf-8")
        )
    except OSError as error:
        raise RoutesError((f"cannot read {path}: {error.strerror}",)) from None
    except UnicodeDecodeError:
        raise RoutesError((f"{path} is not UTF-8 text",)) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutesError((f"{path} is not TOML: {error}",)) from None
    return parse_routes(document)


def parse_routes(document: dict[str, Any]) -> Routes:
    """The routes that a document describes. Raises RoutesError."""
    try:
        return Routes.model_validate(document)
    except ValidationError as error:
        raise RoutesError(tuple(_problem(item, document) for item in error.errors())) from None


def _problem(item: Any, document: dict[str, Any]) -> str:
    """`route 'bleep': hours.0.from: expected …`."""
    place = list(item["loc"])
    named = ""
    if place[:1] == ["route"] and len(place) > 1 and isinstance(place[1], int):
        try:
            named = f"route {document['route'][place[1]]['name']!r}: "
        except (KeyError, TypeError):
            named = f"route {place[1] + 1}: "
        place = place[2:]
    elif place[:1] == ["receiver"] and len(place) > 1:
        named = f"receiver {place[1]!r}: "
        place = place[3:] if len(place) > 3 else place[2:]  # without the tag of the kind
    text = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        text = "no such field"
    elif item["type"] == "missing":
        text = "is missing"
    elif item["type"] not in {"value_error", "union_tag_not_found", "union_tag_invalid"}:
        shown = repr(item["input"])
        hidden = len(shown) > 80 or not HIDDEN.isdisjoint(map(str, place))
        text = f"{'this value' if hidden else shown} cannot be used: {text[:1].lower()}{text[1:]}"
    field = ".".join(map(str, place))
    return f"{named}{field}{': ' if field else ''}{text}"
