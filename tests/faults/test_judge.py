"""The judge judged: an honest worker's output passes, and no kind of damage does."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from stream.rules import load_ruleset
from stream.soak.feed import feed
from stream.soak.judge import Code, Judge, Seen, Verdict
from stream.soak.oracle import Oracle, Truth
from stream.worker.partitions import partition_of
from stream.worker.table_keys import split_window_key
from tests.worker.harness import PARTITIONS, Worker, alter, record

if TYPE_CHECKING:
    from stream.worker.records import SourceRecord

RULESET = load_ruleset()
MARK = "patient-hash"


@cache
def honest() -> tuple[Truth, Seen]:
    """What the worker's rounds make of one partition, and what the engine alone does."""
    worker, oracle = Worker(), Oracle(RULESET, 262_144)
    items = [item for item in feed(11, 2_500) if partition_of(item.key, PARTITIONS) == 1]
    records: list[SourceRecord] = [
        record(item.value, offset, key=item.key) for offset, item in enumerate(items)
    ]
    worker.work(records, size=100)
    for one in records:
        oracle.take(one.offset, one.key, one.value)
    sent = worker.broker.acknowledged
    seen = Seen(
        1,
        alerts=[(key or b"", value or b"") for topic, key, value in sent if topic == "alerts"],
        letters=[value for topic, _, value in sent if topic == "deadletter" and value],
        patients=worker.broker.table("pc"),
        windows=worker.broker.table("wc"),
        statuses=worker.broker.table("status"),
        committed={"vitals": len(records)},
        ends={"vitals": len(records), "ticks": 0},
    )
    return oracle.truth, seen


def judged(seen: Seen) -> Verdict:
    truth, _ = honest()
    return Judge(RULESET, "vitals", lambda _: MARK).judge(truth, seen)


def codes(seen: Seen) -> set[Code]:
    verdict = judged(seen)
    assert not any("soak-" in str(damage) for damage in verdict.damages), "a patient's id is shown"
    return {damage.code for damage in verdict.damages}


@pytest.fixture
def seen() -> Seen:
    _, seen = honest()
    return replace(
        seen, alerts=[*seen.alerts], letters=[*seen.letters], patients={**seen.patients},
        windows={**seen.windows}, statuses={**seen.statuses},
    )  # fmt: skip


def test_an_honest_worker_keeps_the_promise(seen: Seen) -> None:
    verdict = judged(seen)
    assert verdict.kept, verdict.damages[:3]
    assert verdict.counts["alerts"] == len(seen.alerts) > 10
    assert verdict.counts["dead letters"] > 0
    assert verdict.counts["patients"] > 1
    assert verdict.counts["alerts repeated"] == 0


def test_repeats_with_the_same_bytes_are_allowed_and_counted(seen: Seen) -> None:
    seen.alerts += seen.alerts[3:6]
    seen.letters += seen.letters[:2]
    verdict = judged(seen)
    assert verdict.kept
    assert verdict.counts["alerts repeated"] == 3
    assert verdict.counts["dead letters repeated"] == 2


def test_a_lost_alert(seen: Seen) -> None:
    _, value = seen.alerts.pop(4)
    assert codes(seen) == {Code.ALERT_LOST}
    assert json.loads(value)["alert_id"] in str(judged(seen).damages[0])


def test_an_alert_that_the_engine_does_not_say(seen: Seen) -> None:
    key, value = seen.alerts[0]
    seen.alerts.append((key, json.dumps(json.loads(value) | {"alert_id": "0-1"}).encode()))
    assert codes(seen) == {Code.ALERT_EXTRA}


def test_an_alert_of_a_patient_nobody_knows(seen: Seen) -> None:
    seen.alerts.append((b"stranger", seen.alerts[0][1]))
    assert codes(seen) == {Code.ALERT_EXTRA}


def test_an_alert_with_other_bytes(seen: Seen) -> None:
    key, value = seen.alerts[2]
    seen.alerts[2] = key, value.replace(b'"priority"', b'"Priority"')
    assert codes(seen) == {Code.ALERT_ALTERED}


def test_a_repeat_with_other_bytes(seen: Seen) -> None:
    key, value = seen.alerts[2]
    seen.alerts.append((key, value + b" "))
    assert codes(seen) == {Code.ALERT_ALTERED}


def test_alerts_of_a_patient_in_another_order(seen: Seen) -> None:
    last = len(seen.alerts) - 1
    first = next(n for n, (key, _) in enumerate(seen.alerts) if key == seen.alerts[last][0])
    assert first != last
    seen.alerts[first], seen.alerts[last] = seen.alerts[last], seen.alerts[first]
    assert codes(seen) == {Code.ALERT_ORDER}


def test_a_record_of_a_patient_that_fell_behind(seen: Seen) -> None:
    key = max(seen.patients, key=lambda key: len(seen.patients[key]))
    alter(seen.patients, seen.windows, key, lambda record: replace(record, seq=record.seq - 1))
    assert codes(seen) == {Code.HISTORY}


def test_a_patient_who_is_not_stored(seen: Seen) -> None:
    del seen.patients[next(iter(seen.patients))]
    assert codes(seen) == {Code.HISTORY}


def test_a_window_that_is_gone_and_one_with_other_facts(seen: Seen) -> None:
    truth, _ = honest()
    held = [
        (key, parts[0])
        for key in seen.windows
        if (parts := split_window_key(key)) and parts[1] in truth.states[parts[0].decode()].windows
    ]
    (one, _), (other, _) = next(
        (a, b)
        for a in held
        for b in held
        if a[1] == b[1] and seen.windows[a[0]] != seen.windows[b[0]]
    )
    assert codes(replace(seen, windows={**seen.windows, one: seen.windows[other]})) == {
        Code.HISTORY
    }
    del seen.windows[one]
    assert codes(seen) == {Code.HISTORY}
    assert "windows" in str(judged(seen).damages[0])


def test_a_table_that_cannot_be_read(seen: Seen) -> None:
    key = next(iter(seen.patients))
    seen.patients[key] = b"\x63" + seen.patients[key][1:]
    assert codes(seen) == {Code.HISTORY}
    assert "format 99" in str(judged(seen).damages[0])


def test_a_lost_and_an_invented_dead_letter(seen: Seen) -> None:
    letter = json.loads(seen.letters.pop())
    assert codes(seen) == {Code.LETTER_LOST}
    seen.letters.append(json.dumps(letter | {"offset": 10**6}).encode())
    assert codes(seen) == {Code.LETTER_LOST, Code.LETTER_EXTRA}


def test_letters_of_other_partitions_are_not_this_one_s(seen: Seen) -> None:
    letter = json.loads(seen.letters[0])
    seen.letters.append(json.dumps(letter | {"partition": 2, "offset": 10**6}).encode())
    assert codes(seen) == set()


def test_an_old_and_a_missing_status(seen: Seen) -> None:
    keys = list(seen.statuses)
    old = json.loads(seen.statuses[keys[0]])
    seen.statuses[keys[0]] = json.dumps(old | {"grade": 9}).encode()
    assert codes(seen) == {Code.STATUS}
    del seen.statuses[keys[0]]
    assert codes(seen) == {Code.STATUS}


def test_an_offset_that_is_not_committed(seen: Seen) -> None:
    assert codes(replace(seen, committed={})) == {Code.COMMIT}
    assert codes(replace(seen, committed={"vitals": seen.ends["vitals"] - 1})) == {Code.COMMIT}
