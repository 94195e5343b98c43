"""One attempt at a receiver, and how long to wait before the next."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import structlog

from stream.router.message import Answer, failed

if TYPE_CHECKING:
    from stream.router.config import Retry
    from stream.router.message import Message, Receiver

log = structlog.get_logger(__name__)


async def attempted(
    receiver: Receiver, message: Message, body: bytes, within_s: float, route: str
) -> Answer:
    """What the receiver says within that time; whatever goes wrong is an answer too."""
    try:
        async with asyncio.timeout(within_s):
            return await receiver.send(message, body)
    except TimeoutError:
        return failed("timeout", f"no answer within {within_s:g} s")
    except Exception as error:
        log.exception("receiver failed", route=route)
        return failed("internal", type(error).__name__)


class Backoff:
    """Longer pauses from attempt to attempt, with jitter; at least what the receiver asks for."""

    def __init__(self, rule: Retry) -> None:
        self._rule = rule

    def pause(self, attempts: int, answer: Answer) -> float:
        """Seconds until the next attempt, after so many."""
        most = self._rule.most_s
        longest: float = min(most, self._rule.first_s * 2.0 ** min(attempts, 30))
        pause: float = longest * random.uniform(0.5, 1)  # noqa: S311 - jitter
        return max(pause, min(answer.retry_after_s, most))
