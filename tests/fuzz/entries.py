"""Every entry for strangers' bytes. Each takes any bytes; whatever it raises is a defect."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.deadletter import DeadLetter, ReasonCode
from stream.engine import PatientState, Tick, assess, step
from stream.engine.assess import status
from stream.gateways.jsonl import read_lines
from stream.intake import decode
from stream.offline import OfflineEngine
from stream.rules import RulesetError, load_ruleset
from stream.settings import SettingsError, load_settings
from stream.worker.codec import (
    READABLE,
    StateFormatError,
    decode_differential,
    decode_record,
    decode_window,
    encode_record,
    encode_window,
)
from stream.worker.deadletters import dead_letter
from stream.worker.records import SourceRecord
from stream.worker.table_keys import split_window_key, window_key

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = load_ruleset()
NOW = 1_773_144_000_000_000  # 2026-03-10T12:00Z, as in most of the examples
MONTH = 30 * 24 * 3_600_000_000


def record(raw: bytes) -> None:
    """A record of a source topic: an event that the engine answers, or coded dead letters."""
    for key, now in ((None, None), (b"p-7f3a91", NOW)):
        source = SourceRecord("vitals", 0, 1, 0.0, key, raw)
        state: PatientState | None = None
        for intake in decode(raw, key=key, now=now, accept_ticks=True).each:
            assert intake.event is not None or len(intake.rejections) == 1
            for rejection in intake.rejections:
                assert ReasonCode(rejection.code) is not ReasonCode.INTERNAL
                DeadLetter.model_validate_json(dead_letter(source, rejection, NOW, "w"))
            if intake.event is not None and not isinstance(intake.event, Tick):
                state, outputs = step(state, intake.event, RULES)
                state, again = step(state, intake.event, RULES)
                for alert in (*outputs.alerts, *again.alerts):
                    alert.to_bytes().decode()
        if state is not None:
            state, ticked = step(state, Tick(state.record.clock + MONTH), RULES)
            for alert in ticked.alerts:
                alert.to_bytes().decode()
            stored_and_read(state)


def stored_and_read(state: PatientState) -> None:
    """A state outlives its worker: what is read back is the same, and can be shown."""
    back = PatientState.assemble(
        decode_record(encode_record(state.record)),
        {start: decode_window(encode_window(w)) for start, w in state.windows.items()},
    )
    assert back == state
    assess(state, RULES, state.record.clock)
    status(state, RULES)


def table(raw: bytes) -> None:
    """A record of a state table: a value, or a refusal by name."""
    for value in (raw, *(bytes([form]) + raw for form in READABLE)):
        for read in (decode_record, decode_window, decode_differential):
            with contextlib.suppress(StateFormatError):
                read(value)
    parts = split_window_key(raw)
    assert parts is None or window_key(*parts) == raw


def lines(raw: bytes) -> None:
    """A file of events: each line is an event or has its reason."""
    engine = OfflineEngine(RULES)
    for number, line in read_lines(io.BytesIO(raw)):
        assert number > 0
        for alert in engine.take(line).alerts:
            alert.to_bytes()


def rules(raw: bytes) -> None:
    """A site's ruleset: one that can be used, or one that is refused in words."""
    with _file(raw) as path, contextlib.suppress(RulesetError):
        load_ruleset(path)


def settings(raw: bytes) -> None:
    """A file of settings: all of them can be used, or they are refused in words."""
    with _file(raw) as path, contextlib.suppress(SettingsError):
        load_settings(path)


@contextlib.contextmanager
def _file(raw: bytes):  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "any.toml"
        path.write_bytes(raw)
        yield path


ENTRIES: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (record, table, lines, rules, settings)
}
