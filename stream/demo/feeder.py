"""Sends the ward's events at their pace, in a thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from stream.demo.stage import BrokerGoneError
from stream.gateways.replay import KafkaSink, replay

if TYPE_CHECKING:
    from stream.demo.ward import Ward
    from stream.gateways.replay import Progress, ReplayResult
    from stream.settings import Settings


class Feeder:
    """One topic for all events, so that each patient's order is kept."""

    def __init__(self, ward: Ward, settings: Settings, speed: float) -> None:
        self.progress: Progress | None = None
        self._ward = ward
        self._settings = settings
        self._speed = speed
        self._result: ReplayResult | None = None
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-feeder", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Waits; True while it is still sending."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def stop(self) -> None:
        """Sends no more, and waits until what was sent is acknowledged."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def result(self) -> ReplayResult:
        """What was sent; raises BrokerGoneError if not all of it was taken."""
        if self._error is not None:
            raise BrokerGoneError(f"sending events failed: {self._error}")
        if self._result is None:
            raise BrokerGoneError("the broker has not acknowledged the events in time")
        if self._result.failed:
            errors = "; ".join(self._result.errors)
            raise BrokerGoneError(f"{self._result.failed} events were not taken: {errors}")
        return self._result

    def _run(self) -> None:
        settings = self._settings
        try:
            with KafkaSink(
                settings.bootstrap_servers,
                topic_prefix=settings.topic_prefix,
                **settings.kafka_python_security(),
            ) as sink:
                self._result = replay(
                    self._ward.events, sink, self._speed, self._keep, stop=self._stop
                )
        except Exception as error:  # noqa: BLE001 - whatever it is, `result` tells of it
            self._error = error

    def _keep(self, progress: Progress) -> None:
        self.progress = progress
