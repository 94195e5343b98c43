"""The alerts of a patient as an audit trail: each holds the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from stream.offline import OfflineEngine
from tests.charts import P0, Chart
from tests.worker.ward_events import lines, ward


def course(*, restarts: bool = False) -> Chart:
    """A fever, a low pressure, silence, and a reading taken back."""
    chart = Chart()
    wrong = chart.at("10:00", temp=38.6, sbp=118, dbp=70)
    for minute in range(10, 50, 10):
        chart.at(f"12:{minute}", temp=38.9, sbp=82, dbp=50)
        if restarts:
            chart.restart()
    chart.tick("20:00")
    chart.retract("20:05", wrong)
    return chart


def values(chart: Chart) -> list[bytes]:
    return [alert.to_bytes() for alert in chart.alerts]


def test_each_alert_holds_the_hash_of_the_record_before_it() -> None:
    said = values(course())
    assert len(said) > 4
    hashes = [json.loads(value)["previous_hash"] for value in said]
    assert hashes == [None, *(hashlib.sha256(value).hexdigest() for value in said[:-1])]


def test_the_state_holds_the_hash_of_the_last_one_and_a_restart_breaks_no_chain() -> None:
    chart, stored = course(), course(restarts=True)
    assert values(stored) == values(chart)
    assert chart.state is not None
    assert chart.state.record.chain_head == hashlib.sha256(values(chart)[-1]).hexdigest()


def test_every_patient_has_a_chain_of_their_own() -> None:
    engine = OfflineEngine(P0)
    last: dict[str, str] = {}
    for raw in lines(ward(4)):
        for alert in engine.take(raw).alerts:
            assert alert.previous_hash == last.get(alert.patient_id)
            last[alert.patient_id] = alert.digest
    assert len(last) == 4


def test_what_was_said_before_does_not_enter_the_id() -> None:
    """The same finding of the same patient, once as the first alert and once as a later one."""

    def grades(chart: Chart) -> list[Any]:
        chart.at("10:00", temp=38.6, sbp=118, dbp=70)
        return chart.said()

    alone, after = Chart(), Chart()
    after.neuro("8:00", ice=8)
    (first,), (later,) = grades(alone), grades(after)
    assert first.alert_id == later.alert_id
    assert first.previous_hash is None
    assert later.previous_hash is not None
