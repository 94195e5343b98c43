"""Why a patient is graded as they are, rebuilt from the state: nothing here decides anything.

Criterion rows met and not met by every scale, the evidence with its ages, holds and timers that
run, and what would change the grade.
"""

from __future__ import annotations

from typing import Any

from stream.engine import axes as axis
from stream.engine.assess import alarms, assess, looked_at
from stream.engine.axes import Axes
from stream.engine.context import Context
from stream.engine.course import advance
from stream.engine.events import Micros
from stream.engine.evidence import evidence
from stream.engine.fold import NEVER, Fold
from stream.engine.outputs import rfc3339
from stream.engine.reasons import FLAGS, REASONS
from stream.engine.risks import hold_of
from stream.engine.ruleset import SECOND, Ruleset
from stream.engine.scales import applies, held_answers, holds, row_holds, shown_scales
from stream.engine.signs import signs_of
from stream.engine.state import PatientState
from stream.engine.timers import reminders, was_said, wording
from stream.version import ENGINE_VERSION


def explain(state: PatientState, rules: Ruleset, at: Micros | None = None) -> dict[str, Any]:
    """The whole explanation, JSON-ready, at the patient's clock or at `at` if later."""
    seen = assess(state, rules, at)
    now, time, context = looked_at(state, rules, at)
    measured = axis.measure(now, time, context)
    return {
        "patient_id": state.record.patient_id,
        "at": rfc3339(time),
        "grade": seen["grade"],
        "raw_grade": seen["raw_grade"],
        "candidate_grade": seen["candidate_grade"],
        "since": None if not now.history else rfc3339(now.history[-1].time),
        "episode": _episode(now),
        "therapy": _therapy(now),
        "reasons": seen["reasons"],
        "fever_rule": _fever_rule(now, time, context, measured),
        "criteria": _criteria(now, rules, measured),
        "scales": _scales(now, time, context, measured),
        "icans": seen["icans"],
        "iec_hs": seen["iec_hs"],
        "evidence": evidence(now, time, rules),
        "flags": [{"code": code, "meaning": FLAGS.get(code, code)} for code in seen["flags"]],
        "holds": _holds(now, time, rules),
        "timers": _timers(state, now, time, rules),
        "alarms": alarms(state),
        "if_nothing_is_charted": _ahead(now, time, context),
        "would_raise": [
            {"to_grade": row["grade"], "criterion": row["criterion"]}
            for row in _criteria(now, rules, measured)
            if not row["met"] and now.therapy is not None and row["grade"] > now.grade
        ],
        "scores": seen["scores"],
        "trends": seen["trends"],
        "risk_window": seen["risk_window"],
        "prompts": seen["prompts"],
        "ruleset": rules.named(),
        "engine_version": ENGINE_VERSION,
    }


def _episode(now: Fold) -> dict[str, Any] | None:
    if now.episode is None:
        return None
    return {
        "number": now.episode,
        "onset": rfc3339(now.onset),
        "onset_event_id": now.onset_id,
        "highest_grade": now.episode_max,
    }


def _therapy(now: Fold) -> dict[str, Any] | None:
    if now.therapy is None:
        return None
    return {
        "product": now.product,
        "therapy_class": now.therapy_class,
        "dose_number": now.dose_number,
        "time": rfc3339(now.therapy),
        "event_id": now.therapy_id,
    }


def _fever_rule(now: Fold, time: Micros, context: Context, measured: Axes) -> dict[str, Any]:
    """By what the fever that ASTCT asks for is met, or why it is not (rules R3 to R5)."""
    if now.therapy is None:
        code, text = "out_of_scope", "No qualifying therapy is on record."
    elif now.episode is None:
        masked = axis.masked(now, context)
        code = "masked" if masked else "no_onset"
        text = (
            "No fever yet, and a drug that can hide it was given: signs make a candidate."
            if masked
            else "No qualifying fever yet: signs without it make a candidate, not a grade."
        )
    elif measured.fever:
        code, text = "fever", "The newest temperature is a qualifying fever."
    elif now.waived_at is not None:
        code, text = "waived", "A drug that hides fever was given after onset: it is not required."
    elif now.fever_at >= now.onset and time - now.fever_at <= context.rules.lookback:
        code, text = "look_back", "A fever of this episode is recent enough to count."
    elif now.support_ok:
        code, text = "unbroken", "Support has been there without a break since fever counted."
    else:
        code, text = "lapsed", "The last fever is too old to count for new support."
    return {"code": code, "text": text, "event_ids": [i for i in _fever_ids(now, code) if i]}


def _fever_ids(now: Fold, code: str) -> tuple[str, ...]:
    if code in ("fever", "look_back", "lapsed"):
        return (now.fever_id,)
    if code == "waived":
        return now.onset_id, now.waived_id
    return (now.masked_id,) if code == "masked" else ()


