"""What is wrong with an event that the models refused, one coded fault with its place.

A bad reading of a `vitals` event is set aside alone; any other fault refuses the whole event. Of a
bundle only the envelope is looked at: its events are examined one by one, each as if it came alone.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

from pydantic import Field, TypeAdapter, ValidationError

from schemas.deadletter import ReasonCode
from schemas.events import (
    INPUT_MODELS,
    MAX_EVENTS,
    MAX_READINGS,
    SINGLE_MODELS,
    Event,
    SingleEvent,
)
from schemas.parsing import Fault, UnreadableError, blemish, parse_object, shown, too_deep
from schemas.readings import Reading
from schemas.vocabulary import UNITS, Signal, Unit
from schemas.wire import Id, StrictModel

if TYPE_CHECKING:
    from collections.abc import Collection

_WITHOUT_OFFSET = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?")
_YEAR = re.compile(r"[+-]?(\d{1,9})-\d{1,2}-\d{1,2}[Tt ]")
_TIMES = frozenset({"time", "received_at", "from", "until"})
_WRONG_TYPE = ("_type", "_attributes_type")
_SIGNALS = frozenset(signal.value for signal in Signal)
_UNITS = frozenset(unit.value for unit in Unit)
_UNKNOWN_WORD = {
    "device": ReasonCode.UNKNOWN_DEVICE,
    "unit": ReasonCode.UNKNOWN_UNIT,
    "agent": ReasonCode.UNKNOWN_AGENT,
}
_EXTRA = "extra_forbidden"
_LOOKED_AT = 20
"""Faults of one event that are put into words; of the others only their number is told."""
_HINTS = {
    "fio2": "a fraction, 0.4 and not 40",
    "birth_date": "a date like 1965-04-30",
    "rate": "a running or stopped pump, not a negative rate",
}


@final
class VitalsEnvelope(Event):
    """A `vitals` event whose readings have not been looked at yet."""

    type: Literal["vitals"]
    readings: Annotated[list[Any], Field(min_length=1, max_length=MAX_READINGS)]


@final
class BundleEnvelope(StrictModel):
    """A bundle whose events have not been looked at yet."""

    type: Literal["bundle"]
    patient_id: Id
    events: Annotated[list[Any], Field(min_length=1, max_length=MAX_EVENTS)]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A reading that cannot be used; `signal` is None where not even that is known."""

    signal: Signal | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class Examined:
    """A valid event; a `vitals` event comes as its envelope, with its readings sorted out."""

    event: SingleEvent | VitalsEnvelope
    readings: tuple[Reading, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle with a valid envelope; `events` are the texts of its events, in order."""

    patient_id: str
    events: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no event, and whose it was as far as could be read."""

    fault: Fault
    event_id: str = ""
    patient_id: str = ""


_READING: TypeAdapter[Reading] = TypeAdapter(Reading)
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter({"vitals": VitalsEnvelope, "bundle": BundleEnvelope}.get(name, model))
    for name, model in INPUT_MODELS.items()
}


def examine(raw: bytes, *, bundled: bool = False) -> Examined | Opened | Refused:
    """Look closely at a record, or at an event that came `bundled`; never raises for bad data."""
    try:
        value = parse_object(raw)
    except UnreadableError as error:
        return Refused(error.fault)
    kind = value.get("type")
    fault = _type_fault(value, kind, SINGLE_MODELS if bundled else INPUT_MODELS)
    if kind == "bundle" and fault is None:
        return _opened(value)
    readings = value.get("readings") if kind == "vitals" else None
    if not isinstance(readings, list):
        readings = []
    if fault is None and len(readings) > MAX_READINGS:
        fault = Fault(
            ReasonCode.TOO_MANY_READINGS,
            f"readings holds {len(readings)} readings; expected 1 to {MAX_READINGS}",
        )
    if readings:  # they are looked at one by one; for the envelope only their number counts
        value = {**value, "readings": [0] * min(len(readings), MAX_READINGS)}
    fault = fault or blemish(value, "")
    if fault is None:
        try:
            event = _ADAPTERS[str(kind)].validate_json(json.dumps(value))
        except ValidationError as error:
            fault = _event_fault(error, INPUT_MODELS[str(kind)], value)
    if fault is not None:
        return Refused(fault, _identity(value, "event_id"), _identity(value, "patient_id"))
    looked_at = [_reading(each, f"readings[{index}]") for index, each in enumerate(readings)]
    return Examined(
        event,
        tuple(each for each in looked_at if not isinstance(each, SetAside)),
        tuple(each for each in looked_at if isinstance(each, SetAside)),
    )


