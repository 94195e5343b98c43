"""Products as data: when after a dose the syndrome is to be expected, and what precedes the next.

The rows are in `stream/rules/products.toml`, each with its source and label date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from stream.engine.events import Micros

SPELLINGS_KEPT: Final = 1024
"""Names of products whose spelling is remembered."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Published share of patients with the syndrome of at least a grade, percent."""

    at_least: int
    percent: tuple[float, float]
    """Lowest and highest published figure; equal where there is one."""
    scale: str
    """The scale of that figure; empty where the source does not say."""
    status: str


@dataclass(frozen=True, slots=True)
class RiskWindow:
    """When to expect the syndrome after a dose; all spans count from the dose."""

    from_dose: int
    to_dose: int | None
    """The doses it is for, both included; None: all later ones."""
    peak_from: Micros
    peak_to: Micros
    end: Micros
    min_check_interval: Micros | None
    """The longest time between two checks inside the window; None: none is published."""
    text: str
    source: str
    status: str


@dataclass(frozen=True, slots=True)
class ScheduledDose:
    """One dose of a published step-up or split schedule: how long after the first dose."""

    number: int
    after: Micros
    amount: str


@dataclass(frozen=True, slots=True)
class Product:
    """One product; a row of a class stands in for its products that have none."""

    name: str
    brand: str
    aliases: tuple[str, ...]
    therapy_class: str
    target: str
    use: str
    solid_tumour: bool
    suicide_gene: str
    """The suicide gene that it carries, such as `iC9`; empty: none."""
    rates: tuple[Rate, ...]
    onset: str
    """Onset as published, in words."""
    duration: str
    late_onset: Micros
    """An onset later than this after the newest dose is flagged `LATE_ONSET`."""
    windows: tuple[RiskWindow, ...]
    schedule: tuple[ScheduledDose, ...]
    then_every: Micros | None
    """The time between doses after the last one of the schedule; None: none is published."""
    ask_from_grade: int
    """From this grade on, an earlier episode is asked about before the next dose (K9)."""
    resolved_for: Micros | None
    """How long an episode must have been over before the next dose; None: no time published."""
    monitoring: str
    notes: str
    label_date: str
    """Date or version of the label or paper behind the row, as ISO 8601 as far as known."""
    source: str
    status: str
    schedule_source: str = ""
    """Where the schedule is from; empty where there is none."""
    schedule_status: str = ""

    def window(self, dose_number: int | None) -> RiskWindow | None:
        """The window of a dose; one that is not numbered counts as the first."""
        number = 1 if dose_number is None else dose_number
        for window in self.windows:
            if window.from_dose <= number and (window.to_dose is None or number <= window.to_dose):
                return window
        return None

    def next_dose_after(self, dose_number: int | None) -> Micros | None:
        """The published time from this dose to the next one; None where no schedule says."""
        number = 1 if dose_number is None else dose_number
        days = {dose.number: dose.after for dose in self.schedule}
        if number in days and number + 1 in days:
            return days[number + 1] - days[number]
        return self.then_every if days and number >= max(days) else None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All products by name, and the rows that stand in for unnamed products of a class."""

    products: Mapping[str, Product] = field(default_factory=dict)
    classes: Mapping[str, Product] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """Every spelling (see `spelled`) of a name, brand or alias to the name."""

    def named(self, product: str) -> Product | None:
        """The row of a product as it was charted."""
        name = self.names.get(spelled(product))
        return None if name is None else self.products[name]

    def find(self, product: str, therapy_class: str) -> Product | None:
        """The row of a product as it was charted, else that of its class."""
        found = self.named(product)
        return self.classes.get(therapy_class) if found is None else found


@lru_cache(maxsize=SPELLINGS_KEPT)
def spelled(text: str) -> str:
    """A name without case, spaces, hyphens and underscores: `Axi-Cel` is `axicel`."""
    return "".join(c for c in text.casefold() if c.isalnum())
