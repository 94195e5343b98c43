"""Everything that the stream said and stored, against the truth of the same log. Pure.

Repeats are allowed, and counted; all else has to be exactly as the engine alone has it: every
alert, in order, with its bytes; the stored history; the dead letters; the committed offsets.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from stream.engine.assess import status
from stream.soak.oracle import Letter, Said, Truth, digest
from stream.worker.codec import StateFormatError, encode_window
from stream.worker.statuses import VOLATILE
from stream.worker.stored_state import stored_state
from stream.worker.table_keys import differential_key, patient_of, split_window_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from stream.engine import PatientState, Ruleset


class Code(StrEnum):
    """How the promise can be broken."""

    ALERT_LOST = "alert lost"
    ALERT_EXTRA = "alert that the engine does not say"
    ALERT_ALTERED = "alert with other bytes"
    ALERT_ORDER = "alerts in another order"
    LETTER_LOST = "dead letter lost"
    LETTER_EXTRA = "dead letter that should not be"
    HISTORY = "stored history differs"
    STATUS = "status differs"
    COMMIT = "not all is committed"
    RECORD_LOST = "acknowledged record is not in the log"
    STUCK = "no progress"


@dataclass(frozen=True, slots=True)
class Damage:
    """One way in which the promise is broken; `patient` is a hash."""

    code: Code
    detail: str
    patient: str | None = None

    def __str__(self) -> str:
        whose = "" if self.patient is None else f" (patient {self.patient})"
        return f"{self.code.value}{whose}: {self.detail}"


@dataclass(slots=True)
class Seen:
    """What one partition of each topic holds after a run."""

    partition: int = 0
    alerts: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Key and value, in the order of the log."""
    letters: list[bytes] = field(default_factory=list)
    """Of all partitions: a record without a key has its letter anywhere."""
    patients: dict[bytes, bytes] = field(default_factory=dict)
    windows: dict[bytes, bytes] = field(default_factory=dict)
    statuses: dict[bytes, bytes] = field(default_factory=dict)
    committed: Mapping[str, int] = field(default_factory=dict)
    """By source topic, as the ends are."""
    ends: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """What was found; `add` puts partitions together."""

    damages: list[Damage] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> bool:
        """The promise is kept."""
        return not self.damages

    def add(self, other: Verdict) -> None:
        """Take in what was found elsewhere."""
        self.damages += other.damages
        self.counts += other.counts


