"""How long a worker may still write: as long as the group is known to count it a member.

Fault mended here: a worker that was stopped (SIGSTOP, a frozen virtual machine, a long swap) for
longer than its session goes on where it stood. The group has given its partitions to another, who
has read the state tables; what the stopped one then writes from its old state would be taken for
newer by the next owner. Kafka refuses the commits of such a zombie, not its records.

Mended: each answer of the group coordinator that proves membership lends the right to write for
one session, counted from the moment at which it was asked for. The broker counts from when the
question arrived, which is later. The lease is looked at where a request for records is handed to
the socket (`LeasedProducer` in `stream.worker.faust_repairs`): with no valid lease the request
waits for the next proof. Once a heartbeat is told that the member or its generation is gone, the
lease is lost for good: nothing is written any more, and the process ends at once, to start anew
from what the tables say, instead of disturbing the group with a member that has to end.

A heartbeat that is answered without an error is no proof by itself: a coordinator that has just
started, and still loads its groups, answers so to everybody (`GroupCoordinatorService.heartbeat` of
Kafka: "the group is still loading, so blindly respond"). It lengthens a lease that has not run out:
by then nobody was put out, and the session of each member begins anew once the group is loaded.
After that the coordinator is asked what it cannot answer blindly: for our assignment (SyncGroup),
which it repeats to a member of the present generation, and refuses while it loads.

While a rebalance gathers, its old members still own what they own, but no longer than the rebalance
timeout after the group was last known to be at rest: who has not joined by then is put out, even if
its heartbeats come.

What the socket's buffer held when the worker was stopped is beyond the lease; see
`stream.worker.changelogs`.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import (
    IllegalGenerationError,
    KafkaError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MARGIN = 0.1
"""Part of the session that is not used: what two clocks may differ by, and the way of a packet."""
LOOK_S = 0.02
GONE = (UnknownMemberIdError, IllegalGenerationError)


class LeaseLostError(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """What we hold is others', or may be by now: what is under way must not be written."""

    retriable = False


class Lease:
    """See the module. Renewed in the consumer's thread, looked at in the worker's."""

    def __init__(
        self,
        session_s: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        rebalance_s: float = math.inf,
    ) -> None:
        self.length_s = session_s * (1 - MARGIN)
        self.lost = False
        """This never ends: see `lose`."""
        self.on_lost: Callable[[str], None] = lambda _why: None
        """Told why, once, before the client can join the group again; in either thread."""
        self._clock = clock
        self._until = 0.0
        self._rebalance_s = rebalance_s * (1 - MARGIN)
        self._at_rest = 0.0
        """When we last asked something upon which the group turned out to be in no rebalance."""

    def heard(self, error: type[KafkaError], asked_at: float, *, joining: bool = False) -> None:
        """Take in the coordinator's answer to what was asked at `asked_at`, by our clock.

        `joining`: at the end of a join, where we hold no partition that could be given away.
        """
        if error is NoError:
            self._at_rest = max(self._at_rest, asked_at)
            self._until = max(self._until, asked_at + self.length_s)
        elif error is RebalanceInProgressError and not joining:
            end = min(asked_at + self.length_s, self._at_rest + self._rebalance_s)
            self._until = max(self._until, end)
        elif error in GONE and not joining:
            self.lose("the group no longer counts this worker a member")

    def lose(self, why: str) -> None:
        """For good: the partitions are others', or what of ours is still to come is not known."""
        if not self.lost:
            self.lost = True
            self.on_lost(why)

    @property
    def valid(self) -> bool:
        """Whether a record may be written now."""
        return not self.lost and self._clock() < self._until

    @property
    def left_s(self) -> float:
        """Seconds of it that are left; 0 where there are none."""
        return 0.0 if self.lost else max(0.0, self._until - self._clock())

    def check(self) -> None:
        """Raises LeaseLostError where it is lost for good."""
        if self.lost:
            raise LeaseLostError("nothing may be written any more")

    async def wait(self, most_s: float) -> None:
        """Return once it is valid. Raises LeaseLostError where it is lost or does not come."""
        give_up = self._clock() + most_s
        while not self.valid:
            self.check()
            if self._clock() >= give_up:
                raise LeaseLostError(f"no sign of the group coordinator for {most_s:g} s")
            await asyncio.sleep(LOOK_S)

    def watch(self, coordinator: Any) -> None:
        """Listen to what aiokafka's group coordinator asks and is told from now on."""
        ask: Callable[[Any], Awaitable[Any]] = coordinator._send_req  # noqa: SLF001

        async def asked(request: Any) -> Any:
            at = self._clock()
            answer = await ask(request)
            if isinstance(request, SyncGroupRequest):
                self.heard(for_code(answer.error_code), at, joining=True)
            elif isinstance(request, HeartbeatRequest):
                error = for_code(answer.error_code)
                if error is NoError and not self.valid:
                    await self._prove(coordinator, ask)
                else:
                    self.heard(error, at)
            return answer

        coordinator._send_req = asked  # noqa: SLF001

    async def _prove(self, coordinator: Any, ask: Callable[[Any], Awaitable[Any]]) -> None:
        """Ask what no coordinator answers blindly; raises what `ask` raises."""
        at = self._clock()
        instance = coordinator._group_instance_id  # noqa: SLF001
        group, generation = coordinator.group_id, coordinator.generation
        answer = await ask(SyncGroupRequest(group, generation, coordinator.member_id, instance, []))
        error = for_code(answer.error_code)
        if error is not RebalanceInProgressError:  # so it also answers while it loads
            self.heard(error, at)
