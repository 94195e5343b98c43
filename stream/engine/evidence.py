"""The values that a patient's grade, scales and scores rest on, each with its age and its event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold
from stream.engine.outputs import rfc3339
from stream.engine.pressor_dose import beyond_limit
from stream.engine.ruleset import SECOND, Ruleset


def evidence(now: Fold, time: Micros, rules: Ruleset) -> list[dict[str, Any]]:
    """What is on the chart, JSON-ready: `what`, `value`, `at`, `age_s`, `event_id`, `stale`."""
    return [*_signals(now, time, rules), *_support(now, time, rules), *_results(now, time, rules)]


def _item(
    what: str, value: str, at: Micros, event_id: str, time: Micros, limit: Micros | None = None
) -> dict[str, Any]:
    age = max(0, time - at)
    return {
        "what": what,
        "value": value,
        "at": rfc3339(at),
        "age_s": age // SECOND,
        "event_id": event_id or None,
        "stale": limit is not None and age >= limit,
    }


def _signals(now: Fold, time: Micros, rules: Ruleset) -> Iterator[dict[str, Any]]:
    tight = now.grade >= rules.tight_from_grade
    limit = {
        name: (min(row.usual, row.tight) if tight else row.usual)
        for name, row in rules.stale.items()
    }
    if now.temp is not None:
        value = f"{now.temp:g} Cel ({now.temp_site})"
        yield _item("temperature", value, now.temp_at, now.temp_id, time, limit.get("temperature"))
    if now.fever_at > NEVER and now.fever_id != now.temp_id:
        yield _item("last qualifying fever", "", now.fever_at, now.fever_id, time)
    if now.bp_seen > NEVER:
        upper = "-" if now.bp_systolic is None else f"{now.bp_systolic:g}"
        lower = "-" if now.bp_diastolic is None else f"{now.bp_diastolic:g}"
        mean = "" if now.bp_mean is None else f", mean {now.bp_mean:.0f}"
        value = f"{upper}/{lower} mm[Hg]{mean}"
        yield _item(
            "blood_pressure", value, now.bp_seen, now.bp_id, time, limit.get("blood_pressure")
        )
    if now.spo2 is not None:
        seen = max(now.spo2_seen, now.sao2_at)
        yield _item("spo2", f"{now.spo2:g} %", seen, now.spo2_id, time, limit.get("spo2"))
    for what, rate, seen, event_id in (
        ("heart_rate", now.heart_rate, now.heart_rate_seen, now.heart_rate_id),
        (
            "respiratory_rate",
            now.respiratory_rate,
            now.respiratory_rate_seen,
            now.respiratory_rate_id,
        ),
    ):
        if rate is not None:
            yield _item(what, f"{rate:g} /min", seen, event_id, time)


def _support(now: Fold, time: Micros, rules: Ruleset) -> Iterator[dict[str, Any]]:
    if now.device is not None:
        flow = "" if now.flow_lpm is None else f" {now.flow_lpm:g} L/min"
        fraction = "" if now.fio2 is None else f", FiO2 {now.fio2:g}"
        value = f"{now.device}{flow}{fraction} ({now.device_reason})"
        yield _item("oxygen device", value, now.device_at, now.device_id, time, rules.device_stale)
    pump = rules.stale.get("vasopressor_pump")
    for agent, run in sorted(now.running.items()):
        aside = not run.usable or beyond_limit(agent, run, rules, now.weight_kg)
        usable = ", dose set aside" if aside else ""
        value = f"{agent} {run.rate:g} {run.unit}{usable}, since {rfc3339(run.since)}"
        limit = None if pump is None else pump.usual
        yield _item("infusion", value, run.seen, run.seen_id, time, limit)
    for agent, given in sorted(now.given.items()):
        dose = "" if given.dose is None else f" {given.dose:g} {given.unit or ''}".rstrip()
        value = f"{agent}{dose}, {given.count} on record"
        yield _item("medication", value, given.times[-1], given.last_id, time)


def _results(now: Fold, time: Micros, rules: Ruleset) -> Iterator[dict[str, Any]]:
    for analyte, result in sorted(now.labs.items()):
        unit = rules.labs[analyte].unit if analyte in rules.labs else ""
        limit = "" if result.upper is None else f" (upper limit {result.upper:g})"
        value = f"{analyte} {result.value:g} {unit}{limit}"
        yield _item("lab", value, result.at, result.event_id, time)
    if now.icans_at > NEVER:
        yield _item("ICANS", f"grade {now.icans}", now.icans_at, now.icans_id, time)
