"""The tables of stream/rules/README.md, made by the engine and from the data.

`python -m tests.rules_readme` writes them anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from stream.cli.astct import as_scale
from stream.cli.products import span
from stream.cli.situations import answered
from stream.engine.guidance import PREVAILS
from stream.rules.documents import packaged
from tests.charts import P0

if TYPE_CHECKING:
    from stream.engine.ruleset import LabCriterion

README = Path(__file__).parents[1] / "stream" / "rules" / "README.md"

SHORT = {
    "astct-2019": "ASTCT",
    "ctcae-5": "CTCAE 5",
    "lee-2014": "Lee",
    "penn-2018": "Penn",
    "cartox-2018": "CARTOX",
    "cartox-paediatric-2019": "CARTOX, children",
    "mskcc": "MSKCC",
    "mosunetuzumab-label": "mosunetuzumab label",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    ruled = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def scales() -> str:
    every = (as_scale(P0, None), *P0.scales.rows)
    rows = [(f"`{s.name}`", s.title, s.citation, s.status) for s in every]
    return table(("scale", "", "citation", "status"), rows)


def differences() -> str:
    found = list(answered(P0))
    names = list(found[0].grades)
    rows = [(item.id, item.text, *map(item.spelled, names)) for item in found]
    return table(("", "situation", *(SHORT[name] for name in names)), rows)


def icans() -> str:
    document = packaged()["icans"]

    def row(domain: str, grades: dict[int, str], key: str) -> tuple[str, ...]:
        status = document["exceptions"].get(key, document["status"])
        return (domain, *(grades.get(grade, "-") for grade in (1, 2, 3, 4)), status)

    years = f"{P0.capd_below_years:g} years"
    rows = [
        row(f"ICE, from {years} on", floors(P0.ice_floor), "ice_floor"),
        row(f"CAPD, below {years}", floors(P0.capd_floor), "capd_floor"),
    ]
    for domain, words in P0.icans_domains.items():
        grades = {grade: word.replace("_", " ") for word, grade in words.items()}
        rows.append(row(domain.replace("_", " "), grades, domain))
    weakness = {P0.motor_weakness_grade: "deep focal weakness"}
    rows.append(row("motor weakness", weakness, "motor_weakness"))
    return table(("domain", "grade 1", "grade 2", "grade 3", "grade 4", "status"), rows)


def floors(pairs: tuple[tuple[int, int], ...]) -> dict[int, str]:
    """`{1: "7-9"}`: the scores of each grade, from floors in descending order."""
    found: dict[int, str] = {}
    top: int | None = None
    for floor, grade in pairs:
        found[grade] = f"{floor} or more" if top is None else f"{floor}-{top}"
        top = floor - 1
    return found


def timers() -> str:
    rows = [
        (rule.code, rule.text.removesuffix(PREVAILS).strip(), rule.citation, rule.status)
        for rule in P0.timers.values()
    ]
    return table(("timer", "what it says", "citation", "status"), rows)


def iec_hs() -> str:
    rule = P0.iec_hs
    rise = f"{rule.rise:g} times the result before it within {span(rule.rise_within)}"
    rows = [("required", rule.ferritin.name, f"{bound(rule.ferritin)}, or {rise}")]
    needed = f"common, {rule.common_needed} needed"
    rows += [(needed, c.name, bound(c)) for c in rule.common]
    rows += [("may be there", c.name, bound(c)) for c in rule.other]
    rows.append(("all", "clustered", f"results of the last {span(rule.cluster)} count"))
    return table(("", "criterion", "met where"), rows)


def bound(criterion: LabCriterion) -> str:
    """`alt above 5 x the upper limit or 5 x an abnormal baseline`."""
    word, edge = ("below", "lower") if criterion.below else ("above", "upper")
    parts = []
    if criterion.value is not None:
        parts.append(f"{criterion.value:g} {P0.labs[criterion.analyte].unit}")
    if criterion.multiple is not None:
        times = "" if criterion.multiple == 1 else f"{criterion.multiple:g} x "
        parts.append(f"{times}the {edge} limit")
    if criterion.baseline_multiple is not None:
        which = "the" if criterion is P0.iec_hs.ferritin else "an abnormal"
        parts.append(f"{criterion.baseline_multiple:g} x {which} baseline")
    return f"{criterion.analyte} {word} {' or '.join(parts)}"


TABLES = {
    "scales": scales,
    "differences": differences,
    "icans": icans,
    "timers": timers,
    "iec_hs": iec_hs,
}


def rendered(text: str) -> str:
    """The text with every table between its marks made anew."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        made = make()
        text, found = pattern.subn(lambda m, made=made: f"{m[1]}{made}\n{m[2]}", text)  # type: ignore[misc]
        if found != 1:
            raise SystemExit(f"{README}: expected one <!-- {name} --> ... <!-- /{name} -->")
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text("utf-8")), encoding="utf-8")
