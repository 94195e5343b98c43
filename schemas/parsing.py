"""Slow, careful reading of JSON text, for records that the fast path refused: says what is wrong.

Python's parser takes more than RFC 8259 allows (NaN, twice the same key, lone surrogates); this
finds each of these and names the place.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from schemas.deadletter import ReasonCode

MAX_DEPTH = 16
MAX_VALUES = 1_000
"""Far more than any event holds; beyond it nobody is told each fault of each value."""
_LONGEST_INTEGER = 300  # digits; beyond it Python may refuse, and nothing we take is near it
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something cannot be taken: a code, and which field, which value, what was expected."""

    code: ReasonCode
    detail: str


class UnreadableError(Exception):
    """The bytes hold no JSON object that could be looked at further; `fault` says why."""

    def __init__(self, code: ReasonCode, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(code, detail)


class _WrittenTwiceError(ValueError):
    """A key stands twice in one object: which value is meant cannot be known."""


def shown(value: object) -> str:
    """A value as a message may show it: typed, printable, and never long."""
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        text = json.dumps(value[: _SHOWN + 1])
        return text if len(value) <= _SHOWN else f'{text[:_SHOWN]}…" ({len(value)} characters)'
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_SHOWN:
        return "an integer of many digits"
    return json.dumps(value)


def parse_object(raw: bytes) -> dict[str, Any]:
    """The record's JSON object.

    Raises `UnreadableError`, and nothing else, for bytes that are none. Numbers may be NaN or
    infinite and texts may hold lone surrogates; `blemish` finds these.
    """
    if not raw.strip():
        raise UnreadableError(
            ReasonCode.EMPTY, f"the record holds {len(raw)} bytes, all of them blank"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            ReasonCode.NOT_UTF8, f"byte {error.start} of the record is not UTF-8: {error.reason}"
        ) from None
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_int=_integer)
    except _WrittenTwiceError as error:
        raise UnreadableError(ReasonCode.INVALID_VALUE, str(error)) from None
    except RecursionError:
        raise UnreadableError(ReasonCode.TOO_DEEP, too_deep().detail) from None
    except ValueError as error:
        raise UnreadableError(ReasonCode.NOT_JSON, f"the record is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UnreadableError(
            ReasonCode.NOT_AN_OBJECT, f"expected a JSON object with a type, got {shown(value)}"
        )
    return value


def blemish(value: object, name: str) -> Fault | None:
    """First thing inside `value` that JSON has no word for, or that is nested too deeply."""
    stack: list[tuple[object, str, int]] = [(value, name, 0)]
    found = 1
    while stack:
        item, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            return too_deep()
        if isinstance(item, float) and not math.isfinite(item):
            return Fault(
                ReasonCode.NOT_FINITE, f"{path} is {item}; expected a finite number, or no field"
            )
        if isinstance(item, str) and not _encodable(item):
            return Fault(
                ReasonCode.INVALID_VALUE,
                f"{path} holds half of a surrogate pair: {shown(item)}; expected Unicode text",
            )
        found += len(item) if isinstance(item, dict | list) else 0
        if found > MAX_VALUES:
            return Fault(
                ReasonCode.TOO_MANY_ITEMS,
                f"{path or 'the event'} holds {found} values or more; expected far fewer than"
                f" {MAX_VALUES}",
            )
        if isinstance(item, dict):
            for key, inner in item.items():
                if not _encodable(key):
                    return Fault(
                        ReasonCode.INVALID_VALUE,
                        f"a field's name holds half of a surrogate pair: {shown(key)}",
                    )
                stack.append((inner, f"{path}.{key[:_SHOWN]}" if path else key[:_SHOWN], depth + 1))
        elif isinstance(item, list):
            stack.extend((inner, f"{path}[{i}]", depth + 1) for i, inner in enumerate(item))
    return None


def too_deep() -> Fault:
    """What nests beyond all that the contract has, or beyond what Python can follow."""
    return Fault(
        ReasonCode.TOO_DEEP,
        f"the record nests deeper than {MAX_DEPTH} levels; expected a flat object",
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        message = f"the field {shown(twice)} is there twice in one object; send it once"
        raise _WrittenTwiceError(message)
    return seen


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
