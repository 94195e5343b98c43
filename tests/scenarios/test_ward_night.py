"""A night on a ward, 20 patients, 12 hours: every step of every ladder, read from the file again.

`Reading` below is a second reading of the ladder file, written from its comments alone: it knows
when each grade was reached and who answered when, and nothing of the engine.
"""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stream.engine import Tick
from stream.engine.ruleset import MINUTE
from stream.rules.documents import packaged
from stream.rules.ladders import build_ladders
from tests.charts import P0, START, Chart, clock, when

PATIENTS = range(20)
ZONE = "Europe/Berlin"
BEGIN, END = "18:00", "30:00"  # 19:00 to 07:00 local
Json = dict[str, Any]


@cache
def night_ladders() -> Json:
    """The packaged file with a night of its own for unit 7W, and a physician who goes home."""
    table: Json = deepcopy(packaged()["ladders"])
    table["site"]["time_zone"] = ZONE
    table["roles"]["physician"] |= {
        "hours": [{"from": "08:00", "until": "23:00"}], "instead": "site-on_call",
    }  # fmt: skip
    table["roles"]["site-on_call"] = {"text": "the physician on call", "source": "test"}
    table["rows"].append(
        {
            "id": "site-7w-night",
            "for": [{"event": "grade", "grades": [2, 3]}],
            "units": ["7W"],
            "hours": [{"from": "22:00", "until": "06:00"}],
            "again_s": 3600,
            "rounds": 2,
            "rungs": [
                {"number": 1, "notify": ["bedside_nurse"], "respond_s": 240},
                {"number": 2, "notify": ["physician", "biomedical"], "respond_s": 360,
                 "repeats": 1},
            ],
            "source": "test",
            "status": "DESIGN",
        }
    )  # fmt: skip
    return table


RULES = replace(P0, ladders=build_ladders(night_ladders()))


@dataclass
class Course:
    """What happens to one patient: minutes after the night began at which a grade is reached."""

    unit: str
    reached: list[tuple[int, int]] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)
    """Grade -> minute at which somebody answers its alarm."""


def course(number: int) -> Course:
    dice = random.Random(number)
    found = Course(dice.choice(["7W", "8E"]))
    minute = 0
    for grade in (1, 2, 3, 4):
        minute += dice.randint(20, 200)
        if minute > 700 or (grade > 1 and dice.random() < 0.25):
            break
        found.reached.append((minute, grade))
        if dice.random() < 0.6:
            found.answered[grade] = minute + dice.randint(1, 90)
    return found


def chart_of(number: int, cuts: list[int] | None = None) -> Chart:
    """The night as a chart; `cuts`: ticks (microseconds), with a restart at each."""
    night = course(number)
    todo: list[tuple[int, Any]] = []

    def at(minute: int) -> str:
        return f"18:{minute:02}" if minute < 60 else f"{18 + minute // 60}:{minute % 60:02}"

    def act(minute: int, name: str, *args: Any, **more: Any) -> None:
        todo.append((when(at(minute)), lambda c: getattr(c, name)(at(minute), *args, **more)))

    for minute, grade in night.reached:
        if grade == 1:
            act(minute, "at", temp=38.6, sbp=120, dbp=70, spo2=97)
        elif grade == 2:
            act(minute, "oxygen", "nasal_cannula", 2)
        elif grade == 3:
            act(minute, "pump", "norepinephrine", 4)
        else:
            act(minute, "oxygen", "bipap")
    for grade, minute in night.answered.items():
        todo.append((when(at(minute)), lambda c, g=grade, m=minute: c.answer(at(m), c.alarm(g))))
    todo += [(cut, None) for cut in cuts or ()]
    chart = Chart(ruleset=RULES)
    chart.patient(BEGIN, location=f"{night.unit}/{number}")
    for time, do in sorted(todo, key=lambda item: item[0]):
        if do is not None:
            do(chart)
        else:
            chart.apply(Tick(time))
            chart.restart()
    chart.tick(END)
    return chart


