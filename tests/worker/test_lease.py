"""The right to write: lent by the group for a session, and lost for good with the membership."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    IllegalGenerationError,
    KafkaConnectionError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from stream.worker.clock import SteadyClock
from stream.worker.lease import Lease, LeaseLostError

GONE = [UnknownMemberIdError, IllegalGenerationError]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_nothing_may_be_written_before_the_group_has_said_so(clock: Clock) -> None:
    assert not Lease(10, clock).valid


def test_it_lasts_a_session_less_a_margin_from_the_question_on(clock: Clock) -> None:
    lease = Lease(10, clock)
    lease.heard(NoError, asked_at=98.0)
    assert lease.left_s == pytest.approx(7.0)
    clock.now = 106.9
    assert lease.valid
    clock.now = 107.0
    assert not lease.valid
    lease.heard(NoError, asked_at=106.5)
    assert lease.valid


def test_an_old_answer_that_comes_late_shortens_nothing(clock: Clock) -> None:
    lease = Lease(10, clock)
    lease.heard(NoError, asked_at=100.0)
    lease.heard(NoError, asked_at=95.0)
    assert lease.left_s == pytest.approx(9.0)


def test_while_a_rebalance_gathers_its_old_members_still_own_what_they_own(clock: Clock) -> None:
    lease = Lease(10, clock)
    lease.heard(RebalanceInProgressError, asked_at=100.0)
    assert lease.valid
    joining = Lease(10, clock)
    joining.heard(RebalanceInProgressError, asked_at=100.0, joining=True)
    assert not joining.valid


@pytest.mark.parametrize("error", GONE)
def test_who_was_put_out_never_writes_again(clock: Clock, error: Any) -> None:
    lease, told = Lease(10, clock), []
    lease.on_lost = lambda why: told.append((why, lease.valid))
    lease.heard(NoError, asked_at=100.0)
    lease.heard(error, asked_at=100.0)
    lease.heard(error, asked_at=100.0)
    lease.lose("for another reason")
    assert told == [("the group no longer counts this worker a member", False)]
    lease.heard(NoError, asked_at=100.0, joining=True)  # in again, with other partitions
    assert not lease.valid
    assert lease.left_s == 0
    with pytest.raises(LeaseLostError):
        lease.check()
    with pytest.raises(LeaseLostError):
        asyncio.run(lease.wait(5))


@pytest.mark.parametrize("error", GONE)
def test_a_join_that_failed_gives_nothing_away(clock: Clock, error: Any) -> None:
    lease = Lease(10, clock)
    lease.heard(error, asked_at=100.0, joining=True)
    assert not lease.lost


def test_what_waits_goes_on_with_the_next_proof(clock: Clock) -> None:
    async def scene() -> None:
        lease = Lease(10, clock)
        waiting = asyncio.create_task(lease.wait(5))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        lease.heard(NoError, asked_at=100.0)
        await asyncio.wait_for(waiting, 5)

    asyncio.run(scene())


def test_what_waits_gives_up_where_no_proof_comes(clock: Clock) -> None:
    async def scene() -> None:
        waiting = asyncio.create_task(Lease(10, clock).wait(5))
        await asyncio.sleep(0.05)
        clock.now += 5
        with pytest.raises(LeaseLostError, match="5 s"):
            await waiting

    asyncio.run(scene())


class Coordinator:
    """aiokafka's, as far as the lease knows it: answers by kind of request, two seconds later."""

    group_id, generation, member_id, _group_instance_id = "g", 3, "m", None

    def __init__(self, clock: Clock, lease: Lease) -> None:
        self.clock, self.asked = clock, list[Any]()
        self.errors: dict[type[Any], Any] = {}
        lease.watch(self)

    async def _send_req(self, request: Any) -> Any:
        self.asked.append(request)
        self.clock.now += 2
        return SimpleNamespace(error_code=self.errors.get(type(request), NoError).errno)

    def hears(self, request: Any) -> None:
        asyncio.run(self._send_req(request))


