"""Texts that are shown to clinicians: decision support, never an order."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from stream.engine.guidance import PREVAILS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stream.rules.rows import Cell

_VERBS = (
    "give|administer|inject|infuse|start|begin|stop|hold|withhold|omit|skip|repeat|increase|double|"
    "reduce|add|switch|transfer|admit|intubate|call|page|prescribe|use|treat|take|load|push|"
    "do not|don't|never|always"
)
_DONE = (
    "given|administered|injected|infused|started|begun|stopped|held|omitted|repeated|increased|"
    "transferred|admitted|intubated|treated"
)
_ORDER = re.compile(
    rf"(?:^|[.;:!?,]\s)\s*(?:(?:now|then|please)\s+)*(?:{_VERBS})\b"
    rf"|\b(?:must|is to|are to|needs? to|has to|have to) (?:be (?:{_DONE})|receive)\b"
    r"|\b(?:you must|you|should|shall|ought to|order|immediately|without delay|please)\b"
    r"|\bnow(?=[.,;:]|$)|!",
    re.IGNORECASE,
)
"""What would make of decision support an order: a verb that begins a clause, or a word of duty."""

SHOWN = ("timers.*", "prompts.*", "products.*")
"""Rows whose texts are shown; those of guidance are read by their builder."""
CLOSED = ("timers.*.text", "prompts.*.text")
"""Texts that are said as they stand, so that they end as everything shown does."""


def order_in(text: str) -> str:
    """The words that make an order of a text; empty where it is none."""
    found = _ORDER.search(text)
    return found.group().strip(" .;:,?") if found else ""


def wrong_texts(every: Iterable[Cell]) -> Iterator[str]:
    """Texts that order, and those that do not say whose judgement counts, a sentence each."""
    for cell in every:
        texts = cell.value if isinstance(cell.value, list) else [cell.value]
        if not any(fnmatchcase(cell.row, pattern) for pattern in SHOWN):
            continue
        for text in texts:
            if isinstance(text, str) and (found := order_in(text)):
                yield (
                    f"{cell.row} = {text!r}: expected what is published, not an order: "
                    f"without {found!r}"
                )
        if any(fnmatchcase(cell.row, pattern) for pattern in CLOSED) and not (
            isinstance(cell.value, str) and cell.value.endswith(PREVAILS)
        ):
            yield f"{cell.row} = {cell.value!r}: expected a text that ends with {PREVAILS!r}"
