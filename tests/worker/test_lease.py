"""The right to write: lent by the group for a session, and lost for good with the membership."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    IllegalGenerationError,
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
    lease.on_lost = lambda: told.append(lease.valid)
    lease.heard(NoError, asked_at=100.0)
    lease.heard(error, asked_at=100.0)
    lease.heard(error, asked_at=100.0)
    assert told == [False]
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


def test_it_hears_heartbeats_and_the_end_of_a_join(clock: Clock) -> None:
    code = {"of": 0}

    async def answer(_request: Any) -> Any:
        clock.now += 2  # the answer takes its time; the question counts
        return SimpleNamespace(error_code=code["of"])

    async def scene() -> None:
        coordinator, lease = SimpleNamespace(_send_req=answer), Lease(10, clock)
        lease.watch(coordinator)
        await coordinator._send_req(JoinGroupRequest("g", 1, 1, "m", None, "consumer", []))
        assert not lease.valid
        await coordinator._send_req(SyncGroupRequest("g", 1, "m", None, []))
        assert lease.left_s == pytest.approx(7.0)
        await coordinator._send_req(HeartbeatRequest("g", 1, "m"))
        assert lease.left_s == pytest.approx(7.0)
        code["of"] = UnknownMemberIdError.errno
        await coordinator._send_req(HeartbeatRequest("g", 1, "m"))
        assert lease.lost

    asyncio.run(scene())


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
