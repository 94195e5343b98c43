"""Every entry, with whatever Hypothesis makes up: no defect, no hang, no hoard of memory."""

from __future__ import annotations

import copy
import json
import math
import time
import tomllib
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.generate import DIRECTORY
from stream.rules import RulesetError
from stream.rules.documents import packaged
from stream.rules.loader import build
from stream.rules.overrides import overridden
from tests.fuzz import entries
from tests.fuzz.seeds import stored

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
EXAMPLES = [path.read_bytes() for path in sorted((DIRECTORY / "examples").glob("*.json"))]
FOUND = sorted(path for path in (Path(__file__).parent / "found").rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_is_mended(path: Path) -> None:
    entries.ENTRIES[path.parent.name](path.read_bytes())


# -- bytes -----------------------------------------------------------------------------------------

WILD_NUMBERS = st.sampled_from(
    ["NaN", "-Infinity", "1e400", "-0.0", "1e-400", "9" * 5000, "1" + "0" * 400, "0." + "3" * 4000]
)
WILD_TIMES = st.sampled_from(
    [
        "1900-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2999-12-31T23:59:59.999999999Z",
        "2999-12-31T23:59:59.999999-14:00", "1900-01-01T00:00:00+23:59", "-001-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z", "2026-03-10T24:00:00Z", "2026-03-10t12:00:00z",
    ]
)  # fmt: skip
WILD_TEXTS = st.sampled_from(
    ["", "\x00", "\ud800", "\ud83d\ude00", "\u202e", "p\n\r\t\x1b[2J", "x" * 200, "é" * 127, "\x7f"]
)


@st.composite
def near_events(draw: Any) -> bytes:
    """An example of the contract with some of its values, names or numbers made strange."""
    event = json.loads(draw(st.sampled_from(EXAMPLES)))
    texts = []
    for _ in range(draw(st.integers(1, 3))):
        place = event
        if isinstance(event.get("readings"), list) and draw(st.booleans()):
            place = event["readings"][0]
        name = draw(st.sampled_from(sorted(place)))
        how = draw(st.integers(0, 4))
        if how == 0:
            texts.append(draw(WILD_NUMBERS))
            place[name] = f"@@{len(texts) - 1}@@"
        elif how == 1:
            place[name] = draw(WILD_TIMES)
        elif how == 2:
            place[name] = draw(WILD_TEXTS)
        elif how == 3:
            place[draw(WILD_TEXTS)] = place.pop(name)
        else:
            depth = draw(st.sampled_from([1, 17, 900]))
            texts.append("[" * depth + "]" * depth)
            place[name] = f"@@{len(texts) - 1}@@"
    raw = json.dumps(event)
    for number, text in enumerate(texts):
        raw = raw.replace(f'"@@{number}@@"', text)
    return raw.encode()


@calm
@given(near_events())
def test_near_events_are_answered_or_refused(raw: bytes) -> None:
    entries.record(raw)


@calm
@given(st.lists(near_events() | st.binary(max_size=60), max_size=4))
def test_lines_of_anything(raw: list[bytes]) -> None:
    entries.lines(b"\n".join(raw))


STORED = stored()


@calm
@given(st.binary(max_size=200))
def test_any_bytes_in_a_state_table(raw: bytes) -> None:
    entries.table(raw)


@calm
@given(st.sampled_from(STORED), st.data())
def test_damaged_records_of_a_state_table(stored: bytes, data: st.DataObject) -> None:
    damaged = bytearray(stored)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(damaged)))
    entries.table(bytes(damaged[:cut]))
    entries.table(bytes(damaged)[1:])


# -- TOML ------------------------------------------------------------------------------------------

