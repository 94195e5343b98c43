"""What a route remembers of the alerts it has seen; bounded, and pure.

They are filled again at a start from the records before the committed offset, as far back as they
reach and at least the last thousand of a partition, so that a restart changes neither what counts
as a repetition nor what is inhibited. What a process that runs for long knows beyond that is lost:
a record repeated later than that would be delivered twice, with the same id and the same bytes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.router.alerts import Alert
    from stream.router.config import Inhibit

MOST = 50_000


class Repetitions:
    """The alerts seen last: the same id with the same bytes further on is a repetition."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def seen(self, alert: Alert) -> bool:
        """Whether it repeats an earlier record; remembers it.

        The same id with other bytes is none, and neither is the same record read once more.
        """
        digest = hashlib.blake2b(alert.raw, digest_size=16).digest()
        before, offset = self._seen.pop(alert.alert_id, (b"", 0))
        self._seen[alert.alert_id] = (digest, alert.place.offset)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return before == digest and offset < alert.place.offset


class Shown:
    """The alarms of which a route took something: what closes one of them goes there as well.

    Asked for receivers that show a state, which would stand for ever otherwise: a closing is mere
    information, and names no role.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._alarms: OrderedDict[str, None] = OrderedDict()

    def add(self, alert: Alert) -> None:
        """The route takes this one."""
        self._alarms[alert.alarm] = None
        self._alarms.move_to_end(alert.alarm)
        if len(self._alarms) > self._most:
            self._alarms.popitem(last=False)

    def ended_by(self, alert: Alert) -> bool:
        """Whether it closes an alarm that the route has taken before."""
        return alert.closes and alert.alarm in self._alarms


class Inhibition:
    """The greatest recent alert of each patient, which keeps lesser ones back."""

    def __init__(self, rule: Inhibit, most: int = MOST) -> None:
        self._within_ms = int(rule.within_s * 1000)
        self._most = most
        self._greatest: OrderedDict[str, Alert] = OrderedDict()

    def by(self, alert: Alert) -> Alert | None:
        """The greater alert for which this one is kept back; remembers this one where none is."""
        greatest = self._greatest.pop(alert.patient_id, None)
        since = alert.place.timestamp - self._within_ms
        if greatest is None or greatest.rank >= alert.rank or greatest.place.timestamp < since:
            greatest = None
        self._greatest[alert.patient_id] = greatest or alert
        if len(self._greatest) > self._most:
            self._greatest.popitem(last=False)
        return greatest
