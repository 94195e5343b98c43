"""Scores of a patient over time: values off the chart with their ages, and bands that hold.

A band is in force once it has been the patient's for as long as its score says. An input that is
missing or too old is never taken for a normal one: the score then lies between limits, and has a
band only where both limits lie in the same one. Scores never touch a grade.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold, LabValue, Risk, ScoreInputUsed
from stream.engine.native import mypyc_attr
from stream.engine.oxygenation import on_air
from stream.engine.ruleset import HOUR, Ruleset
from stream.engine.score_definitions import LAB, ScoreDefinition, Value
from stream.engine.scores import band_in, partial


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Charted:
    """A value, when it was true, and the event that it comes from."""

    value: Final[Value]
    at: Final[Micros]
    event_id: Final[str]

    def __init__(
        self,
        value: Value,
        at: Micros,
        event_id: str,
    ) -> None:
        self.value = value
        self.at = at
        self.event_id = event_id


def charted(fold: Fold, rules: Ruleset) -> dict[str, Charted]:
    """All that the chart holds for scores, however old, by the names of `CHARTED` and `lab:`."""
    found: dict[str, Charted] = _results(fold.labs) if fold.labs else {}
    if fold.temp is not None:
        found["temperature"] = Charted(fold.temp, fold.temp_at, fold.temp_id)
        if fold.therapy is not None and fold.temp_at >= fold.therapy:
            hours = (fold.temp_at - fold.therapy) / HOUR
            found["hours_since_therapy"] = Charted(hours, fold.temp_at, fold.therapy_id)
    if fold.heart_rate is not None:
        found["heart_rate"] = Charted(fold.heart_rate, fold.heart_rate_seen, fold.heart_rate_id)
    if fold.respiratory_rate is not None:
        seen, event_id = fold.respiratory_rate_seen, fold.respiratory_rate_id
        found["respiratory_rate"] = Charted(fold.respiratory_rate, seen, event_id)
    if fold.spo2 is not None:
        found["spo2"] = Charted(fold.spo2, max(fold.spo2_seen, fold.sao2_at), fold.spo2_id)
    if fold.bp_systolic is not None:
        found["systolic_bp"] = Charted(fold.bp_systolic, fold.bp_seen, fold.bp_id)
    if fold.bp_mean is not None:
        found["mean_bp"] = Charted(fold.bp_mean, fold.bp_seen, fold.bp_id)
    if fold.device is not None:
        found["on_oxygen"] = Charted(not on_air(fold, rules), fold.device_at, fold.device_id)
    if fold.alert is not None:
        found["alert"] = Charted(fold.alert, fold.alert_at, fold.alert_id)
        found["altered_mentation"] = Charted(not fold.alert, fold.alert_at, fold.alert_id)
    if fold.spo2_scale is not None:
        scale = str(fold.spo2_scale)
        found["spo2_scale"] = Charted(scale, fold.spo2_scale_at, fold.spo2_scale_id)
    return found


def _results(labs: dict[str, LabValue]) -> dict[str, Charted]:
    return {LAB + name: Charted(lab.value, lab.at, lab.event_id) for name, lab in labs.items()}


def counted(definition: ScoreDefinition, name: str, chart: dict[str, Charted]) -> Charted | None:
    """How many of an input's results are low, as old as the oldest; None while one is missing."""
    item = definition.input(name)
    if item is None:
        return None
    results = [(chart.get(LAB + each.analyte), each.at_most) for each in item.counts]
    known = [(found, limit) for found, limit in results if found is not None]
    if len(known) < len(results):
        return None
    low = sum(1 for found, limit in known if float(found.value) <= limit)
    oldest = min((found for found, _ in known), key=lambda found: found.at)
    return Charted(float(low), oldest.at, oldest.event_id)


def inputs_of(
    fold: Fold, time: Micros, definition: ScoreDefinition, chart: dict[str, Charted]
) -> Iterator[tuple[str, Charted, bool]]:
    """Each input that the chart holds: its name, what the chart has, and whether it is fresh."""
    if definition.timing == "before_therapy":
        asked = time if fold.labs_before_at is None else fold.labs_before_at
        chart = _results(fold.labs_before)
    else:
        asked = time
    for name, item, age in definition.charted:
        found = chart.get(item) if item else counted(definition, name, chart)
        if found is not None:
            yield name, found, age is None or asked - found.at <= age


def applies(fold: Fold, definition: ScoreDefinition, rules: Ruleset) -> bool:
    """Whether the score is for this patient: age, class and target of the therapy."""
    if not definition.in_stream or (definition.adults_only and not rules.is_adult(fold.age_years)):
        return False
    if not definition.therapy_classes and not definition.targets:
        return True
    product = rules.products.find(fold.product, fold.therapy_class)
    return definition.is_for(fold.product_class, "" if product is None else product.target)


