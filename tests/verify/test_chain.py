"""Whatever is done to a log of alerts, the chain shows it; what a crash does, it lets pass."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stream.offline import OfflineEngine
from stream.verify.chain import Chain, read_link
from stream.verify.findings import Kind
from tests.charts import P0
from tests.worker.ward_events import lines, ward


def said() -> tuple[list[bytes], dict[str, str]]:
    """The alerts of a small ward without ladders, and the hash of each patient's last one."""
    engine = OfflineEngine(replace(P0, ladders=replace(P0.ladders, escalate=False)))
    alerts = [alert for raw in lines(ward(3)) for alert in engine.take(raw).alerts]
    return [alert.to_bytes() for alert in alerts], {a.patient_id: a.digest for a in alerts}


LOG, HEADS = said()
PATIENT = [json.loads(value)["patient_id"] for value in LOG]


def found(log: list[bytes], heads: dict[str, str] | None = None) -> Counter[Kind]:
    """What the chains of all patients show; `heads` as the tables know them."""
    heads = HEADS if heads is None else heads
    kinds: Counter[Kind] = Counter()
    chains = {patient: Chain() for patient in heads}
    for place, value in enumerate(log):
        link = read_link(value, place)
        if link is None:
            kinds[Kind.UNREADABLE] += 1
        else:
            chains.setdefault(link.patient_id, Chain()).take(link)
    for patient, chain in chains.items():
        kinds.update(item.kind for item in chain.breaks())
        if (end := chain.lacks(heads.get(patient))) is not None:
            kinds[end.kind] += 1
        if patient not in heads:
            kinds[Kind.UNKNOWN] += 1
    return kinds


places = st.integers(0, len(LOG) - 1)


def test_a_whole_log_is_whole() -> None:
    assert len(LOG) > 20
    assert found(LOG) == {}


@given(places)
def test_a_missing_alert_is_found(place: int) -> None:
    kinds = found(LOG[:place] + LOG[place + 1 :])
    last = place == max(n for n, who in enumerate(PATIENT) if who == PATIENT[place])
    assert kinds == {Kind.LAST_MISSING if last else Kind.CHAIN_BROKEN: 1}


@given(places, st.data())
def test_an_altered_byte_is_found(place: int, data: Any) -> None:
    altered = bytearray(LOG[place])
    at = data.draw(st.integers(0, len(altered) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(byte != altered[at])
    altered[at] = byte
    assert found([*LOG[:place], bytes(altered), *LOG[place + 1 :]])


@given(places, st.data())
def test_a_byte_more_or_less_is_found(place: int, data: Any) -> None:
    value = LOG[place]
    at = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(
        st.sampled_from([value[:at] + value[at + 1 :], value[:at] + b" " + value[at:], b"", b"{}"])
    )
    assert found([*LOG[:place], other, *LOG[place + 1 :]])


@given(st.sampled_from(sorted(HEADS)), st.data())
def test_two_neighbours_in_the_wrong_order_are_found(patient: str, data: Any) -> None:
    mine = [n for n, who in enumerate(PATIENT) if who == patient]
    first = data.draw(st.integers(0, len(mine) - 2))
    a, b = mine[first], mine[first + 1]
    log = list(LOG)
    log[a], log[b] = log[b], log[a]
    assert found(log) == {Kind.REORDERED: 1}


@given(st.lists(st.tuples(places, places), min_size=1, max_size=4))
def test_what_a_crash_repeats_is_no_finding(crashes: list[tuple[int, int]]) -> None:
    """After a crash the log goes on from an earlier alert, with the same bytes."""
    log: list[bytes] = []
    at = 0
    for reached, back in crashes:
        log += LOG[at : max(at, reached)]
        at = min(max(at, reached), back)
    log += LOG[at:]
    assert found(log) == {}


def test_a_log_that_is_ahead_of_the_tables_is_no_finding() -> None:
    heads = {PATIENT[n]: json.loads(LOG[n])["previous_hash"] for n in range(len(LOG))}
    assert found(LOG, heads) == {}
    chain = Chain()
    for place, value in enumerate(LOG):
        if PATIENT[place] == "p00" and (link := read_link(value, place)) is not None:
            chain.take(link)
    assert chain.beyond(heads["p00"]) == 1
    assert chain.beyond(None) == PATIENT.count("p00")


def test_two_alerts_that_follow_the_same_one_are_a_branch() -> None:
    second = json.loads(LOG[-1])
    other = json.dumps({**second, "emitted_time": "2026-03-01T23:00:00Z"}).encode()
    assert found([*LOG[:-1], other, LOG[-1]]) == {Kind.BRANCH: 1}


def test_an_alert_put_in_at_the_beginning_is_a_branch() -> None:
    forged = json.dumps({**json.loads(LOG[0]), "priority": "low"}).encode()
    assert json.loads(LOG[0])["previous_hash"] is None
    assert found([forged, *LOG]) == {Kind.BRANCH: 1}


def older(value: bytes) -> bytes:
    alert = json.loads(value)
    del alert["previous_hash"]
    return json.dumps(alert).encode()


def test_alerts_of_before_the_chain_come_first_or_not_at_all() -> None:
    old = [older(value) for value in LOG]
    assert found([*old, *LOG]) == {}
    assert found([*LOG, old[0]]) == {Kind.NO_HASH: 1}


def test_where_the_beginning_was_deleted_the_first_link_is_unknown_not_broken() -> None:
    mine = [n for n, who in enumerate(PATIENT) if who == "p00"]
    chain = Chain(whole=False)
    for n in mine[2:]:
        link = read_link(LOG[n], n)
        assert link is not None
        chain.take(link)
    assert [item.kind for item in chain.breaks()] == [Kind.BEGINNING]
    assert chain.lacks(HEADS["p00"]) is None


@pytest.mark.parametrize(
    "value",
    [b"", b"nothing", b"[]", b"1", b'{"alert_id":1,"patient_id":"p"}', b"[" * 100_000,
     b'{"alert_id":"a","patient_id":"p","previous_hash":"ABC"}', None],
)  # fmt: skip
def test_what_is_no_alert_is_no_link(value: bytes | None) -> None:
    assert read_link(value, 0) is None
