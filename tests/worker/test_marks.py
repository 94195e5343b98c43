"""What a commit and a record tell of the changelogs: written, read back, and what is not theirs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.worker.marks import BARRIER, barrier, ends_of, latest_owner, metadata_of, short_of, told
from stream.worker.preflight import TABLES
from stream.worker.table_keys import split_window_key

BROKERS_TAKE = 4096
LARGEST = 2**63 - 1

if TYPE_CHECKING:
    from stream.worker.records import Send

ends = st.dictionaries(st.sampled_from(TABLES), st.integers(0, LARGEST))


@given(ends)
def test_what_is_told_is_understood(told_of: dict[str, int]) -> None:
    assert ends_of(metadata_of(told_of)) == told_of


def test_the_metadata_is_short_and_has_a_version() -> None:
    metadata = metadata_of(dict.fromkeys(TABLES, LARGEST))
    assert len(metadata.encode()) < BROKERS_TAKE / 40
    assert json.loads(metadata)["v"] == 1
    assert metadata_of({}) == ""


@pytest.mark.parametrize(
    "metadata",
    [
        None, "", "NO_METADATA", "{", "7", "[]", "null", '{"v":2,"ends":{"patients":5}}',
        '{"ends":{"patients":5}}', '{"v":1}', '{"v":1,"ends":[5]}', "[" * 100_000,
        '{"v":1,"ends":{"patients":"5","windows":true,"x":-1,"y":1.5}}',
    ],
)  # fmt: skip
def test_of_what_is_not_ours_nothing_is_known(metadata: str | None) -> None:
    assert ends_of(metadata) == {}


@given(st.text() | st.recursive(st.none() | st.integers(), st.lists).map(json.dumps))
def test_any_text_may_stand_there(metadata: str) -> None:
    ends_of(metadata)


def test_a_barrier_is_nobodys_state() -> None:
    assert split_window_key(BARRIER) is None
    with pytest.raises(UnicodeDecodeError):
        BARRIER.decode()


def seen(send: Send) -> Any:
    """As it is read back."""
    return SimpleNamespace(key=send.key, value=send.value, headers=tuple(send.headers or ()))


def test_the_latest_generation_that_barriers_tell_of_is_found() -> None:
    mine = TP("pc", 2)
    sent = barrier(mine, 7)
    assert (sent.topic, sent.partition, sent.key, sent.value) == ("pc", 2, BARRIER, None)
    state = SimpleNamespace(key=b"p-1", value=b"x", headers=(("generation", b"99"),))
    of_before = SimpleNamespace(key=BARRIER, value=None, headers=())
    strange = SimpleNamespace(key=BARRIER, value=None, headers=(("generation", b"-3"), ("x", b"9")))
    records = [seen(barrier(mine, 11)), state, of_before, strange, seen(sent)]
    assert latest_owner(records) == 11
    assert latest_owner([state, of_before, strange]) == -1
    assert latest_owner([]) == -1


def test_a_log_that_ends_early_is_named_with_both_ends() -> None:
    mine, other = TP("pc", 0), TP("pc", 1)
    floors = {mine: 9, other: 4, TP("not asked", 0): 99}
    assert short_of(floors, {mine: 9, other: 7}) == {}
    assert told({}) == ""
    short = short_of(floors, {mine: 3, other: 4, TP("wc", 0): 0})
    assert short == {mine: (3, 9)}
    assert told(short) == "pc/0 ends at 3, and was acknowledged up to 9"
