"""Charts in virtual time: `chart.at("10:07", sbp=82)`, `chart.expect(grade=2)`.

Times are hours and minutes (and seconds) since 2026-03-01T00:00Z; hours run past 24.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stream.engine import Alert, Outputs, PatientState, Tick, assess, step
from stream.engine.events import (
    Acknowledgement,
    Attribution,
    BadReading,
    Infusion,
    Lab,
    Medication,
    Neuro,
    Outcome,
    Oxygen,
    Patient,
    PatientEvent,
    Reading,
    Retraction,
    Therapy,
    Vitals,
)
from stream.engine.ruleset import HOUR, MINUTE, SECOND
from stream.rules import load_ruleset
from stream.worker.codec import decode_record, decode_window, encode_record, encode_window

P0 = load_ruleset()
START = 1_772_323_200_000_000  # 2026-03-01T00:00Z

_SIGNALS = {
    "temp": "temperature",
    "sbp": "systolic_bp",
    "dbp": "diastolic_bp",
    "map": "mean_bp",
    "spo2": "spo2",
    "hr": "heart_rate",
    "rr": "respiratory_rate",
}


def when(text: str) -> int:
    """`"54:10"` -> microseconds."""
    parts = [int(part) for part in text.split(":")]
    parts += [0] * (3 - len(parts))
    return START + parts[0] * HOUR + parts[1] * MINUTE + parts[2] * SECOND


def clock(time: int) -> str:
    """Microseconds -> `"54:10"`; seconds only where there are any."""
    hours, rest = divmod(time - START, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds = "" if rest == 0 else f":{rest / SECOND:02g}"
    return f"{hours}:{minutes:02}{seconds}"


class Chart:
    """One patient's chart; every call is one event, applied at once."""

    def __init__(
        self, *, age: float | None = 60, therapy: str | None = "0:00", ruleset: Any = P0
    ) -> None:
        self.ruleset = ruleset
        self.state: PatientState | None = None
        self.alerts: list[Alert] = []
        self.events: list[PatientEvent | Tick] = []
        self.last: Outputs | None = None
        self.count = 0
        if age is not None:
            self.put(Patient, "-1:00", age_years=age)
        if therapy is not None:
            self.therapy(therapy)

    def put(self, kind: type, at: str, *, received: str | None = None, **fields: Any) -> str:
        self.count += 1
        event_id = fields.pop("id", f"e{self.count}")
        event = kind(
            event_id=event_id,
            patient_id="p",
            time=when(at),
            received_at=None if received is None else when(received),
            **fields,
        )
        self.apply(event)
        return event_id

    def apply(self, event: PatientEvent | Tick) -> Outputs:
        self.events.append(event)
        self.state, self.last = step(self.state, event, self.ruleset)
        self.alerts += self.last.alerts
        return self.last

    def at(self, at: str, **values: Any) -> str:
        """Vitals; `site`, `method`, `quality` go to every reading; `bad`: BadReading, ..."""
        received, event_id = values.pop("received", None), values.pop("id", None)
        bad: tuple[BadReading, ...] = values.pop("bad", ())
        extra = {k: values.pop(k) for k in ("site", "method", "quality") if k in values}
        readings = tuple(Reading(_SIGNALS[name], float(v), **extra) for name, v in values.items())
        fields: dict[str, Any] = {"readings": readings, "bad": bad}
        if event_id:
            fields["id"] = event_id
        return self.put(Vitals, at, received=received, **fields)

    def therapy(self, at: str, product: str = "axi-cel", cls: str = "car_t", **more: Any) -> str:
        return self.put(Therapy, at, product=product, therapy_class=cls, **more)

    def oxygen(self, at: str, device: str, flow: float | None = None, **more: Any) -> str:
        return self.put(Oxygen, at, device=device, flow_lpm=flow, **more)

    def pump(self, at: str, agent: str, rate: float, action: str = "start", **more: Any) -> str:
        unit = more.pop("unit", "ug/min")
        return self.put(Infusion, at, agent=agent, rate=rate, unit=unit, action=action, **more)

    def give(self, at: str, agent: str, **more: Any) -> str:
        return self.put(Medication, at, agent=agent, **more)

    def lab(self, at: str, analyte: str, value: float, unit: str, **more: Any) -> str:
        return self.put(Lab, at, analyte=analyte, value=value, unit=unit, **more)

    def neuro(self, at: str, **more: Any) -> str:
        return self.put(Neuro, at, **more)

    def outcome(self, at: str, outcome: str, cause: str | None = None, **more: Any) -> str:
        return self.put(Outcome, at, outcome=outcome, cause=cause, **more)

    def attribute(
        self,
        at: str,
        finding: str,
        cause: str | None,
        start: str,
        until: str | None = None,
        **more: Any,
    ) -> str:
        return self.put(
            Attribution,
            at,
            finding=finding,
            other_cause=cause,
            start=when(start),
            until=None if until is None else when(until),
            by="physician-1",
            **more,
        )

    def retract(self, at: str, target: str, **more: Any) -> str:
        return self.put(Retraction, at, retracts=target, **more)

    def answer(
        self,
        at: str,
        alert_id: str,
        action: str = "acknowledge",
        *,
        by: str = "nurse-1",
        until: str | None = None,
        reason: str | None = "seen",
        **more: Any,
    ) -> str:
        end = None if until is None else when(until)
        return self.put(
            Acknowledgement, at, alert_id=alert_id, by=by, action=action, until=end,
            reason=reason, **more,
        )  # fmt: skip

    def replay(self, event: PatientEvent, **changes: Any) -> Outputs:
        return self.apply(replace(event, **changes))

    def tick(self, at: str) -> None:
        self.apply(Tick(when(at)))

    def patient(self, at: str, **fields: Any) -> str:
        return self.put(Patient, at, **fields)

    def restart(self) -> None:
        """Store the state as bytes and go on from what is read back."""
        assert self.state is not None
        record = decode_record(encode_record(self.state.record))
        windows = {
            key: decode_window(encode_window(window)) for key, window in self.state.windows.items()
        }
        self.state = PatientState.assemble(record, windows)

    # -- what was said ----------------------------------------------------------------------

    def said(self, *types: str) -> list[Alert]:
        kinds = types or ("grade.changed", "grade.revised")
        return [alert for alert in self.alerts if alert.type in kinds]

    def grades(self) -> list[tuple[str, int]]:
        """(type's last word, to_grade) of every grade alert."""
        return [(a.type.split(".")[1], a.body["to_grade"]) for a in self.said()]

    def reminders(self, timer: str | None = None) -> list[tuple[str, str]]:
        """(timer, the time at which it was due) of every reminder, or of those of one timer."""
        return [
            (a.body["timer"], clock(a.effective_time))
            for a in self.said("reminder")
            if timer is None or a.body["timer"] == timer
        ]

    def alarm(self, grade: int | None = None, event: str = "grade") -> str:
        """The alert of the newest alarm of a kind that was opened."""
        for alert in reversed(self.said("escalation.opened")):
            if alert.body["event"] == event and alert.body["grade"] == grade:
                return str(alert.body["alert"])
        raise AssertionError(f"no alarm of {event} {grade}")

    def told(self, event: str | None = None) -> list[str]:
        """`10:05 grade 3 advanced 1 charge_nurse rapid_response` of each step of each alarm."""
        lines = []
        for alert in self.alerts:
            kind, _, what = alert.type.partition(".")
            body = alert.body
            if kind != "escalation" or (event and body.get("event") != event):
                continue
            about = f"{body.get('event')} {body.get('grade') or body.get('subject') or ''}".strip()
            words = [clock(alert.effective_time), about, what]
            if body.get("notify"):
                words += [str(body["step"]), *body["notify"]]
            words += [body["why"]] if body.get("why") else []
            lines.append(" ".join(words))
        return lines

    def alarms(self) -> list[str]:
        """`grade 3 acknowledged` of each alarm that is not closed."""
        assert self.state is not None
        return [
            f"{a.event} {a.grade or a.subject} {a.state}"
            for a in self.state.record.published.alarms.open
        ]

    def look(self, at: str | None = None) -> dict[str, Any]:
        assert self.state is not None
        return assess(self.state, self.ruleset, None if at is None else when(at))

    def expect(self, at: str | None = None, **fields: Any) -> None:
        """Fields of `assess`; `flags` as a set that must be contained."""
        seen = self.look(at)
        flags = fields.pop("flags", set())
        assert set(flags) <= set(seen["flags"]), seen["flags"]
        absent = fields.pop("no_flags", set())
        assert not set(absent) & set(seen["flags"]), seen["flags"]
        for name, value in fields.items():
            assert seen[name] == value, (name, seen)


def history(state: PatientState) -> dict[str, Any]:
    """What convergence is about: spans of grade, episodes, candidates; ICANS."""
    derived = state.derived
    assert derived is not None
    now = derived.now
    return {
        "grades": [(c.time, c.grade, c.episode, c.episode_max) for c in now.history],
        "candidates": [(c.start, c.grade, c.why, c.end, c.how) for c in now.candidates],
        "icans": [(c.time, c.grade) for c in now.icans_history],
        "episode": now.episode,
        "raw": now.raw,
    }
