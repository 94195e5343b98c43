"""How sick each patient is known to be: the sickest go first (`stream.worker.triage`)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class Sickness:
    """A rank by key, 0 for all others.

    `changed` are those whose rank became another since the waiting room looked last: it empties it.
    """

    def __init__(self, ranks: Mapping[bytes, int] = MappingProxyType({})) -> None:
        self.changed: Final[set[bytes]] = set()
        self._ranks: Final = dict(ranks)

    def of(self, key: bytes | None) -> int:
        """The patient's rank."""
        return 0 if key is None else self._ranks.get(key, 0)

    def note(self, key: bytes, rank: int) -> None:
        """It is this now."""
        if rank == self._ranks.get(key, 0):
            return
        self.changed.add(key)
        if rank:
            self._ranks[key] = rank
        else:
            del self._ranks[key]

    def clear(self) -> None:
        """Nothing is known of anybody."""
        self.changed.update(self._ranks)
        self._ranks.clear()
