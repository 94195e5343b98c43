"""Writing to Kafka from the router: a write is done once the broker has it, however long it takes.

While brokers are away the writes wait, and with them the offsets; deliveries go on.
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import structlog
from tenacity import AsyncRetrying, RetryCallState, wait_random_exponential

if TYPE_CHECKING:
    from stream.settings import Settings

log = structlog.get_logger(__name__)

BLOCK_MS: Final = 5_000
ANSWER_MS: Final = 30_000


class Scribe:
    """A producer of its own thread."""

    def __init__(self, settings: Settings) -> None:
        from kafka import KafkaProducer  # noqa: PLC0415 - slow to import

        self._prefix = settings.topic_prefix
        self._producer = KafkaProducer(
            bootstrap_servers=settings.bootstrap_servers.split(","),
            client_id="stormwatch-router",
            acks="all",
            linger_ms=2,
            max_block_ms=BLOCK_MS,
            delivery_timeout_ms=ANSWER_MS,
            request_timeout_ms=ANSWER_MS // 2,
            max_request_size=8 * 1024 * 1024,
            **settings.kafka_python_security(),
        )
        # Handing a record over may block for the brokers' metadata: not on the event loop.
        self._hands = ThreadPoolExecutor(1, "scribe")
        self.waiting = 0
        self.failing = False

    async def write(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Returns once the broker has the record. Tries for ever."""
        self.waiting += 1
        try:
            async for attempt in AsyncRetrying(
                wait=wait_random_exponential(multiplier=0.5, max=10),
                after=self._tell,
            ):
                with attempt:
                    await self._once(self._prefix + topic, key, value)
            self.failing = False
        finally:
            self.waiting -= 1

    def _tell(self, state: RetryCallState) -> None:
        if not self.failing and state.outcome is not None:
            log.warning("a record waits for the brokers", reason=str(state.outcome.exception()))
        self.failing = True

    async def _once(self, topic: str, key: bytes | None, value: bytes) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: Any = None) -> None:
            if not done.done():
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)

        def tell(error: Any = None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, error)

        sending = await loop.run_in_executor(
            self._hands, lambda: self._producer.send(topic, key=key, value=value)
        )
        sending.add_callback(lambda _: tell())
        sending.add_errback(tell)
        await done

    def close(self, within_s: float) -> None:
        """Let the producer go."""
        from kafka.errors import KafkaError  # noqa: PLC0415

        self._hands.shutdown(wait=False, cancel_futures=True)
        try:
            self._producer.close(timeout=within_s)
        except KafkaError as error:  # unconfirmed: their alerts are not committed either
            log.warning("records were left behind", reason=repr(error))