@dataclass
class Reading:
    """The ladder file, read by its comments."""

    table: Json

    def local(self, time: int) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
        return moment.astimezone(ZoneInfo(self.table["site"]["time_zone"])).strftime("%H:%M")

    def within(self, spans: list[Json], hour: str) -> bool:
        for span in spans:
            first, last = span["from"], span["until"]
            if (first <= hour < last) if first < last else (hour >= first or hour < last):
                return True
        return not spans

    def row(self, grade: int, unit: str, time: int) -> Json:
        rows = [
            row
            for row in self.table["rows"]
            if any(o["event"] == "grade" and grade in o.get("grades", ()) for o in row["for"])
            and not row.get("outpatient")
            and (not row.get("units") or unit in row["units"])
            and self.within(row.get("hours", []), self.local(time))
        ]
        own = [row for row in rows if row["id"].startswith("site-")]
        return (own or rows)[0]

    def there(self, roles: list[str], time: int) -> str:
        names = []
        for role in roles:
            name, hour = role, self.local(time)
            while not self.within(self.table["roles"][name].get("hours", []), hour):
                name = self.table["roles"][name]["instead"]
            names += [name] if name not in names else []
        return " ".join(names)

    def told(self, grade: int, unit: str, begin: int, stop: int, over: int) -> list[str]:
        """Every step of one alarm until somebody answers at `stop`, or it is superseded, `over`."""
        row, lines = self.row(grade, unit, begin), []
        informed = begin + row.get("inform_s", 0) * 1_000_000 if "inform" in row else None

        def line(time: int, what: str, rung: Json | None) -> None:
            if time < stop:
                words = [clock(time), f"grade {grade}", what]
                if rung is not None:
                    words += [str(rung["number"] - 1), self.there(rung["notify"], time)]
                lines.append(" ".join(words))

        for turn in range(row.get("rounds", 1)):
            time = begin + turn * row.get("again_s", 0) * 1_000_000
            for rung in row["rungs"]:
                first = "opened" if turn == 0 else "repeated"
                line(time, first if rung["number"] == 1 else "advanced", rung)
                asks = time < stop and informed is not None and time <= informed
                if asks and set(row["inform"]) <= set(rung["notify"]):
                    informed = None
                time += rung["respond_s"] * 1_000_000
            for _ in range(row["rungs"][-1].get("repeats", 0)):
                line(time, "repeated", row["rungs"][-1])
                time += row["rungs"][-1]["respond_s"] * 1_000_000
        line(time, "exhausted", None)
        if informed is not None and informed < over:
            step = sum(" advanced " in text for text in lines if when(text[:5]) <= informed)
            who = self.there(row["inform"], informed)
            lines.append(f"{clock(informed)} grade {grade} informed {step} {who}")
        return lines


def answers(night: Course, grade: int) -> list[int]:
    return [night.answered[grade]] if grade in night.answered else []


def read_again(number: int) -> list[str]:
    night, reading = course(number), Reading(night_ladders())
    lines: list[tuple[int, str]] = []
    for place, (minute, grade) in enumerate(night.reached):
        begin = START + 18 * 60 * MINUTE + minute * MINUTE
        later = [m for m, _ in night.reached[place + 1 :]]
        over, stop = (
            min([START + 18 * 60 * MINUTE + m * MINUTE for m in minutes] or [when(END) + 1])
            for minutes in (later[:1], [*later[:1], *answers(night, grade)])
        )
        told = reading.told(grade, night.unit, begin, stop, over)
        lines += [(when(text.split(" ", 1)[0]), text) for text in told]
    return [text for time, text in sorted(lines) if time <= when(END)]


ASKED = ("opened", "advanced", "repeated", "exhausted", "informed")


def asked(chart: Chart) -> list[str]:
    return [line for line in chart.told("grade") if line.split()[3] in ASKED]


@pytest.fixture(scope="module")
def nights() -> list[Chart]:
    return [chart_of(number) for number in PATIENTS]


def test_the_night_is_one(nights: list[Chart]) -> None:
    """Worth comparing: every grade, own and packaged ladders, over midnight, answered and not."""
    lines = [line for chart in nights for line in asked(chart)]
    assert len(lines) > 300
    for word in (
        "grade 1",
        "grade 4",
        "repeated",
        "exhausted",
        "informed",
        "site-on_call",
        " physician",
    ):
        assert any(word in line for line in lines), word


@pytest.mark.parametrize("number", PATIENTS)
def test_every_step_is_as_the_file_says(number: int, nights: list[Chart]) -> None:
    assert asked(nights[number]) == read_again(number)


@pytest.mark.parametrize("number", PATIENTS)
def test_a_restart_between_every_two_steps_loses_and_repeats_nothing(
    number: int, nights: list[Chart]
) -> None:
    times = sorted({alert.emitted_time for alert in nights[number].alerts} | {when(END)})
    cuts = [(a + b) // 2 + 1 for a, b in pairwise(times)]
    cut = chart_of(number, cuts)
    assert [a.to_bytes() for a in cut.alerts] == [a.to_bytes() for a in nights[number].alerts]
