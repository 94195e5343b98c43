"""Laws of escalation: ticks and restarts change no byte, and every alarm has one clear end."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import OUTPUT_ADAPTER
from stream.engine import Alert, Tick
from stream.engine.ruleset import MINUTE, SECOND
from tests.charts import START, Chart

Doing = tuple[int, str, Any]
"""Minute, what, with what."""
LATEST = 16 * 60

DOINGS = st.lists(
    st.tuples(
        st.integers(5, LATEST),
        st.sampled_from(["fever", "cannula", "air", "pump", "stop", "bipap", "answer", "shelve",
                         "unshelve", "retract", "discharge", "neuro"]),
        st.integers(0, 7),
    ),
    min_size=3,
    max_size=14,
).map(sorted)  # fmt: skip
CUTS = st.lists(st.tuples(st.integers(0, LATEST), st.booleans()), max_size=12)


def at(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02}"


def do(chart: Chart, minute: int, what: str, number: int) -> None:
    time = at(minute)
    if what in ("answer", "shelve", "unshelve"):
        tick(chart, minute - 1, restart=False)  # a person has seen what is answered
    alarms = [alert.body["alert"] for alert in chart.said("escalation.opened")]
    alarm = alarms[number % len(alarms)] if alarms else "nothing"
    if what == "fever":
        chart.at(time, temp=38.6, sbp=120, dbp=70, received=at(minute + number))
    elif what in ("cannula", "air", "bipap"):
        device = {"cannula": "nasal_cannula", "air": "room_air", "bipap": "bipap"}[what]
        chart.oxygen(time, device, 2 if what == "cannula" else None)
    elif what == "pump":
        chart.pump(time, "norepinephrine", 4)
    elif what == "stop":
        chart.pump(time, "norepinephrine", 0, "stop")
    elif what == "neuro":
        chart.neuro(time, ice=number)
    elif what == "discharge":
        chart.outcome(time, "discharged")
    elif what == "retract":
        chart.retract(time, f"e{1 + number + 2}")
    elif what == "shelve":
        chart.answer(time, alarm, "shelve", until=at(minute + 5 + 10 * number))
    else:
        chart.answer(time, alarm, "unshelve" if what == "unshelve" else "acknowledge")


def lived(doings: list[Doing], cuts: list[tuple[int, bool]]) -> list[Alert]:
    """The chart's alerts, with a tick after each of these minutes, and restarts at some."""
    ticks = sorted(cuts)
    chart = Chart()
    chart.patient("0:01", location="7W/1")
    for minute, what, number in doings:
        while ticks and ticks[0][0] < minute:
            tick(chart, *ticks.pop(0))
        do(chart, minute, what, number)
    for item in ticks:
        tick(chart, *item)
    chart.tick(at(3 * LATEST))
    return chart.alerts


def tick(chart: Chart, minute: int, restart: bool) -> None:
    chart.apply(Tick(START + minute * MINUTE + 30 * SECOND))
    if restart:
        chart.restart()


@settings(deadline=None, max_examples=30)
@given(doings=DOINGS, cuts=CUTS)
def test_neither_ticks_nor_restarts_change_a_byte(
    doings: list[Doing], cuts: list[tuple[int, bool]]
) -> None:
    whole = [alert.to_bytes() for alert in lived(doings, [])]
    assert [alert.to_bytes() for alert in lived(doings, cuts)] == whole


@settings(deadline=None, max_examples=30)
@given(doings=DOINGS)
def test_every_alarm_is_one_life(doings: list[Doing]) -> None:
    """Opened once, closed at most once and then silent; nothing but its state ever changes.

    One that was closed because the patient left may be opened again: they are back. So may that
    of a score which a high grade took the place of.
    """
    alerts = lived(doings, [])
    assert len({alert.alert_id for alert in alerts}) == len(alerts)
    open_, over, left = {}, set(), set()
    for alert in alerts:
        OUTPUT_ADAPTER.validate_json(alert.to_bytes())
        body = alert.body
        if not alert.type.startswith("escalation.") or alert.type == "escalation.summarised":
            continue
        name, about = body["alert"], (body["event"], body["subject"], body["grade"])
        assert name not in over
        if name in left:
            assert alert.type == "escalation.opened"
            left.discard(name)
        assert open_.setdefault(name, about) == about
        if alert.type == "escalation.closed":
            again = body["why"] == "ended" or (body["event"], body["why"]) == ("risk", "superseded")
            (left if again else over).add(name)
        if body["grade"] == 4:
            assert body["state"] != "shelved"
        if body["respond_by"] is not None:
            assert body["notify"]
    grades = [
        a.body["to_grade"] for a in alerts if a.type == "grade.changed" and a.priority == "high"
    ]
    told = [a.body["grade"] for a in alerts if a.type == "escalation.opened"]
    assert set(grades) <= {*told, 5}
