"""Sends the feed, in threads: acknowledged by all brokers, again until it is, never far ahead."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from stream.soak.records import Group, client_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.settings import Settings
    from stream.soak.feed import Item

CHUNK = 200
ANSWER_WITHIN_S = 20.0
PAUSE_S = 0.2
TRICKLE = 40
"""So many records more each pause, while all that was sent is done and a fault still waits."""


class Sender:
    """`ahead` is how many records it may be before what the workers have committed."""

    def __init__(self, items: Iterator[Item], settings: Settings, topic: str, ahead: int) -> None:
        self.done = 0
        """Records that the workers have committed."""
        self.moved_at = time.monotonic()
        """When `done` last grew."""
        self.resent = 0
        """Records whose first answer was an error; they may be in the log twice."""
        self.ends: Counter[int] = Counter()
        """By partition: one past the highest offset that a broker has acknowledged."""
        self.limit: int | None = None
        """No more records than this for now, and `ahead`: the next fault is to find work left."""
        self.finished = False
        self.error: Exception | None = None
        self._items, self._settings, self._topic, self._ahead = items, settings, topic, ahead
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, name="soak-sender", daemon=True)
            for work in (self._run, self._follow)
        ]

    @property
    def sent(self) -> int:
        """Records in the log, as far as acknowledged."""
        return self.ends.total()

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(ANSWER_WITHIN_S + 10)

    def _follow(self) -> None:
        """See how far the workers are, which lets the feed go on."""
        group: Group | None = None
        while not self._stop.wait(PAUSE_S):
            try:
                group = group or Group(self._settings, (self._topic,))
                done = sum(group.committed().values())
            except Exception:  # noqa: BLE001 - brokers may be away
                _close(group)
                group = None
            else:
                if done > self.done:
                    self.done, self.moved_at = done, time.monotonic()
                if self.limit is not None and done >= self.sent:
                    self.limit += TRICKLE  # or a step that nothing leads to is waited for in vain
        _close(group)

    def _run(self) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # brokers that go away are meant to
        producer = None
        try:
            while chunk := list(islice(self._items, CHUNK)):
                while chunk:
                    if self._stop.is_set():
                        return
                    limit = self.done if self.limit is None else min(self.done, self.limit)
                    if self.sent - limit > self._ahead:
                        time.sleep(PAUSE_S)
                        continue
                    try:
                        producer = producer or self._producer()
                        left = self._send(producer, chunk)
                    except Exception:  # noqa: BLE001 - no broker: whatever it is, try again
                        time.sleep(1.0)
                        left = chunk
                    if left:
                        self.resent += len(left)
                        _close(producer)
                        producer = None
                    chunk = left
            self.finished = True
        except Exception as error:  # noqa: BLE001 - the run tells of it
            self.error = error
        finally:
            _close(producer)

    def _send(self, producer: Any, chunk: list[Item]) -> list[Item]:
        """The records that no broker has acknowledged, from the first such on, in order."""
        futures = [producer.send(self._topic, key=one.key, value=one.value) for one in chunk]
        deadline = time.monotonic() + ANSWER_WITHIN_S
        left = []
        for one, future in zip(chunk, futures, strict=True):
            try:
                answer = future.get(timeout=max(0.0, deadline - time.monotonic()))
            except Exception:  # noqa: BLE001
                left.append(one)
            else:
                place = answer.partition
                self.ends[place] = max(self.ends[place], answer.offset + 1)
        return left

    def _producer(self) -> Any:
        from kafka import KafkaProducer  # noqa: PLC0415 - slow to import

        return KafkaProducer(
            acks="all",
            linger_ms=5,
            max_block_ms=10_000,
            reconnect_backoff_max_ms=500,
            allow_auto_create_topics=False,
            **client_arguments(self._settings),
        )


def _close(client: Any) -> None:
    if client is not None:
        with suppress(Exception):
            client.close()