def _criteria(now: Fold, rules: Ruleset, measured: Axes) -> list[dict[str, Any]]:
    """The rows of the ASTCT table, met or not, by the axes as they are graded."""
    grades = rules.grades
    tube = max(device.grade for device in rules.devices.values())
    hypoxia = 0 if measured.provisional else measured.hypoxia
    rows = (
        ("FEVER", grades["fever"], measured.fever),
        ("HYPOTENSION", grades["hypotension"], measured.hypotension > 0),
        ("LOW_FLOW_OXYGEN", rules.flow_low_grade, hypoxia == rules.flow_low_grade),
        ("HYPOXIA_ON_AIR", grades["hypoxia_on_air"], measured.provisional),
        (
            "ONE_VASOPRESSOR",
            grades["one_vasopressor"],
            measured.pressors == grades["one_vasopressor"],
        ),
        ("HIGH_FLOW_OXYGEN", rules.flow_high_grade, hypoxia == rules.flow_high_grade),
        (
            "MULTIPLE_VASOPRESSORS",
            grades["multiple_vasopressors"],
            measured.pressors == grades["multiple_vasopressors"],
        ),
        ("POSITIVE_PRESSURE", tube, hypoxia == tube),
        ("DEATH_CRS", grades["death"], now.death_crs),
    )
    return [
        {"code": code, "grade": grade, "criterion": REASONS[code][0], "met": met}
        for code, grade, met in rows
    ]


def _scales(now: Fold, time: Micros, context: Context, measured: Axes) -> list[dict[str, Any]]:
    """Every other scale that applies: its grade, and each of its rows with its conditions."""
    rules = context.rules
    if now.therapy is None:
        return []
    signs = signs_of(now, time, context, measured, time)
    shown = shown_scales(held_answers(now, time, rules.down))
    adult = rules.is_adult(now.age_years)
    return [
        {
            "scale": scale.name,
            "title": scale.title,
            "citation": scale.citation,
            "grade": shown.get(scale.name, 0),
            "rows": [
                {
                    "grades": list(row.grades),
                    "criterion": row.text,
                    "status": row.status,
                    "met": row_holds(row, signs, scale.pressor_table),
                    "conditions": [
                        {"text": c.text, "met": holds(c, signs, scale.pressor_table)}
                        for c in row.when
                    ],
                }
                for row in scale.rows
            ],
        }
        for scale in rules.scales.rows
        if applies(scale, now.product_name, adult=adult)
    ]


def _holds(now: Fold, time: Micros, rules: Ruleset) -> list[dict[str, Any]]:
    """Why the emitted grade is above that of the moment, and until when."""
    found: list[dict[str, Any]] = []
    steps = now.raw_steps
    for index in range(len(steps) - 1):
        until = steps[index + 1][0] + rules.down
        if until > time and steps[index][1] > (now.raw or 0):
            found.append(
                {
                    "hold": "down",
                    "grade": steps[index][1],
                    "until": rfc3339(until),
                    "text": "The emitted grade falls only after the lower one has lasted.",
                }
            )
    if now.quiet_since is not None:
        found.append(
            {
                "hold": "quiet",
                "grade": rules.grades["fever"],
                "until": rfc3339(now.quiet_since + rules.quiet),
                "text": "The episode closes after quiet time, with a fresh temperature and "
                "pressure only.",
            }
        )
    for name, risk in sorted(now.risks.items()):
        if risk.waiting is not None:
            found.append(
                {
                    "hold": "band",
                    "score": name,
                    "band": risk.waiting or None,
                    "until": rfc3339(
                        risk.since + hold_of(rules.scores[name], risk.held, risk.waiting)
                    ),
                    "text": "Another band of a score is said once it has lasted.",
                }
            )
    return found


def _timers(state: PatientState, now: Fold, time: Micros, rules: Ruleset) -> list[dict[str, Any]]:
    found = []
    for item in sorted(reminders(now, rules), key=lambda item: item.due):
        words = wording(now, item, rules)
        found.append(
            {
                "timer": item.code,
                "due": rfc3339(item.due),
                "in_s": (item.due - time) // SECOND,
                "said": was_said(item, state.record.published),
                "text": words.text,
                "citation": words.citation,
                "status": words.status,
                "event_ids": list(item.event_ids),
            }
        )
    return found


def _ahead(now: Fold, time: Micros, context: Context) -> list[dict[str, Any]]:
    """The changes of grade that time alone would bring, were nothing more charted."""
    ahead = now.copy()
    if ahead.time == NEVER:
        return []
    before = len(ahead.history)
    advance(ahead, time + context.rules.quiet + context.rules.down, context, inclusive=True)
    return [
        {"time": rfc3339(change.time), "grade": change.grade} for change in ahead.history[before:]
    ]