HEARTBEAT = HeartbeatRequest("g", 3, "m")
SYNC = SyncGroupRequest("g", 3, "m", None, [])


def test_it_hears_heartbeats_and_the_end_of_a_join(clock: Clock) -> None:
    lease = Lease(10, clock)
    group = Coordinator(clock, lease)
    group.hears(JoinGroupRequest("g", 1, 1, "m", None, "consumer", []))
    assert not lease.valid
    group.hears(SYNC)
    assert lease.left_s == pytest.approx(7.0)  # the answer takes its time; the question counts
    group.hears(HEARTBEAT)
    assert lease.left_s == pytest.approx(7.0)
    group.errors[HeartbeatRequest] = UnknownMemberIdError
    group.hears(HEARTBEAT)
    assert lease.lost


def test_a_heartbeat_alone_brings_no_lease_back_that_has_run_out(clock: Clock) -> None:
    """A coordinator that still loads its groups answers it without an error, to everybody."""
    lease = Lease(10, clock)
    group = Coordinator(clock, lease)
    group.hears(SYNC)
    clock.now += 20
    group.errors[SyncGroupRequest] = RebalanceInProgressError  # as it answers then
    group.hears(HEARTBEAT)
    assert not lease.valid
    assert not lease.lost
    asked = group.asked[-1]
    assert isinstance(asked, SyncGroupRequest)
    assert vars(asked) == vars(SYNC)
    del group.errors[SyncGroupRequest]  # loaded, and we are in the group
    group.hears(HEARTBEAT)
    assert lease.left_s == pytest.approx(7.0)
    group.hears(HEARTBEAT)
    assert group.asked[-1] is HEARTBEAT


@pytest.mark.parametrize("error", GONE)
def test_what_the_loaded_group_does_not_know_is_gone(clock: Clock, error: Any) -> None:
    lease = Lease(10, clock)
    group = Coordinator(clock, lease)
    group.errors[SyncGroupRequest] = error
    group.hears(HEARTBEAT)
    assert lease.lost


def test_a_proof_that_fails_is_the_heartbeat_s_failure(clock: Clock) -> None:
    """aiokafka asks again then, as after any heartbeat that got no answer."""

    async def broken(request: Any) -> Any:
        if isinstance(request, SyncGroupRequest):
            raise KafkaConnectionError("closed")
        return SimpleNamespace(error_code=0)

    lease = Lease(10, clock)
    coordinator: Any = SimpleNamespace(
        group_id="g", generation=3, member_id="m", _group_instance_id=None, _send_req=broken
    )
    lease.watch(coordinator)
    with pytest.raises(KafkaConnectionError):
        asyncio.run(coordinator._send_req(HEARTBEAT))
    assert not lease.valid


def test_who_does_not_join_in_time_owns_nothing_more_though_its_heartbeats_come(
    clock: Clock,
) -> None:
    lease = Lease(10, clock, rebalance_s=20)
    lease.heard(NoError, asked_at=100.0)
    for now in (104.0, 108.0, 112.0, 116.0):
        clock.now = now
        lease.heard(RebalanceInProgressError, asked_at=now)
    assert lease.left_s == pytest.approx(2.0)  # 18 s from when the group was last at rest
    clock.now = 118.0
    lease.heard(RebalanceInProgressError, asked_at=118.0)
    assert not lease.valid


def test_a_clock_that_is_set_is_reported_and_not_followed() -> None:
    wall, passed = Clock(), Clock()
    clock = SteadyClock(wall, passed)
    wall.now += 3600 + 5
    passed.now += 5
    assert clock() == pytest.approx(105)
    assert clock.step_s == pytest.approx(3600)
    wall.now -= 2 * 3600
    assert clock() == pytest.approx(105)
    assert clock.step_s == pytest.approx(-3600)