TOML_VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**400, -(10**400), math.nan, math.inf, -1, 0, 0.0, 1e308, "", []])
    | st.dates()
    | st.times(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


def _places(table: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = table.items() if isinstance(table, dict) else enumerate(table)
    found = [(*at, key) for key, _ in items]
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        if isinstance(value, dict | list):
            found += _places(value, (*at, key))
    return found


PACKAGED = packaged()
PLACES = _places(PACKAGED)


def _replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    for key in place[:-1]:
        document = document[key]
    document[place[-1]] = value
    return document


@settings(calm, max_examples=30)
@given(st.sampled_from(PLACES), TOML_VALUES, st.booleans())
def test_a_ruleset_with_any_value_anywhere(place: tuple[Any, ...], value: Any, full: bool) -> None:
    """As a whole set, and as a site's own values over the packaged ones."""
    try:
        if full:
            document = copy.deepcopy(PACKAGED)
            _replaced(document, place, value)
            build(document, ())
        else:
            own: Any = value
            for key in reversed(place):
                own = [own] if isinstance(key, int) else {key: own}
            own["ruleset"] = {"based_on": "P0", "name": "w", "version": "1"}
            found = overridden(packaged(), own)
            build(found.document, found.problems)
    except RulesetError as error:
        assert str(error)


@calm
@given(st.text(max_size=60) | st.sampled_from(["metrics_port = 10.5", "topic_prefix = 1", "a.b=1"]))
def test_any_file_of_settings_and_rules(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    entries.settings(raw)
    entries.rules(raw)


@pytest.mark.parametrize("number", ["10" + "0" * 400, "nan", "inf", "-inf", "1e400", "-1"])
@pytest.mark.parametrize(
    "name", ["metrics_port", "max_ahead_s", "partitions", "batch_within_s", "tick_interval_s"]
)
def test_numbers_no_setting_can_have(name: str, number: str) -> None:
    raw = f"{name} = {number}"
    tomllib.loads(raw)
    entries.settings(raw.encode())


# -- the worst of the largest records --------------------------------------------------------------

LARGEST = 262_144
EVENT = '"event_id":"e","patient_id":"p","time":"2026-03-10T12:00:00Z"'
VITALS = '{"type":"vitals",' + EVENT + ',"readings":[%s]}'
OXYGEN = '{"type":"oxygen","device":"niv",' + EVENT + ",%s}"
READING = '"signal":"spo2","unit":"%","value":'
NAMES = ",".join(f'"k{n:x}":1' for n in range(20_000))
WORST = {
    "fields without end": OXYGEN % NAMES,
    "a field twice, the last of many": OXYGEN % f'{NAMES},"k":1,"k":2',
    "fields without end in a reading": VITALS % ("{" + READING + "97," + NAMES + "}"),
    "fields without end in 16 readings": VITALS
    % ",".join(["{" + READING + "97," + NAMES[:15_000].rpartition(",")[0] + "}"] * 16),
    "lists in lists": "[" * LARGEST,
    "objects in objects": '{"a":' * (LARGEST // 5),
    "lists in a field": OXYGEN % f'"source":{"[" * 120_000}{"]" * 120_000}',
    "a list of objects": OXYGEN % f'"source":[{",".join(["{}"] * 80_000)}]',
    "a list of numbers": OXYGEN % f'"source":[{"1," * 120_000}1]',
    "readings without end": VITALS % ("0," * 120_000 + "0"),
    "a whole number of 260,000 digits": VITALS % ("{" + READING + "9" * 260_000 + "}"),
    "a fraction of 260,000 digits": VITALS % ("{" + READING + "0." + "7" * 260_000 + "}"),
    "an exponent of 260,000 digits": VITALS % ("{" + READING + "1e" + "9" * 260_000 + "}"),
    "a text without end": OXYGEN % f'"source":"{"x" * 260_000}"',
    "escapes without end": OXYGEN % f'"source":"{"u" * 40_000}"'.replace("u", "\\ud83d"),
    "a name without end": OXYGEN % f'"{"x" * 260_000}":1',
    "a time without end": OXYGEN % f'"received_at":"2026-03-10T12:00:00.{"1" * 250_000}Z"',
    "a type without end": '{"type":"' + "vitals" * 40_000 + '"}',
    "blanks": '{"type":"oxygen"' + " " * 260_000 + "}",
    "quotes and colons": OXYGEN % f'"source":"{chr(92)}":' * 40_000,
}


@pytest.mark.parametrize("name", WORST)
def test_the_largest_records_take_neither_long_nor_much(name: str) -> None:
    """Seconds, not minutes, and some tens of megabytes: bounds far above what is measured."""
    raw = WORST[name].encode()[:LARGEST]
    start = time.process_time()
    entries.record(raw)
    assert time.process_time() - start < 5
    tracemalloc.start()
    try:
        entries.record(raw)
        assert tracemalloc.get_traced_memory()[1] < 64_000_000
    finally:
        tracemalloc.stop()
