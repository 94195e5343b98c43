"""What does not go as it should: messages that are late, alerts whose patient is nowhere yet; pure.

`now` is in seconds of any clock that only goes forward.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stream.router.alerts import Alert
    from stream.router.ledger import Entry
    from stream.router.waiting import Item

PLACE_S = 1.0
"""How long an alert waits for the place of its patient: the topics are not in step."""


class Overdue:
    """Messages by the time at which another route is told of them."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._items: deque[Item] = deque()

    def add(self, item: Item) -> None:
        """It came into the queue."""
        self._items.append(item)

    def over(self, now: float) -> Iterator[Item]:
        """Those whose time is over and which are still here, each once."""
        while self._items and (self._items[0].over or self._items[0].since + self._after_s <= now):
            item = self._items.popleft()
            if not item.over:
                yield item

    def due(self) -> float | None:
        """When the next time is over."""
        return self._items[0].since + self._after_s if self._items else None


class Unplaced:
    """Alerts of patients of whom nobody has said where they are, for a moment."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, Alert, Entry]] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, alert: Alert, entry: Entry, now: float) -> None:
        """Hold it back."""
        self._held.append((now + PLACE_S, alert, entry))

    def placed(
        self, now: float, where: Callable[[str], str | None]
    ) -> Iterator[tuple[Alert, Entry]]:
        """Those that are found, or that have waited long enough, in their order."""
        for _ in range(len(self._held)):
            until, alert, entry = self._held.popleft()
            if until <= now or where(alert.patient_id) is not None:
                yield alert, entry
            else:
                self._held.append((until, alert, entry))
