"""Published guidance as data, and which of it speaks of a patient: never an order.

The rows are in `stream/rules/guidance.toml`: our own words, with citation, version and date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from stream.engine.events import Micros
from stream.engine.products import Product


@dataclass(frozen=True, slots=True)
class GuidanceRow:
    """What one publication says for grades of one therapy class or product."""

    id: str
    topic: str
    """One of `TOPICS`."""
    grades: tuple[int, ...]
    """The grades that it is for."""
    therapy_classes: tuple[str, ...]
    """Empty: every class."""
    products: tuple[str, ...]
    """Names of `products.toml`; empty: every product of the classes."""
    text: str
    """What is published, as the rest of the sentence `Published guidance says: ...`."""
    citation: str
    version: str
    date: str
    status: str
    """`checked`, or `mem`: shown as unverified."""
    evidence: str = ""
    """Level of evidence, for what is emerging."""
    agents: tuple[str, ...] = ()
    """Medicines whose doses given so far are shown beside it."""
    suicide_gene: str = ""
    """Only for products that carry this suicide gene."""
    dose: str = ""
    """A score that computes the published dose, such as `tocilizumab_dose`."""
    interval: Micros | None = None
    """Published shortest time between two doses of `agents`."""
    most_in_day: int | None = None
    """Published most doses in 24 hours."""
    most_in_all: int | None = None
    """Published most doses in all."""


TOPICS: Final = (
    "supportive",
    "anticytokine",
    "steroid",
    "intensive_care",
    "monitoring",
    "emerging",
    "hold",
    "resume",
    "rechallenge",
    "stop",
)
"""What guidance can be about, in the order in which it is shown."""


SAYS: Final = "Published guidance says: "
"""What comes before every text."""

PREVAILS: Final = "Clinician judgement required; local policy prevails."
"""What everything that is shown ends with."""

BY_EPISODE: Final = ("resume", "rechallenge", "stop")
"""Topics that speak of the next dose: the highest grade of the episode decides, not today's."""


def rows_for(
    rows: Iterable[GuidanceRow],
    product: Product | None,
    therapy_class: str,
    grade: int,
    episode_max: int,
) -> tuple[GuidanceRow, ...]:
    """The rows that speak of a patient, in the order of `TOPICS`; those of the product first.

    A known product's own class counts, whatever class it was charted with. Grade 5 has none.
    """
    if product is not None:
        therapy_class = product.therapy_class
    highest = max(grade, episode_max)
    chosen = [
        row
        for row in rows
        if (highest if row.topic in BY_EPISODE else grade) in row.grades
        and speaks_of(row, product, therapy_class)
    ]
    return in_order(chosen)


def in_order(rows: Iterable[GuidanceRow]) -> tuple[GuidanceRow, ...]:
    """By topic; in a topic first what is for named products or carriers of a gene."""
    return tuple(
        sorted(
            rows,
            key=lambda row: (TOPICS.index(row.topic), not (row.products or row.suicide_gene)),
        )
    )


def speaks_of(row: GuidanceRow, product: Product | None, therapy_class: str) -> bool:
    """Whether a row is for this product and class, whatever the grade, and for its gene."""
    if row.products and (product is None or product.name not in row.products):
        return False
    if row.suicide_gene and (
        product is None or row.suicide_gene.casefold() != product.suicide_gene.casefold()
    ):
        return False
    return not row.therapy_classes or therapy_class in row.therapy_classes