class Judge:
    """Judges one partition after the other. `hashed` makes a patient's id fit to be printed."""

    def __init__(self, ruleset: Ruleset, source: str, hashed: Callable[[str], str]) -> None:
        self._ruleset, self._source, self._hashed = ruleset, source, hashed

    def judge(self, truth: Truth, seen: Seen) -> Verdict:
        """Everything about one partition."""
        verdict = Verdict()
        verdict.counts.update(
            partitions=1, records=truth.records, accepted=truth.accepted, patients=len(truth.states)
        )
        verdict.damages += self._alerts(truth, seen, verdict.counts)
        verdict.damages += self._letters(truth, seen, verdict.counts)
        verdict.damages += self._histories(truth, seen)
        verdict.damages += self._statuses(truth, seen)
        verdict.damages += self._commits(seen)
        return verdict

    def _alerts(self, truth: Truth, seen: Seen, counts: Counter[str]) -> Iterator[Damage]:
        found: dict[str, dict[str, bytes]] = defaultdict(dict)
        for key, value in seen.alerts:
            patient, alert_id = key.decode(errors="replace"), _field(value, "alert_id")
            first = found[patient].setdefault(alert_id, digest(value))
            counts["alerts sent"] += 1
            if first != digest(value):
                yield Damage(
                    Code.ALERT_ALTERED, f"{alert_id} was repeated with other bytes",
                    self._hashed(patient),
                )  # fmt: skip
        counts["alerts"] += sum(map(len, found.values()))
        counts["alerts repeated"] = counts["alerts sent"] - counts["alerts"]
        for patient in sorted({*truth.alerts, *found}):
            wanted = truth.alerts.get(patient, [])
            yield from self._one(self._hashed(patient), wanted, found.get(patient, {}))

    @staticmethod
    def _one(patient: str, wanted: list[Said], found: dict[str, bytes]) -> Iterator[Damage]:
        ids = {said.alert_id for said in wanted}
        for said in wanted:
            if said.alert_id not in found:
                yield Damage(Code.ALERT_LOST, said.alert_id, patient)
            elif found[said.alert_id] != said.digest:
                detail = f"{said.alert_id} is not as the engine says it"
                yield Damage(Code.ALERT_ALTERED, detail, patient)
        for alert_id in found.keys() - ids:
            yield Damage(Code.ALERT_EXTRA, alert_id, patient)
        order = [alert_id for alert_id in found if alert_id in ids]
        if order != [said.alert_id for said in wanted if said.alert_id in found]:
            yield Damage(Code.ALERT_ORDER, f"{len(order)} alerts, first appearances", patient)

    def _letters(self, truth: Truth, seen: Seen, counts: Counter[str]) -> Iterator[Damage]:
        found: Counter[Letter] = Counter()
        for raw in seen.letters:
            letter = json.loads(raw)
            if (letter["topic"], letter["partition"]) == (self._source, seen.partition):
                where = Letter(letter["offset"], letter["reason"], letter["event_id"] or "")
                found[where] += 1
        counts["dead letters"] += len(found)
        counts["dead letters repeated"] += max(0, found.total() - truth.letters.total())
        place = f"{self._source}[{seen.partition}]"
        for letter, count in sorted((truth.letters - found).items()):
            detail = f"{count} x {letter.reason} of {place}@{letter.offset}"
            yield Damage(Code.LETTER_LOST, detail)
        for letter in sorted(found.keys() - truth.letters.keys()):
            yield Damage(Code.LETTER_EXTRA, f"{letter.reason} of {place}@{letter.offset}")

    def _histories(self, truth: Truth, seen: Seen) -> Iterator[Damage]:
        windows: dict[bytes, dict[int, bytes]] = defaultdict(dict)
        for key, value in seen.windows.items():
            if (parts := split_window_key(key)) is not None:
                windows[parts[0]][parts[1]] = value
        stored = (patient_of(key).decode() for key in seen.patients)
        for patient in sorted({*truth.states, *stored}):
            key, state = patient.encode(), truth.states.get(patient)
            raw = seen.patients.get(key)
            if raw is None or state is None:
                detail = "nothing is stored" if raw is None else "nobody has heard of this patient"
            else:
                differs = seen.patients.get(differential_key(key))
                detail = _difference(state, raw, differs, windows[key])
            if detail:
                yield Damage(Code.HISTORY, detail, self._hashed(patient))

    def _statuses(self, truth: Truth, seen: Seen) -> Iterator[Damage]:
        for patient, state in truth.states.items():
            raw = seen.statuses.get(patient.encode())
            wanted = json.loads(json.dumps(status(state, self._ruleset)))
            found: dict[str, Any] = {} if raw is None else json.loads(raw)
            differ = sorted(
                name
                for name in wanted.keys() | found.keys()
                if name not in VOLATILE and wanted.get(name) != found.get(name)
            )
            if differ:
                yield Damage(Code.STATUS, f"in {', '.join(differ)}", self._hashed(patient))

    @staticmethod
    def _commits(seen: Seen) -> Iterator[Damage]:
        for topic, end in seen.ends.items():
            committed = seen.committed.get(topic, 0)
            if committed != end:
                detail = f"{topic}[{seen.partition}] is committed to {committed} of {end}"
                yield Damage(Code.COMMIT, detail)


def _field(value: bytes, name: str) -> str:
    try:
        return str(json.loads(value)[name])
    except (ValueError, KeyError, TypeError):
        return repr(value[:40])


def _difference(
    state: PatientState, raw: bytes, differs: bytes | None, windows: dict[int, bytes]
) -> str:
    """What is stored of a patient other than it should be, by field; empty where nothing is."""
    try:
        stored = stored_state(raw, differs, windows).state
    except StateFormatError as error:
        return str(error)
    differ = [
        field.name
        for field in fields(state.record)
        if getattr(state.record, field.name) != getattr(stored.record, field.name)
    ]
    torn = [
        start
        for start in {*state.windows, *stored.windows}
        if _stored_bytes(state, start) != _stored_bytes(stored, start)
    ]
    parts = [f"the record in {', '.join(differ)}"] if differ else []
    parts += [f"{len(torn)} of {len(state.windows)} windows"] if torn else []
    return " and ".join(parts)


def _stored_bytes(state: PatientState, start: int) -> bytes:
    window = state.windows.get(start)
    return b"" if window is None else encode_window(window)
