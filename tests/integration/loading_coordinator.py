"""A worker whose group coordinator still loads: `python loading_coordinator.py BELIEVE SECONDS`.

Once the process has stood still, and for so long from then on, each heartbeat is answered without
an error and each SyncGroup with "rebalance in progress", whoever asks: as a coordinator does that
has just started, while it reads its groups. BELIEVE `heartbeats`: the worker takes that for a proof
of membership; `all`: and looks at nobody's barriers.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

from stream.settings import load_settings
from stream.worker import app, run
from stream.worker.lease import Lease

BLIND = {HeartbeatRequest: NoError.errno, SyncGroupRequest: RebalanceInProgressError.errno}
STOOD_STILL_S = 2.5
"""No two requests to the coordinator are so far apart while the process runs."""


class Coordinator:
    """When it was last heard of, and until when it loads."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.heard_at, self.until = seconds, time.monotonic(), 0.0

    def loads(self) -> bool:
        now = time.monotonic()
        if now - self.heard_at > STOOD_STILL_S:
            self.until = now + self.seconds
        self.heard_at = now
        return now < self.until


def put_between(coordinator: Coordinator) -> None:
    """Between the worker and what its coordinator answers."""
    send = GroupCoordinator._send_req

    async def blind(self: Any, request: Any) -> Any:
        coordinator.loads()
        answer = await send(self, request)
        if coordinator.loads() and type(request) in BLIND:
            answer.error_code = BLIND[type(request)]
        return answer

    GroupCoordinator._send_req = blind


def main(believe: str, seconds: str) -> int:
    put_between(Coordinator(float(seconds)))
    if believe == "all":
        app.latest_owner = lambda _records: -1
    if believe in {"heartbeats", "all"}:

        async def take(self: Lease, *_: Any) -> None:
            self.heard(NoError, time.monotonic())

        Lease._prove = take  # type: ignore[method-assign]
    return run.run_worker(load_settings())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
