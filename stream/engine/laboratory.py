"""Laboratory results in one unit per analyte, and how they moved.

The rows (units with factors, limits, what restarts a trend) are in `stream/rules/labs.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ANALYTES: Final = (
    "crp",
    "ferritin",
    "il6",
    "ldh",
    "platelets",
    "creatinine",
    "fibrinogen",
    "alt",
    "ast",
    "bilirubin",
    "triglycerides",
    "haemoglobin",
    "wbc",
    "anc",
    "inr",
    "lactate",
)
"""Analytes that have a rule; arterial saturation goes with the oxygen signals."""


@dataclass(frozen=True, slots=True)
class LabRule:
    """One analyte: its unit here, the units it may come in, and what is normal."""

    analyte: str
    unit: str
    factors: Mapping[str, float]
    """Unit as sent -> what to multiply by to have `unit`; `unit` itself is in it with 1."""
    plausible: tuple[float, float]
    """In `unit`; what lies outside is set aside."""
    upper_limit: float | None
    """Usual upper limit of the reference range, for results that come without one; None: none."""
    lower_limit: float | None
    restarts_after: tuple[str, ...] = field(default=())
    """Medicines across whose doses values are never compared."""
    source: str = ""
    status: str = ""

    def converted(self, value: float, unit: str) -> float | None:
        """The value in this rule's unit; None where the unit is not one of the analyte's."""
        factor = self.factors.get(unit)
        if factor is None:
            return None
        return float(f"{value * factor:.12g}")  # no binary dust: 92 g/L is 9.2 g/dL, not above it

    def is_plausible(self, value: float) -> bool:
        """Whether a value in this rule's unit can be; both limits included."""
        return self.plausible[0] <= value <= self.plausible[1]
