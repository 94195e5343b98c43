"""Published guidance beside a grade: what is published, and what has already been given.

It says what publications say, in our words, with citation, version and date, and counts what is on
record. It never says what to do: clinician judgement is required and local policy prevails.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stream.engine.events import Micros
from stream.engine.fold import Fold
from stream.engine.guidance import BY_EPISODE, PREVAILS, SAYS, GuidanceRow, rows_for
from stream.engine.ruleset import HOUR, MINUTE, Ruleset
from stream.engine.scores import ScoreError, evaluate


def doses_until(fold: Fold, agent: str, time: Micros, day: Micros) -> tuple[int, int]:
    """(doses within `day` before `time`, doses in all until `time`) of a followed medicine."""
    given = fold.given.get(agent)
    if given is None:
        return 0, 0
    later = sum(1 for at in given.times if at > time)
    return sum(1 for at in given.times if time - day < at <= time), given.count - later


def advice(
    fold: Fold,
    grade: int,
    episode_max: int,
    therapy: tuple[str, str],
    time: Micros,
    rules: Ruleset,
) -> list[dict[str, Any]]:
    """The rows for a grade under a therapy, JSON-ready, with what was given until `time`.

    `therapy` is product and class as charted. Rows of the next dose go by `episode_max`.
    """
    product, therapy_class = therapy
    row = rules.products.find(product, therapy_class)
    chosen = rows_for(rules.guidance, row, therapy_class, grade, episode_max)
    return [_shown(item, fold, time, rules) for item in chosen]


def _shown(row: GuidanceRow, fold: Fold, time: Micros, rules: Ruleset) -> dict[str, Any]:
    shown = {
        "id": row.id,
        "topic": row.topic,
        "text": f"{SAYS}{row.text}{_dose(row, fold, rules)} {PREVAILS}",
        "citation": row.citation,
        "version": row.version,
        "date": row.date,
        "status": row.status,
        "verified": row.status != "mem",
        "given": _given(row.agents, fold, time, rules),
    }
    if row.evidence:
        shown["evidence"] = row.evidence
    limits = _limits(row, fold, time, rules.timers["K4"].day)
    if limits:
        shown["limits"] = limits
    return shown


def _dose(row: GuidanceRow, fold: Fold, rules: Ruleset) -> str:
    """The published dose worked out for the charted weight."""
    definition = rules.scores.get(row.dose)
    if definition is None:
        return ""
    if fold.weight_kg is None:
        return " No weight is charted, so the published dose is not worked out."
    try:
        amount = evaluate(definition, {"weight_kg": fold.weight_kg})
    except ScoreError:
        return " The charted weight cannot be, so the published dose is not worked out."
    return f" For {fold.weight_kg:g} kg that is {amount:g} {definition.unit}."


def _given(agents: Iterable[str], fold: Fold, time: Micros, rules: Ruleset) -> str:
    """What is on record of these medicines, in one sentence each."""
    parts = []
    day = rules.timers["K4"].day
    for agent in agents:
        in_day, in_all = doses_until(fold, agent, time, day)
        if not in_all:
            parts.append(f"{agent}: none on record")
            continue
        last = max((at for at in fold.given[agent].times if at <= time), default=None)
        since = "" if last is None else f", the last {_span(time - last)} before"
        parts.append(f"{agent}: {in_day} in the last {hours(day)}, {in_all} in all{since}")
    return "; ".join(parts)


def _limits(row: GuidanceRow, fold: Fold, time: Micros, day: Micros) -> list[str]:
    """Which of the published limits of a medicine are reached, and which are not yet over."""
    found: list[str] = []
    for agent in row.agents:
        in_day, in_all = doses_until(fold, agent, time, day)
        if row.most_in_day is not None and in_day >= row.most_in_day:
            found.append(f"{agent}: {in_day} of at most {row.most_in_day} in {hours(day)}")
        if row.most_in_all is not None and in_all >= row.most_in_all:
            found.append(f"{agent}: {in_all} of at most {row.most_in_all} in all")
        if row.interval is not None and in_all:
            last = max((at for at in fold.given[agent].times if at <= time), default=None)
            if last is not None and time - last < row.interval:
                left = _span(row.interval - (time - last))
                found.append(f"{agent}: the published interval ends in {left}")
    return found


def next_dose_rows(fold: Fold, rules: Ruleset) -> list[GuidanceRow]:
    """What is published on the next dose after the worst grade so far."""
    product = rules.products.find(fold.product, fold.therapy_class)
    return [
        row
        for row in rows_for(rules.guidance, product, fold.therapy_class, fold.worst, fold.worst)
        if row.topic == "hold" or row.topic in BY_EPISODE
    ]


def hours(time: Micros) -> str:
    """`24 h`."""
    return f"{time / HOUR:g} h"


def _span(time: Micros) -> str:
    minutes = time // MINUTE
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
