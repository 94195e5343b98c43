"""A window of facts that is read from its table's value whenever somebody looks into it.

Nobody looks into most windows of a patient for hours: only late data does, and forgetting. As the
engine's objects they take twenty times the room of the bytes that the table holds anyway.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stream.engine.facts import Window
from stream.engine.facts import window as rebuilt
from stream.worker.codec import decode_window

if TYPE_CHECKING:
    from stream.engine.events import Micros
    from stream.engine.facts import Fact

_OPENED_KEPT = 16
"""Late data comes in rows, and forgetting looks several times: so many windows stay open."""


@lru_cache(_OPENED_KEPT)
def _opened(raw: bytes) -> Window:
    held = decode_window(raw)
    return rebuilt(held.facts, held.dense)


class StoredWindow(Window):
    """See the module. `raw` is the very value that the table holds; nothing is copied."""

    __slots__ = ("_raw",)
    _raw: bytes

    def __init__(self, raw: bytes) -> None:
        object.__setattr__(self, "_raw", raw)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """As the window's."""
        return _opened(self._raw).facts

    @property
    def dense(self) -> tuple[Micros, ...]:
        """As the window's."""
        return _opened(self._raw).dense

    @property
    def bounds(self) -> dict[tuple[str, str | None], tuple[float, float]]:
        """As the window's."""
        return _opened(self._raw).bounds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Window):
            return NotImplemented
        return (self.facts, self.dense) == (other.facts, other.dense)

    def __hash__(self) -> int:
        return hash((self.facts, self.dense))

    def __repr__(self) -> str:
        return repr(_opened(self._raw))
