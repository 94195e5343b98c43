"""The law of bundles: one is the same as its events, in order, wherever an event can come in."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from schemas.events import MAX_EVENTS
from stream.retrace import Retrace
from stream.rules import load_ruleset
from stream.soak.oracle import Oracle
from stream.verify.rebuild import Rebuild, RebuildPolicy
from stream.worker.records import SourceRecord
from tests.worker.harness import PARTITIONS, POLICY, Worker, record
from tests.worker.ward_events import START, event, lines, ward

RULES = load_ruleset()
PEOPLE = ("p00", "p01")


def unitless(number: int) -> dict[str, Any]:
    reading = {"signal": "heart_rate", "value": 80}
    return event("vitals", f"bad-{number}", "p00", START, readings=[reading])


def feed() -> list[dict[str, Any]]:
    """Late events, one twice, a retraction, a reading without a unit, an event that is none."""
    events = ward(2, minutes=200)
    events[30:30] = [unitless(1), {**unitless(2), "readings": []}, unitless(1)]
    return events


EVENTS = feed()


def records_of(events: list[dict[str, Any]], cuts: list[int]) -> list[SourceRecord]:
    """Of each patient, so many events a record as `cuts` says, over and over."""
    values, waiting, turn = [], {patient: [] for patient in PEOPLE}, 0
    for each in [*events, *({"patient_id": patient, "last": True} for patient in PEOPLE)]:
        mine: list[dict[str, Any]] = waiting[each["patient_id"]]
        if "last" not in each:
            mine.append(each)
        if mine and ("last" in each or len(mine) >= cuts[turn % len(cuts)]):
            one = {"type": "bundle", "patient_id": each["patient_id"], "events": mine.copy()}
            values.append(mine[0] if len(mine) == 1 else one)
            mine.clear()
            turn += 1
    return [record(raw, offset) for offset, raw in enumerate(lines(values))]


def alerts(worker: Worker) -> dict[bytes | None, list[bytes | None]]:
    said: dict[bytes | None, list[bytes | None]] = {}
    for topic, key, value in worker.broker.acknowledged:
        if topic == "alerts":
            said.setdefault(key, []).append(value)
    return said


def letters(worker: Worker) -> Counter[tuple[str, str]]:
    sent = worker.broker.values("deadletter")
    return Counter((letter["reason"], letter["event_id"]) for letter in sent)


def counted(worker: Worker, outcome: str) -> float:
    return worker.metrics.events.labels("vitals", outcome)._value.get()


def states(worker: Worker) -> dict[bytes, Any]:
    worker.restart()  # as it is stored
    return {key: worker.rounds.ward.state(key) for key in worker.rounds.ward}


@cache
def singly() -> tuple[Worker, Oracle, dict[bytes, Any], dict[bytes, Any]]:
    return everywhere([1], 1_000)


def everywhere(
    cuts: list[int], size: int
) -> tuple[Worker, Oracle, dict[bytes, Any], dict[bytes, Any]]:
    """The worker, the oracle of `soak`, the states of `verify`, the patients of `explain`."""
    records = records_of(EVENTS, cuts)
    worker, oracle = Worker(), Oracle(RULES, POLICY.max_record_bytes)
    worker.work(records, size)
    rebuild = Rebuild(RebuildPolicy(
        RULES, PARTITIONS, POLICY.ticks_topic, POLICY.max_ahead, POLICY.max_record_bytes,
    ))  # fmt: skip
    traced = Retrace(RULES)
    for one in records:
        oracle.take(one.offset, one.key, one.value)
        assert all(step.record is one for step in rebuild.take(one))
    traced.run([one.value or b"" for one in records])
    return worker, oracle, rebuild.states, traced.states


@settings(deadline=None, max_examples=5)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5) | st.just([MAX_EVENTS]),
    st.sampled_from([1, 3, 1_000]),
)
def test_a_bundle_is_the_same_as_its_events_in_order(cuts: list[int], size: int) -> None:
    alone, oracle, rebuilt, traced = singly()
    worker, judge, again, retraced = everywhere(cuts, size)
    assert alerts(worker) == alerts(alone)
    assert letters(worker) == letters(alone)
    for outcome in ("accepted", "duplicate", "rejected", "late"):
        assert counted(worker, outcome) == counted(alone, outcome)
    assert states(worker) == states(alone) == again == rebuilt
    assert judge.truth.alerts == oracle.truth.alerts
    assert judge.truth.states == oracle.truth.states
    assert judge.truth.accepted == oracle.truth.accepted
    assert retraced == traced


def test_the_feed_has_all_that_can_come_of_an_event() -> None:
    alone, *_ = singly()
    assert sum(map(len, alerts(alone).values())) > 10
    assert letters(alone) == {("unit_missing", "bad-1"): 2, ("invalid_value", "bad-2"): 1}
    assert counted(alone, "duplicate") >= 4
    assert counted(alone, "rejected") == 1


def test_a_bundle_that_is_read_again_is_passed_over_as_a_whole() -> None:
    records = records_of(EVENTS, [7])
    worker = Worker()
    worker.work(records)
    before = states(worker)
    worker.broker.acknowledged = [a for a in worker.broker.acknowledged if a[0] in {"pc", "wc"}]
    seen = counted(worker, "duplicate")
    worker.work(records[-3:])
    assert alerts(worker) == {}
    assert states(worker) == before
    sizes = [len(json.loads(one.value or b"").get("events", "1")) for one in records[-3:]]
    assert counted(worker, "duplicate") == seen + sum(sizes)


def test_a_bundle_in_the_wrong_partition_is_one_letter() -> None:
    (one,) = records_of([e for e in EVENTS[40:60] if e["patient_id"] == "p00"], [MAX_EVENTS])
    worker = Worker()
    worker.work([replace(one, partition=(one.partition + 1) % PARTITIONS)])
    assert letters(worker) == {("wrong_partition", None): 1}


def test_what_the_engine_refuses_of_a_bundle_has_its_place() -> None:
    therapy, other = EVENTS[0], {**EVENTS[0], "product": "other"}
    worker = Worker()
    worker.work(records_of([therapy, other], [2]))
    (letter,) = worker.broker.values("deadletter")
    assert letter["reason"] == "id_conflict"
    assert letter["detail"].startswith("events[1]: ")


def test_an_event_that_the_engine_fails_at_takes_none_of_its_bundle_with_it() -> None:
    grader = Worker().grader

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(grader, name)

        def step(self, state: Any, each: Any) -> Any:
            if getattr(each, "event_id", "") == "p00-v10":
                raise ZeroDivisionError
            return grader.step(state, each)

    mine = [each for each in EVENTS if each["patient_id"] == "p00"][:8]
    rest = [each for each in mine if each["event_id"] != "p00-v10"]
    worker, alone = Worker(Failing()), Worker()
    with capture_logs() as told:
        worker.work(records_of(mine, [8]))
    assert [line["event"] for line in told] == ["engine failed; the record is a dead letter"]
    alone.work(records_of(rest, [8]))
    assert alerts(worker) == alerts(alone)
    assert letters(worker)["internal", "p00-v10"] >= 1


def test_bundles_of_bad_events_are_a_flood_like_any_other() -> None:
    worker = Worker()
    events = [unitless(number) for number in range(4 * MAX_EVENTS)]
    worker.work(records_of(events, [MAX_EVENTS]))
    sent = worker.broker.values("deadletter")
    flood = [letter for letter in sent if letter["reason"] == "flood"]
    assert len(sent) <= POLICY.deadletters_per_minute // 4 + 1
    assert len(flood) == 1
    assert len(sent) - 1 + flood[0]["suppressed"]["reasons"]["unit_missing"] == len(events)
