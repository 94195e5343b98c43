"""A window of facts that is read from its table's value whenever somebody looks into it.

Nobody looks into most windows of a patient for hours: only late data does, and forgetting. As the
engine's objects they take twenty times the room of the bytes that the table holds anyway.
"""

from __future__ import annotations

from functools import lru_cache

from stream.engine.facts import Window
from stream.engine.facts import window as rebuilt
from stream.worker.codec import decode_window

_OPENED_KEPT = 16
"""Late data comes in rows, and forgetting looks several times: so many windows stay open."""


@lru_cache(_OPENED_KEPT)
def _opened(raw: bytes) -> Window:
    held = decode_window(raw)
    return rebuilt(held.facts, held.dense)


class _Value:
    """The very value that the table holds; nothing is copied."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __call__(self) -> Window:
        return _opened(self._raw)


def stored_window(raw: bytes) -> Window:
    """See the module. `raw` is the value in the table."""
    return Window(stored=_Value(raw))