def _opened(value: dict[str, Any]) -> Opened | Refused:
    events = value.get("events")
    fault = None
    if isinstance(events, list) and len(events) > MAX_EVENTS:
        fault = Fault(
            ReasonCode.TOO_MANY_ITEMS,
            f"events holds {len(events)} events; expected 1 to {MAX_EVENTS}",
        )
    if isinstance(events, list):  # as with readings
        value = {**value, "events": [0] * min(len(events), MAX_EVENTS)}
    fault = fault or blemish(value, "")
    if fault is None:
        try:
            envelope = _ADAPTERS["bundle"].validate_json(json.dumps(value))
            texts = tuple(json.dumps(event).encode() for event in events or ())
            return Opened(envelope.patient_id, texts)
        except ValidationError as error:
            fault = _event_fault(error, INPUT_MODELS["bundle"], value)
        except RecursionError:
            fault = too_deep()
    return Refused(fault, "", _identity(value, "patient_id"))


def _identity(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    return found[:128].encode("utf-8", "replace").decode() if isinstance(found, str) else ""


def _type_fault(value: dict[str, Any], kind: object, known: Collection[str]) -> Fault | None:
    expected = "expected one of " + ", ".join(known)
    if "type" not in value:
        return Fault(ReasonCode.MISSING_FIELD, f"type is missing; {expected}")
    if not isinstance(kind, str):
        return Fault(ReasonCode.WRONG_TYPE, f"type is {shown(kind)}; {expected}")
    if kind not in known:
        return Fault(
            ReasonCode.UNKNOWN_TYPE,
            f"type is {shown(kind)}{_meant(kind, known)}; {expected}",
        )
    return None


def _reading(value: object, path: str) -> Reading | SetAside:
    if not isinstance(value, dict):
        return SetAside(
            None, Fault(ReasonCode.WRONG_TYPE, f"{path} is {shown(value)}; expected an object")
        )
    word = value.get("signal")
    signal = Signal(word) if isinstance(word, str) and word in _SIGNALS else None
    fault = blemish(value, path) or _signal_fault(value, signal, path)
    if fault is None and signal is not None:
        fault = _unit_fault(value, signal, path)
    if fault is not None:
        return SetAside(signal, fault)
    try:
        return _READING.validate_json(json.dumps(value))
    except ValidationError as error:
        fields = {"signal", "value", "unit", "site", "method", "quality"}
        return SetAside(signal, _first_fault(error, fields, value, f"{path}."))


def _signal_fault(value: dict[str, Any], signal: Signal | None, path: str) -> Fault | None:
    if signal is not None:
        return None
    expected = "expected one of " + ", ".join(Signal)
    word = value.get("signal")
    if word is None:
        return Fault(ReasonCode.MISSING_FIELD, f"{path}.signal is missing; {expected}")
    if not isinstance(word, str):
        return Fault(ReasonCode.WRONG_TYPE, f"{path}.signal is {shown(word)}; {expected}")
    return Fault(
        ReasonCode.UNKNOWN_SIGNAL,
        f"{path}.signal is {shown(word)}{_meant(word, list(Signal))}; {expected}",
    )


def _unit_fault(value: dict[str, Any], signal: Signal, path: str) -> Fault | None:
    unit = value.get("unit")
    expected = f"expected {' or '.join(UNITS[signal])} for {signal}"
    if unit is None or unit == "":
        return Fault(
            ReasonCode.UNIT_MISSING,
            f"{path}.unit is missing beside the value {shown(value.get('value'))}; {expected}",
        )
    if not isinstance(unit, str):
        return Fault(ReasonCode.WRONG_TYPE, f"{path}.unit is {shown(unit)}; {expected}")
    if unit in UNITS[signal]:
        return None
    code = ReasonCode.UNIT_MISMATCH if unit in _UNITS else ReasonCode.UNKNOWN_UNIT
    return Fault(code, f"{path}.unit is {shown(unit)}; {expected}")


def _event_fault(error: ValidationError, model: type[StrictModel], value: dict[str, Any]) -> Fault:
    names = {info.alias or name for name, info in model.model_fields.items()}
    return _first_fault(error, names, value, "")


def _first_fault(
    error: ValidationError, names: set[str], value: dict[str, Any], prefix: str
) -> Fault:
    """The first fault and its code, and the details of two more: people mend all at once."""
    # What is wrong with a known field is told first; releases of pydantic differ in their order.
    errors = sorted(error.errors(include_url=False), key=lambda one: one["type"] == _EXTRA)
    faults = [_fault(dict(each), names, value, prefix) for each in errors[:_LOOKED_AT]]
    faults = list(dict.fromkeys(faults))
    more = "".join(f" Also: {fault.detail}." for fault in faults[1:3])
    left = len(faults) - 3 + len(errors[_LOOKED_AT:])
    if left > 0:
        more += f" And {left} more."
    return Fault(faults[0].code, f"{faults[0].detail}.{more}" if more else faults[0].detail)


def _fault(error: dict[str, Any], names: set[str], value: dict[str, Any], prefix: str) -> Fault:
    kind: str = error["type"]
    place = [part for part in error["loc"] if part in names or part in value]
    name = str(place[-1])[:60] if place else ""
    field = f"{prefix}{name}" if name else "the event"
    got = shown(value.get(place[-1])) if place else "not valid"
    if kind == "missing":
        return Fault(ReasonCode.MISSING_FIELD, f"{field} is missing; the contract requires it")
    if kind == _EXTRA:
        meant = _meant(name, names) or f"; expected only {', '.join(sorted(names))}"
        return Fault(ReasonCode.UNKNOWN_FIELD, f"{field} is not a field here{meant}")
    if name in _TIMES:
        return _time_fault(field, value[name])
    message = str(error["msg"])
    if kind == "value_error":
        return Fault(ReasonCode.INVALID_VALUE, message.removeprefix("Value error, "))
    hint = f" ({_HINTS[name]})" if name in _HINTS else ""
    if kind in {"enum", "literal_error"}:
        code = _UNKNOWN_WORD.get(name, ReasonCode.INVALID_VALUE)
        if isinstance(value.get(name), str):
            got += _meant(value[name], re.findall(r"'([^']+)'", error["ctx"]["expected"]))
        else:
            code = ReasonCode.WRONG_TYPE
    elif kind.endswith(_WRONG_TYPE):
        code = ReasonCode.WRONG_TYPE
    else:
        code = ReasonCode.INVALID_VALUE
    subject, _, demand = message.partition(" ")
    subject = "it" if subject == "Input" else f"the {subject.lower()}"
    return Fault(code, f"{field} is {got}; {subject} {demand}{hint}")


def _time_fault(field: str, value: object) -> Fault:
    expected = "expected RFC 3339 with an offset, such as 2026-03-01T10:00:00Z"
    text = f"{field} is {shown(value)}; "
    if not isinstance(value, str):
        return Fault(ReasonCode.WRONG_TYPE, text + expected)
    if _WITHOUT_OFFSET.fullmatch(value):
        return Fault(ReasonCode.TIME_WITHOUT_OFFSET, text + expected)
    year = _YEAR.match(value)
    if year and not 1900 <= int(year[1]) <= 2999:
        return Fault(ReasonCode.TIME_OUT_OF_RANGE, text + "expected a year from 1900 to 2999")
    return Fault(ReasonCode.INVALID_VALUE, text + expected)


def _meant(word: str, known: Collection[str]) -> str:
    return _nearest(word[:64].lower(), tuple(known))


@lru_cache(1024)  # a wrong mapping says the same wrong word over and over
def _nearest(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (perhaps {close[0]})" if close else ""
