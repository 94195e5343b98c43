"""`[timers.*]`, `[prompts.*]` and `[iec_hs]` of the parameter set -> the engine's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.engine.ruleset import IecHsRule, LabCriterion, TimerRule, WorseningRule
from stream.rules.errors import RulesetError
from stream.rules.fields import Fields
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from stream.engine.products import Catalogue
    from stream.engine.score_definitions import ScoreDefinition

CODES = ("K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10")
_ASKED = {
    "K1": ("grade", "after_s"),
    "K2": ("after_s", "day_s"),
    "K3": ("grade", "after_s"),
    "K4": ("most_in_day", "most_in_all", "day_s"),
    "K5": ("grade", "after_s"),
    "K6": ("after_s", "within_s"),
    "K7": ("after_s",),
    "K8": ("after_s",),
    "K9": ("within_s", "premedicated_classes"),
    "K10": ("after_s",),
}
"""The numbers that each timer needs; it has no others."""
_WORDS = ("text", "citation", "status", "products", "therapy_classes", "exceptions", "source")


def build_timers(table: Mapping[str, Any], products: Catalogue) -> dict[str, TimerRule]:
    """The timers by code, K1 to K10, none missing. Raises RulesetError."""
    root = Fields(table, "timers", CODES)
    found: dict[str, TimerRule] = {}
    for code in CODES:
        if code not in table:
            raise root.wrong(code, "a table; all of K1 to K10 are there")
        fields = Fields(table[code], f"timers.{code}", (*_ASKED[code], *_WORDS))
        asked = _ASKED[code]
        named = fields.texts("products")
        for name in named:
            if name not in products.products:
                raise fields.wrong("products", f"names of products.toml, not {name!r}")
        found[code] = TimerRule(
            code=code,
            text=fields.text("text"),
            citation=fields.text("citation"),
            status=fields.one_of("status", STATUSES),
            products=named,
            therapy_classes=fields.texts("therapy_classes"),
            premedicated_classes=fields.texts("premedicated_classes"),
            grade=fields.whole("grade", 1, 4) if "grade" in asked else 0,
            after=fields.micros("after_s") if "after_s" in asked else 0,
            within=fields.micros("within_s") if "within_s" in asked else 0,
            most_in_day=fields.whole("most_in_day", 1) if "most_in_day" in asked else 0,
            most_in_all=fields.whole("most_in_all", 1) if "most_in_all" in asked else 0,
            day=fields.micros("day_s") if "day_s" in asked else 0,
        )
    return found


_PROMPT = (
    *("grade", "oxygen_lpm", "bands", "rising", "rising_within_s"),
    *("text", "source", "status"),
)


def build_worsening(
    table: Mapping[str, Any], scores: Mapping[str, ScoreDefinition], analytes: Collection[str]
) -> WorseningRule:
    """The prompt of intensive care; its scores and analytes are there. Raises RulesetError."""
    root = Fields(table, "prompts", ("intensive_care",))
    fields = Fields(root.table.get("intensive_care"), "prompts.intensive_care", _PROMPT)
    bands = fields.table.get("bands")
    if not isinstance(bands, dict):
        raise fields.wrong("bands", "scores, each with the name of a band")
    for name, band in bands.items():
        if name not in scores or band not in [item.name for item in scores[name].bands]:
            raise fields.wrong("bands", f"scores with bands of theirs, not {name} = {band!r}")
    rising = fields.texts("rising")
    for analyte in rising:
        if analyte not in analytes:
            raise fields.wrong("rising", f"analytes of labs.toml, not {analyte!r}")
    return WorseningRule(
        grade=fields.whole("grade", 1, 4),
        oxygen_lpm=_number(fields, "oxygen_lpm") or 0.0,
        bands=tuple(bands.items()),
        rising=rising,
        rising_within=fields.micros("rising_within_s"),
        text=fields.text("text"),
        source=fields.text("source"),
        status=fields.one_of("status", STATUSES),
    )


_IEC_HS = (
    "source",
    "status",
    "exceptions",
    "ferritin",
    "rise",
    "rise_within_s",
    "cluster_s",
    "common_needed",
    "priority",
    "common",
    "other",
)
_CRITERION = ("name", "analyte", "below", "above", "limits", "baselines", "instead")


def build_iec_hs(table: Mapping[str, Any], analytes: Collection[str]) -> IecHsRule:
    """The screen's rule; every criterion speaks of an analyte of labs.toml. Raises RulesetError."""
    fields = Fields(table, "iec_hs", _IEC_HS)
    ferritin = Fields(table.get("ferritin"), "iec_hs.ferritin", _CRITERION)
    return IecHsRule(
        ferritin=_criterion(ferritin, analytes, "ferritin"),
        rise=_number(fields, "rise") or 0.0,
        rise_within=fields.micros("rise_within_s"),
        common=tuple(_criterion(row, analytes) for row in fields.rows("common", _CRITERION)),
        other=tuple(_criterion(row, analytes) for row in fields.rows("other", _CRITERION)),
        common_needed=fields.whole("common_needed", 1),
        cluster=fields.micros("cluster_s"),
        priority=fields.one_of("priority", ("high", "medium", "low", "information")),
        source=fields.text("source"),
        status=fields.one_of("status", STATUSES),
    )


def _criterion(fields: Fields, analytes: Collection[str], name: str = "") -> LabCriterion:
    below, above = _number(fields, "below"), _number(fields, "above")
    limits, baselines = _number(fields, "limits"), _number(fields, "baselines")
    if below is not None and above is not None:
        raise fields.wrong("above", "either above or below, not both")
    if below is None and above is None and limits is None and baselines is None:
        raise RulesetError(f"{fields.where} has no bound: expected above, below or limits")
    return LabCriterion(
        name=name or fields.text("name"),
        analyte=fields.one_of("analyte", analytes),
        below=below is not None,
        multiple=limits,
        value=below if below is not None else above,
        baseline_multiple=baselines,
        instead=fields.flag("instead") if "instead" in fields.table else False,
    )


def _number(fields: Fields, key: str) -> float | None:
    value = fields.table.get(key)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
        raise fields.wrong(key, "a number above 0")
    return float(value)
