"""Organ toxicity from laboratory results, graded by CTCAE for the scales that count it.

ASTCT does not (rule A5). What was there before the therapy does not count: a grade has to be worse
than that of the last result before it, or is counted from that result.
"""

from __future__ import annotations

from stream.engine.fold import Fold, LabValue
from stream.engine.ruleset import OrganRule, Ruleset


def organ_grades(fold: Fold, rules: Ruleset) -> tuple[int, int, int]:
    """(creatinine, transaminases, bilirubin), each 0 to 4; 0 where there is no result."""
    if not fold.labs:
        return 0, 0, 0
    organs = rules.organs
    return (
        _organ(fold, rules, organs["creatinine"]),
        _organ(fold, rules, organs["transaminase"]),
        _organ(fold, rules, organs["bilirubin"]),
    )


def _organ(fold: Fold, rules: Ruleset, rule: OrganRule) -> int:
    return max(
        _grade(fold.labs.get(analyte), fold.labs_before.get(analyte), rule, rules, analyte)
        for analyte in rule.analytes
    )


def _grade(
    now: LabValue | None, before: LabValue | None, rule: OrganRule, rules: Ruleset, analyte: str
) -> int:
    if now is None:
        return 0
    upper = limit_of(now, rules, analyte)
    if upper is None or upper <= 0:
        return 0
    by_limit = _above(now.value / upper, rule.of_limit)
    if before is None or before.value <= 0:
        return by_limit
    by_baseline = _above(now.value / before.value, rule.of_baseline)
    if rule.baseline_first:
        return by_baseline if before.value > upper else by_limit
    # what was as bad before the therapy is not of it
    was = _above(before.value / upper, rule.of_limit)
    return max(by_limit if by_limit > was else 0, by_baseline)


def limit_of(value: LabValue, rules: Ruleset, analyte: str) -> float | None:
    """The upper limit of the reference range: the laboratory's, else the usual one."""
    if value.upper is not None:
        return value.upper
    rule = rules.labs.get(analyte)
    return None if rule is None else rule.upper_limit


def _above(multiple: float, rows: tuple[tuple[float, int], ...]) -> int:
    return max((grade for floor, grade in rows if multiple > floor), default=0)
