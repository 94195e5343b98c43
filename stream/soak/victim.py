"""`python -m stream.soak.victim`: the ordinary worker, which hurts itself when it is told to.

Orders come as lines on standard input, see `stream.soak.crashpoints`; its end ends the worker at
once, so that none outlives the harness. Nothing in `stream.worker` knows of this: the clients
beneath it are wrapped before it is imported. What happens is told on standard output, in lines
that begin with "victim".
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import aiokafka

from stream.soak.crashpoints import Control, Crash, from_line, step_of
from stream.soak.faults import Side, Step

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def hurt(order: Crash) -> None:
    """Say where we are, past every buffer, and be gone."""
    os.write(1, f"victim {order.how} {order.side} {order.step}\n".encode())
    os.kill(os.getpid(), SIGNALS[order.how])


def wrap_clock(control: Control) -> None:
    """The wall clock of the whole process, as every library of it reads it."""
    true_time, true_ns = time.time, time.time_ns
    time.time = lambda: true_time() + control.jump_s
    time.time_ns = lambda: true_ns() + int(control.jump_s * 1_000_000_000)


def wrap_producer(control: Control) -> None:
    """Every record that the process sends passes here."""
    send: Callable[..., Any] = aiokafka.AIOKafkaProducer.send

    async def hurtful(
        self: Any, topic: str, value: bytes | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        step = step_of(topic, value)
        if step is None:
            return await send(self, topic, value, *args, **kwargs)
        if control.delay_s:
            await asyncio.sleep(control.delay_s)
        control.reach(step, Side.BEFORE)
        answer = await send(self, topic, value, *args, **kwargs)

        def confirmed(done: asyncio.Future[Any]) -> None:
            if not done.cancelled() and done.exception() is None:
                control.reach(step, Side.AFTER)

        answer.add_done_callback(confirmed)
        return answer

    aiokafka.AIOKafkaProducer.send = hurtful


def wrap_consumer(control: Control) -> None:
    """Every commit of offsets passes here."""
    commit: Callable[..., Any] = aiokafka.AIOKafkaConsumer.commit

    async def hurtful(self: Any, offsets: Any = None) -> None:
        if offsets:
            control.reach(Step.COMMIT, Side.BEFORE)
        await commit(self, offsets)
        if offsets:
            control.reach(Step.COMMIT, Side.AFTER)

    aiokafka.AIOKafkaConsumer.commit = hurtful


def listen(control: Control) -> None:
    """Obey line by line; the end of the input is the end of the harness, and so of us."""
    for line in sys.stdin:
        control.obey(from_line(line))
        os.write(1, f"victim obeys {line}".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """The exit code of the worker."""
    control = Control(hurt, time.monotonic)
    wrap_clock(control)
    wrap_producer(control)
    wrap_consumer(control)
    threading.Thread(target=listen, args=(control,), name="orders", daemon=True).start()
    from stream.worker.__main__ import main as work  # noqa: PLC0415 - after the wrapping

    return work()


if __name__ == "__main__":
    sys.exit(main())
