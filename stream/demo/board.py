"""What the demo shows: the state of the ward, as a live table or as plain lines."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Group
from rich.table import Table
from rich.text import Text

from stream.sentences import alert_line, deadletter_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.live import Live

GRADE_STYLES = {
    0: "dim",
    1: "yellow",
    2: "bold dark_orange",
    3: "bold red",
    4: "bold white on red",
    5: "bold white on black",
}
PRIORITY_STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "information": "dim"}
PLAIN_EVERY_S = 5.0


@dataclass(slots=True)
class Board:
    """The ward as it stands by the newest records."""

    stories: Mapping[str, str]
    begins: datetime
    status: dict[str, dict[str, Any]] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    clock: datetime | None = None
    sent: int = 0
    letters: int = 0

    def take(self, topic: str, patient_id: str, value: bytes) -> str | None:
        """Takes in one record; returns the line to tell of it, where it is worth one."""
        document = json.loads(value)
        if topic == "status":
            self.status[patient_id] = document
            return None
        if topic == "deadletter":
            self.letters += 1
            return f"dead letter  {deadletter_line(document)}"
        self.alerts[patient_id] += 1
        return alert_line(document)

    def rows(self) -> Iterable[tuple[str, ...]]:
        """Of each patient: id, place, therapy, grade, since when, why, number of alerts."""
        for patient_id in self.stories:
            status = self.status.get(patient_id)
            if status is None:
                yield patient_id, "", "", "", "", self.stories[patient_id], "0"
                continue
            yield (
                patient_id,
                str(status.get("location") or ""),
                self._therapy(status.get("therapy")),
                _grade(status),
                self._since(status.get("since")),
                _why(status),
                str(self.alerts[patient_id]),
            )

    def head(self) -> str:
        """The ward's clock and the counts in one line."""
        moment = "--" if self.clock is None else f"{self.clock:%d %b %H:%M}"
        hours = 0.0
        if self.clock is not None:
            hours = (self.clock - self.begins) / timedelta(hours=1)
        return (
            f"ward clock {moment} (hour {hours:.0f})   {self.sent} events sent   "
            f"{self.alerts.total()} alerts   {self.letters} dead letters"
        )

    def _therapy(self, therapy: dict[str, Any] | None) -> str:
        if not therapy or self.clock is None:
            return ""
        age = self.clock - datetime.fromisoformat(therapy["time"])
        product = str(therapy["product"]).partition("_")[0]
        hours = int(age / timedelta(hours=1))
        return f"{product}, {f'{hours} h' if hours < 48 else f'day {hours // 24}'}"

    def _since(self, since: str | None) -> str:
        return "" if since is None else f"{datetime.fromisoformat(since):%d %b %H:%M}"


class Screen(Protocol):
    """Where the demo tells of itself."""

    def say(self, text: str, style: str = "") -> None:
        """A line that stays."""

    def show(self, board: Board) -> None:
        """The ward as it is now."""


class PlainScreen:
    """Lines only: for files, pipes and people who like them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next: datetime | None = None

    def say(self, text: str, style: str = "") -> None:  # noqa: ARG002 - lines have no colour
        """A line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, board: Board) -> None:
        """One line now and then that says how far the ward is."""
        if board.clock is None:
            return
        now = datetime.now().astimezone()
        if self._next is None or now >= self._next:
            self._next = now + timedelta(seconds=PLAIN_EVERY_S)
            self.say(f"-- {board.head()}")


class LiveScreen:
    """A table that stays at the bottom, with lines running above it."""

    def __init__(self, live: Live, foot: str) -> None:
        self._live = live
        self._foot = foot

    def say(self, text: str, style: str = "") -> None:
        """A line above the table."""
        self._live.console.print(Text(text, style=style, overflow="fold"))

    def show(self, board: Board) -> None:
        """Draws the table anew."""
        table = Table(expand=True, box=None, pad_edge=False, header_style="bold")
        for title, more in (
            ("patient", {"no_wrap": True}),
            ("place", {"max_width": 20}),
            ("since therapy", {"max_width": 24}),
            ("grade", {"no_wrap": True}),
            ("since", {"no_wrap": True}),
            ("driven by", {"ratio": 1}),
            ("alerts", {"justify": "right"}),
        ):
            table.add_column(title, **more)
        for patient_id, place, therapy, grade, *rest in board.rows():
            style = GRADE_STYLES.get(int(grade[0]), "") if grade[:1].isdigit() else "dim"
            cells = [Text(cell, overflow="ellipsis", no_wrap=True) for cell in rest]
            where = Text(place, overflow="ellipsis", no_wrap=True)
            table.add_row(patient_id, where, therapy, Text(grade, style=style), *cells)
        self._live.update(
            Group(Text(""), Text(board.head(), style="bold"), table, Text(self._foot))
        )


def line_style(topic: str, value: bytes) -> str:
    """How a record's line looks: by the priority of an alert."""
    if topic == "deadletter":
        return "magenta"
    return PRIORITY_STYLES.get(str(json.loads(value).get("priority")), "")


def _grade(status: Mapping[str, Any]) -> str:
    grade, candidate = status.get("grade"), status.get("candidate_grade")
    text = "-" if grade is None else str(grade)
    return f"{text} (candidate {candidate})" if candidate else text


def _why(status: Mapping[str, Any]) -> str:
    reasons = status.get("reasons") or []
    texts = [str(reason.get("text", "")) for reason in reasons]
    return texts[0] if texts else ""
