"""ASTCT 2019 in the form of the other scales, to be shown beside them; it is graded elsewhere.

Its rows are those of `stream.engine.axes`: `[grades]`, `[devices]` and `[agents]` of the parameter
set, with the criteria of `stream.engine.reasons`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.cli.products import span
from stream.engine.reasons import REASONS
from stream.engine.scales import Condition, Scale, ScaleRow
from stream.rules.documents import loaded, sourced
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from stream.engine import Ruleset
    from stream.rules.rows import Cell

TITLE = "ASTCT 2019 consensus, the grade that is emitted"
CITATION = (
    "Lee DW et al. Biol Blood Marrow Transplant 2019;25:625-638, doi 10.1016/j.bbmt.2018.12.758"
)
OXYGEN = {"low": "LOW_FLOW_OXYGEN", "high": "HIGH_FLOW_OXYGEN", "positive": "POSITIVE_PRESSURE"}


def as_scale(rules: Ruleset, path: Path | None) -> Scale:
    """The consensus table as the ruleset of `path` (None: the packaged one) grades it."""
    cells = sourced(loaded(path))
    rows = sorted(_rows(rules, cells), key=lambda row: row.grades)
    return Scale(
        name=rules.scale,
        title=TITLE,
        citation=CITATION,
        status=cells["grades.fever"].status,
        fever="onset",
        ages="all",
        products=(),
        pressor_table="",
        rows=tuple(rows),
    )


def _rows(rules: Ruleset, cells: Mapping[str, Cell]) -> Iterator[ScaleRow]:
    grades = rules.grades

    def row(code: str, sign: str, when: str, *names: str) -> ScaleRow:
        text = REASONS[code][0].partition(": ")[2]
        status = max((cells[name].status for name in names), key=STATUSES.index)
        return ScaleRow((grades[sign],), (_written(when),), text, status)

    yield row("FEVER", "fever", f"temperature >= {rules.fever_c:.1f} Cel", "grades.fever")
    yield row("HYPOTENSION", "hypotension", "hypotension", "grades.hypotension")
    yield row("ONE_VASOPRESSOR", "one_vasopressor", "vasopressors = 1", "grades.one_vasopressor")
    yield row(
        "VASOPRESSIN_ONLY", "one_vasopressor", "vasopressin and no other", "agents.vasopressin"
    )
    yield row(
        "MULTIPLE_VASOPRESSORS",
        "multiple_vasopressors",
        f"vasopressors without vasopressin >= 2, together for {span(rules.overlap)}",
        "grades.multiple_vasopressors",
    )
    yield from _oxygen(rules, cells)
    on_air = f"saturation < {rules.spo2_low:g} % on air, no device charted"
    yield row("HYPOXIA_ON_AIR", "hypoxia_on_air", on_air, "grades.hypoxia_on_air")
    yield row("DEATH_CRS", "death", "death caused by the syndrome", "grades.death")


def _oxygen(rules: Ruleset, cells: Mapping[str, Cell]) -> Iterator[ScaleRow]:
    """A row for each grade, condition on the flow and status that devices have."""
    found: dict[tuple[int, str, str], list[str]] = {}
    above = ">=" if rules.flow_boundary_inclusive else ">"
    within = "<" if rules.flow_boundary_inclusive else "<="
    for name, device in rules.devices.items():
        if device.kind == "air":
            continue
        status = cells[f"devices.{name}.grade"].status
        if device.kind == "fixed":
            found.setdefault((device.grade, "", status), []).append(name)
            continue
        for grade, sign in ((rules.flow_low_grade, within), (rules.flow_high_grade, above)):
            flow = f"flow {sign} {rules.flow_boundary_lpm:g} L/min"
            if device.grade == grade:
                flow += " or not charted"
            found.setdefault((grade, flow, status), []).append(name)
    for (grade, flow, status), names in found.items():
        kind = "low" if grade <= rules.flow_low_grade else "high"
        kind = "positive" if grade > rules.flow_high_grade else kind
        when = [_written(f"device is {'|'.join(names)}")]
        if flow:
            when.append(_written(flow))
        text = REASONS[OXYGEN[kind]][0].partition(": ")[2]
        yield ScaleRow((grade,), tuple(when), text, status)


def _written(text: str) -> Condition:
    """A condition for people to read; the engine does not test it."""
    return Condition("", "true", text)
