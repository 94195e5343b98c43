"""A high score is never lost beside a grade: it asks, or the alarm of a grade 3 or 4 stands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.engine import Tick
from stream.engine.ruleset import MINUTE
from tests.charts import START, Chart

WELL: dict[str, float] = {"temp": 37.0, "sbp": 118, "dbp": 70, "hr": 80, "rr": 16, "spo2": 97}
ILL: dict[str, float] = {**WELL, "temp": 38.6, "hr": 132, "rr": 26}
"""NEWS2 of 7."""
DOINGS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from(["ill", "ill", "well", "pump", "stop", "bipap", "air", "answer", "shelve",
                         "withdraw", "wait"]),
        st.integers(0, 7),
    ),
    min_size=6,
    max_size=30,
)  # fmt: skip


def do(chart: Chart, minute: int, what: str, number: int) -> None:
    time = f"{minute // 60}:{minute % 60:02}"
    asked = [alert.body["alert"] for alert in chart.said("escalation.opened")]
    alarm = asked[-1 - number % len(asked)] if asked else "nothing"
    if what in ("ill", "well"):
        chart.at(time, **(ILL if what == "ill" else WELL))
    elif what in ("bipap", "air"):
        chart.oxygen(time, "bipap" if what == "bipap" else "room_air")
    elif what in ("pump", "stop"):
        rate, action = (4, "start") if what == "pump" else (0, "stop")
        chart.pump(time, "norepinephrine", rate, action)
    elif what == "answer":
        chart.answer(time, alarm)
    elif what == "shelve":
        until = minute + 5 + 10 * number
        chart.answer(time, alarm, "shelve", until=f"{until // 60}:{until % 60:02}")
    elif what == "withdraw":
        chart.retract(time, f"e{max(5, chart.count - number)}")
    else:
        chart.apply(Tick(START + (minute + 10 * number) * MINUTE))


def check(chart: Chart) -> str:
    """Which of the two it is: `asks`, `silent`, or `low` where there is no high score."""
    assert chart.state is not None
    published = chart.state.record.published
    news2 = published.risks.get("news2")
    asks = [alarm.event for alarm in published.alarms.open].count("risk")
    if news2 is None or news2.band != "high":
        return "low"
    silent = any(
        alarm.event == "grade" and alarm.grade >= 3 and alarm.returned is None
        for alarm in published.alarms.open
    )
    opened = published.alarms.of(news2.alert_id) is not None
    assert opened != silent, chart.told()
    assert asks == opened, chart.told()
    return "silent" if silent else "asks"


@settings(deadline=None, max_examples=25)
@given(doings=DOINGS)
def test_a_high_score_asks_unless_a_high_grade_does(doings: list[tuple[int, str, int]]) -> None:
    chart = Chart()
    chart.oxygen("9:00", "room_air")
    chart.neuro("9:00", ice=10, consciousness="awake")
    minute, seen = 10 * 60, set()
    for gap, what, number in [(0, "ill", 0), (16, "ill", 0), *doings]:
        minute += gap
        do(chart, minute, what, number)
        minute = max(minute, (chart.events[-1].time - START) // MINUTE)
        seen.add(check(chart))
    assert len({alert.alert_id for alert in chart.alerts}) == len(chart.alerts)
    assert "asks" in seen
