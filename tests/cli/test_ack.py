"""What `stormwatch ack` says of an answer to which no worker says anything."""

from __future__ import annotations

import json

import pytest

from stream.cli.ack import whose
from stream.cli.topic_events import standing_answer
from tests.charts import Chart


def asked_anew(how: str) -> Chart:
    """An alarm that somebody answered at 10:01, and that asks again."""
    chart = Chart()
    chart.at("10:00", temp=38.6, sbp=120, dbp=70, spo2=97)
    chart.answer("10:01", chart.alarm(1), id="answer")
    if how == "withdrawn":
        chart.retract("10:02", "answer")
    elif how == "shelved":
        chart.answer("10:02", chart.alarm(1), "shelve", until="10:30")
        chart.answer("10:03", chart.alarm(1), "unshelve")
    elif how == "back":
        chart.outcome("10:02", "discharged", id="end")
        chart.retract("10:03", "end")
    return chart


@pytest.mark.parametrize("how", ["", "withdrawn", "shelved", "back"])
def test_an_answer_of_before_the_alarm_asked_anew_holds_no_more(how: str) -> None:
    chart = asked_anew(how)
    values = [json.dumps(alert.to_wire()).encode() for alert in chart.alerts]
    answer = standing_answer(values, chart.alarm(1))
    assert (answer is not None) == (not how)
    assert ("grade 1 acknowledged" in chart.alarms()) == (not how)


@pytest.mark.parametrize(
    ("sent", "says"), [("answer", "it was taken"), ("another", "it changes nothing")]
)
def test_ones_own_answer_that_came_late_is_not_somebody_elses(sent: str, says: str) -> None:
    chart = asked_anew("")
    values = [json.dumps(alert.to_wire()).encode() for alert in chart.alerts]
    held = standing_answer(values, chart.alarm(1))
    assert held is not None
    told = whose(held, {"event_id": sent})
    assert told == f"; {says}: nurse-1 answered at {held['effective_time']}"
    assert whose(None, {"event_id": sent}) == "; nothing came of it yet"
