"""What a fold concludes, piece by piece: frozen values, each with its time and its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stream.engine.events import Micros
from stream.engine.native import mypyc_attr

NEVER: Final[Micros] = -(1 << 62)


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Running:
    """One agent on a pump: since when without a break, last heard of when, by which events."""

    since: Micros
    seen: Micros
    rate: float
    unit: str
    start_id: str
    seen_id: str
    usable: bool = True
    """The rate can be: one beyond the quarantine limit runs at a dose that nobody knows."""
    expressed_as: str = "base"


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Why:
    """A coded reason with the events that it rests on (see `stream.engine.reasons`)."""

    code: str
    event_ids: tuple[str, ...] = ()
    detail: str = ""

    def __init__(
        self,
        code: str,
        event_ids: tuple[str, ...] = (),
        detail: str = "",
    ) -> None:
        self.code = code
        self.event_ids = event_ids
        self.detail = detail


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Change:
    """The emitted grade became `grade` at `time`."""

    time: Micros
    grade: int
    raw: int
    episode: int
    episode_max: int
    flags: tuple[str, ...]
    whys: tuple[Why, ...]
    mean_bp: float | None = None
    scales: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """The other scales' grades at that time; several where a wording is ambiguous."""
    product: str = ""
    therapy_class: str = ""

    def __init__(
        self,
        time: Micros,
        grade: int,
        raw: int,
        episode: int,
        episode_max: int,
        flags: tuple[str, ...],
        whys: tuple[Why, ...],
        mean_bp: float | None = None,
        scales: tuple[tuple[str, tuple[int, ...]], ...] = (),
        product: str = "",
        therapy_class: str = "",
    ) -> None:
        self.time = time
        self.grade = grade
        self.raw = raw
        self.episode = episode
        self.episode_max = episode_max
        self.flags = flags
        self.whys = whys
        self.mean_bp = mean_bp
        self.scales = scales
        self.product = product
        self.therapy_class = therapy_class


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate raised at `start` with `grade`, now at `level`.

    `how` it ended: `confirmed`, `ended`, or `raised` (another one took its place).
    """

    start: Micros
    grade: int
    level: int
    why: str
    flags: tuple[str, ...]
    whys: tuple[Why, ...]
    end: Micros | None = None
    how: str | None = None
    mean_bp: float | None = None
    episode: int | None = None


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class NeuroChange:
    """The ICANS grade became `grade` at `time`."""

    time: Micros
    grade: int
    whys: tuple[Why, ...]


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Dose:
    """One dose of an anti-IL-6 agent and the emitted grade at that time."""

    time: Micros
    event_id: str
    grade: int
    agent: str = "tocilizumab"


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class DoseQuestion:
    """A dose came near at `time` (its premedication, or the dose itself): a question, and why.

    It is the one that follows the dose at `after`, and is called by its number.
    """

    after: Micros
    called: int
    time: Micros
    event_id: str
    why: str


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Given:
    """The doses of one followed medicine: how many in all, and when the newest ones were."""

    count: int
    times: tuple[Micros, ...]
    last_id: str
    dose: float | None
    unit: str | None


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class LabValue:
    """A result in its analyte's unit, with the reference limits that came with it."""

    value: float
    at: Micros
    event_id: str
    upper: float | None = None
    lower: float | None = None


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class ScoreInputUsed:
    """One value that a score rests on: what, how much, true when, by which event."""

    name: str
    value: float | bool | str
    at: Micros
    event_id: str

    def __init__(
        self,
        name: str,
        value: float | bool | str,
        at: Micros,
        event_id: str,
    ) -> None:
        self.name = name
        self.value = value
        self.at = at
        self.event_id = event_id


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Risk:
    """The band of one score: in force since `held_at`, and the one that waits to be held.

    `held` None: nothing has been known long enough.
    """

    held: str | None = None
    held_at: Micros = NEVER
    value: float | None = None
    inputs: tuple[ScoreInputUsed, ...] = ()
    missing: tuple[str, ...] = ()
    waiting: str | None = None
    since: Micros = NEVER

    def __init__(
        self,
        held: str | None = None,
        held_at: Micros = NEVER,
        value: float | None = None,
        inputs: tuple[ScoreInputUsed, ...] = (),
        missing: tuple[str, ...] = (),
        waiting: str | None = None,
        since: Micros = NEVER,
    ) -> None:
        self.held = held
        self.held_at = held_at
        self.value = value
        self.inputs = inputs
        self.missing = missing
        self.waiting = waiting
        self.since = since


@mypyc_attr(acyclic=True)
@dataclass(frozen=True, slots=True)
class Screen:
    """The IEC-HS screen: since when it is as it is, and the criteria met with their events."""

    positive: bool | None
    since: Micros
    last_positive: Micros = NEVER
    judged: Micros = NEVER
    """When the newest result was looked at: the screen has no clock of its own."""
    criteria: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