def judge(fold: Fold, time: Micros, ran: Micros, rules: Ruleset) -> None:
    """Take the announced scores a step further; waiting bands count as held up to `ran`.

    At most once in `score_sample`, but at once after a result or a temperature.
    """
    if fold.ended:
        return
    due = fold.risks_due <= ran
    if time - fold.risks_at < rules.score_sample and fold.temp_at != time and not due:
        return
    judged, fold.risks_at = fold.risks_at, time
    chart = charted(fold, rules)
    risks = None
    for definition in rules.announced:
        if not (due or _is_new(definition, chart, judged)):
            continue  # nothing new: at most an input has become too old, and that says nothing
        before = fold.risks.get(definition.name)
        here = _band(fold, time, definition, chart)
        if before is None:
            if here is None:
                continue
        elif before.waiting is None and here in (None, before.held):
            continue
        after = _step(fold, time, ran, definition, before, here, chart, rules)
        if after is not before and after is not None:
            risks = risks if risks is not None else dict(fold.risks)
            risks[definition.name] = after
    if risks is not None:
        fold.risks = risks
        fold.risks_due = min(
            (
                risk.since + hold_of(rules.scores[name], risk.held, risk.waiting)
                for name, risk in risks.items()
                if risk.waiting is not None
            ),
            default=_NOT_DUE,
        )


_NOT_DUE: Final[Micros] = -NEVER
_NOTHING: Final = Risk()


def _step(
    fold: Fold,
    time: Micros,
    ran: Micros,
    definition: ScoreDefinition,
    before: Risk | None,
    here: str | None,
    chart: dict[str, Charted],
    rules: Ruleset,
) -> Risk | None:
    """What becomes of a score whose inputs now lie in band `here`; None: that is open."""
    if not applies(fold, definition, rules):
        if before is None or before.waiting is None:
            return before
        return replace(before, waiting=None)
    held = before if before is not None else _NOTHING
    if definition.latched and held.held is not None and held.held != calm_band(definition):
        return before
    if here is None or here == held.held:
        return replace(held, waiting=None) if held.waiting is not None else before
    waiting, since = _waiting(definition, held, here, time)
    calm = held.held is None and here == calm_band(definition)
    hold = hold_of(definition, held.held, waiting)
    if not (calm or hold == 0 or ran - since >= hold):
        same = (waiting, since) == (held.waiting, held.since)
        return held if same else replace(held, waiting=waiting, since=since)
    known = inputs_of(fold, time, definition, chart)
    inputs = {name: found for name, found, fresh in known if fresh}
    now = partial(definition, {name: found.value for name, found in inputs.items()})
    return Risk(
        held=here if calm else waiting,
        held_at=time,
        value=now.value if now.value is not None else now.lowest,
        inputs=tuple(
            ScoreInputUsed(name, found.value, found.at, found.event_id)
            for name, found in inputs.items()
        ),
        missing=now.missing,
    )


def _is_new(definition: ScoreDefinition, chart: dict[str, Charted], judged: Micros) -> bool:
    """Whether any input is newer than `judged`."""
    for item in definition.items:
        found = chart.get(item)
        if found is not None and found.at > judged:
            return True
    return False


def _band(
    fold: Fold, time: Micros, definition: ScoreDefinition, chart: dict[str, Charted]
) -> str | None:
    """Band of the inputs that are not too old, None if open."""
    if definition.timing != "now":
        known = inputs_of(fold, time, definition, chart)
        values = {name: found.value for name, found, usable in known if usable}
        return partial(definition, values).band
    cells: list[Value | None] = []
    for probe in definition.probes:
        found = chart.get(probe.item) if probe.item else counted(definition, probe.name, chart)
        if found is None or (probe.ages and time - found.at > probe.age):
            cells.append(None)
        elif probe.bounds is None:
            cells.append(found.value)
        else:
            cells.append(_cell(probe.bounds, found.value))
    return band_in(definition, tuple(cells))


def _cell(bounds: tuple[float, ...], value: Value) -> int:
    """How many of the bounds, ascending, lie below the value: there are a few only."""
    measured, below = float(value), 0
    for bound in bounds:
        if bound >= measured:
            break
        below += 1
    return below


def _waiting(
    definition: ScoreDefinition, held: Risk, band: str, time: Micros
) -> tuple[str, Micros]:
    """The band that waits to be held, and since when.

    A score that swings between two bands on one side of the one in force has lasted in the nearer.
    """
    if held.waiting is None:
        return band, time
    bands = definition.plan.bands
    here = -1 if held.held is None else bands.index(held.held)
    before, now = bands.index(held.waiting), bands.index(band)
    if (before > here) != (now > here):
        return band, time
    return bands[min(before, now) if now > here else max(before, now)], held.since


def band_at(fold: Fold, time: Micros, definition: ScoreDefinition, rules: Ruleset) -> str | None:
    """The band of what the chart holds that is not too old at `time`; None where that is open."""
    return _band(fold, time, definition, charted(fold, rules))


def unlatched(fold: Fold, rules: Ruleset) -> dict[str, Risk]:
    """The risks without those that last until the next dose, which is now."""
    return {name: risk for name, risk in fold.risks.items() if not rules.scores[name].latched}


def hold_of(definition: ScoreDefinition, held: str | None, waiting: str) -> Micros:
    """How long the waiting band must last: confirmed fast upwards, held on the way down."""
    bands = definition.plan.bands
    down = held is not None and bands.index(waiting) < bands.index(held)
    return definition.hold_down if down else definition.hold


def calm_band(definition: ScoreDefinition) -> str:
    """The band of a score of 0: being in it from the beginning is no change."""
    return definition.calm


def next_risk(fold: Fold) -> Micros | None:
    """When the band that waits will have held long enough."""
    return None if fold.risks_due == _NOT_DUE else fold.risks_due
