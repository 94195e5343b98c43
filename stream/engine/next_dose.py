"""Before the next dose: whether an earlier episode has to be asked about (reminder K9).

The rules are the products' own (`stream/rules/products.toml`): from which grade on an earlier
episode matters, and how long it must have been over.
"""

from __future__ import annotations

from stream.engine.events import Micros
from stream.engine.fold import NEVER, DoseQuestion, Fold
from stream.engine.products import Product
from stream.engine.ruleset import Ruleset


def product_of(fold: Fold, rules: Ruleset) -> Product | None:
    """The catalogue's row of the product given last, else of its class."""
    return rules.products.find(fold.product, fold.therapy_class)


def trouble(fold: Fold, time: Micros, rules: Ruleset) -> str:
    """Why a dose at `time` raises a question; empty where it does not."""
    product = product_of(fold, rules)
    if product is None:
        return ""
    if fold.episode is not None:
        return "an episode is open"
    if fold.worst >= product.ask_from_grade:
        return f"an earlier episode reached grade {fold.worst}"
    wait = product.resolved_for
    if wait is not None and fold.last_closed > NEVER and time - fold.last_closed < wait:
        return "the last episode has not been over for the published time"
    return ""


def next_dose_follows(fold: Fold, rules: Ruleset) -> bool:
    """The therapy is given in doses, so that a premedication announces the next one."""
    product = product_of(fold, rules)
    if fold.therapy is None or product is None:
        return False
    return fold.product_class in rules.timers["K9"].premedicated_classes or bool(product.schedule)


def dose_called(fold: Fold) -> int:
    """The number of the newest dose of its product: as charted, else as counted."""
    return fold.dose_number if fold.dose_number is not None else fold.product_doses


def ask_before_dose(
    fold: Fold, time: Micros, event_id: str, after: Micros, called: int, rules: Ruleset
) -> None:
    """The dose that follows the one at `after` comes near: keep the question that it raises."""
    asked = fold.dose_question
    if time <= after or (asked is not None and asked.after == after):
        return  # it belongs to that dose, or was asked about before
    why = trouble(fold, time, rules)
    if why:
        fold.dose_question = DoseQuestion(after, called, time, event_id, why)


def scheduled_question(fold: Fold, rules: Ruleset) -> tuple[Micros, str] | None:
    """(when to ask about the next dose of a published schedule, why): a while before it is due."""
    product = product_of(fold, rules)
    if product is None or fold.therapy is None:
        return None
    interval = product.next_dose_after(dose_called(fold))
    if interval is None:
        return None
    planned = fold.therapy + interval
    why = trouble(fold, max(planned, fold.time), rules)
    if not why:
        return None
    since = fold.history[-1].time if fold.history else NEVER
    return max(planned - rules.timers["K9"].within, since, fold.therapy + 1), why
