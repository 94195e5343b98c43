"""`stormwatch products`: the catalogue of products, and one of them with every source."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import USAGE, CommandError
from stream.cli.options import RulesetOption, ruleset_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stream.engine.events import Micros
    from stream.engine.products import Catalogue, Product, Rate

EXAMPLES = (
    "stormwatch products",
    "stormwatch products tarlatamab",
    "stormwatch products axi-cel --json",
)

HEADERS = (
    "product",
    "brand",
    "class",
    "target",
    "any / >=G3 %",
    "onset",
    "window",
    "label",
    "status",
)
ONSET_WIDTH = 36
OTHER = "any other "
"""Before the name of a class, whose row stands in for products that have none."""


def products(
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A product, brand, short name or class.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    ruleset: RulesetOption = None,
) -> None:
    """Show the products that are known: how often the syndrome comes, when, and from which label.

    With NAME all of one product, with every source and status: checked against the source, mem
    (from memory) or DESIGN (our choice). Figures of different scales and labels do not compare.
    """
    catalogue = ruleset_from(ruleset).products
    if name is None:
        shown = [*catalogue.products.values(), *catalogue.classes.values()]
    else:
        shown = [product_named(catalogue, name)]
    if as_json:
        for product in shown:
            print(json.dumps(_object(product, catalogue), ensure_ascii=False))
    elif name is None:
        _table(shown, catalogue)
    else:
        _whole(shown[0], catalogue)


def product_named(catalogue: Catalogue, name: str) -> Product:
    """The row that a person means; ends the command with the nearest names where there is none."""
    from difflib import get_close_matches

    from stream.engine.products import spelled

    known = catalogue.names.get(spelled(name))
    if known is not None:
        return catalogue.products[known]
    if name in catalogue.classes:
        return catalogue.classes[name]
    spellings = {**catalogue.names, **{spelled(text): text for text in catalogue.classes}}
    near = [spellings[key] for key in get_close_matches(spelled(name), spellings, n=3)]
    hint = f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else "none is near."
    raise CommandError(f"no product {name!r}; {hint} `stormwatch products` lists them", USAGE)


def _table(shown: Iterable[Product], catalogue: Catalogue) -> None:
    rows = [HEADERS, *(_cells(product, catalogue) for product in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADERS))]
    for row in rows:
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _cells(product: Product, catalogue: Catalogue) -> tuple[str, ...]:
    onset = product.onset
    return (
        _title(product, catalogue),
        product.brand,
        product.therapy_class,
        product.target if len(product.target) <= ONSET_WIDTH else product.target.split(",")[0],
        f"{_rate(product.rates, 1, 2)} / {_rate(product.rates, 3)}",
        onset if len(onset) <= ONSET_WIDTH else onset[: ONSET_WIDTH - 1].rstrip() + "…",
        span(product.windows[0].end) if product.windows else "-",
        product.label_date,
        product.status,
    )


def _title(product: Product, catalogue: Catalogue) -> str:
    if product.name in catalogue.products:
        return product.name
    return OTHER + product.name.removeprefix("other_")


def _rate(rates: Iterable[Rate], *grades: int) -> str:
    """The first published figure of at least the first of these grades that has one, or `-`."""
    for grade in grades:
        for rate in rates:
            if rate.at_least == grade:
                return f">=G{grade} " * (grade != grades[0]) + _percent(rate)
    return "-"


def _percent(rate: Rate) -> str:
    low, high = rate.percent
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def span(time: Micros) -> str:
    """A span as a person says it, such as `14 d`, `48 h` or `30 min`."""
    from stream.engine.ruleset import HOUR, MINUTE

    hours = time / HOUR
    if hours >= 72 and time % (24 * HOUR) == 0:
        return f"{time // (24 * HOUR)} d"
    return f"{hours:g} h" if hours >= 1 else f"{time / MINUTE:g} min"


def _whole(product: Product, catalogue: Catalogue) -> None:
    """Everything of one row, each part with its source and status."""
    from stream.engine.ruleset import HOUR

    day = 24 * HOUR
    known = product.name in catalogue.products
    print(f"{_title(product, catalogue)}{f' ({product.brand})' if product.brand else ''}")
    facts = [
        ("also called", ", ".join(product.aliases)),
        ("class", product.therapy_class),
        ("target", product.target),
        ("use", product.use),
        ("suicide gene", product.suicide_gene),
        *(
            (f"grade {rate.at_least} or more", f"{_percent(rate)} %{_scale(rate)} ({rate.status})")
            for rate in product.rates
        ),
        ("onset", product.onset),
        ("duration", product.duration),
        ("monitoring", product.monitoring),
        ("late onset", f"flagged after {span(product.late_onset)}"),
        ("next dose", f"asked about from grade {product.ask_from_grade} on{_over(product)}"),
        ("notes", product.notes),
        ("label", product.label_date),
        ("source", product.source),
        ("status", product.status + ("" if known else ": stands in for products without a row")),
    ]
    for label, text in facts:
        if text:
            print(f"  {label:16}  {text}")
    for window in product.windows:
        last = "on" if window.to_dose is None else f"to {window.to_dose}"
        peak = f"{span(window.peak_from)} to {span(window.peak_to)}"
        print(f"  window, dose {window.from_dose} {last}: {span(window.end)}, peak {peak}")
        print(f"    {window.text}")
        if window.min_check_interval is not None:
            print(f"    checks at least every {span(window.min_check_interval)}")
        print(f"    {window.source} ({window.status})")
    if product.schedule:
        print("  schedule")
        for dose in product.schedule:
            print(f"    dose {dose.number}  day {dose.after // day + 1}  {dose.amount}")
        print(f"    {product.schedule_source} ({product.schedule_status})")


def _scale(rate: Rate) -> str:
    return f" by {rate.scale}" if rate.scale else ""


def _over(product: Product) -> str:
    wait = product.resolved_for
    return "" if wait is None else f"; the syndrome over for {span(wait)}"


def _object(product: Product, catalogue: Catalogue) -> dict[str, Any]:
    """All fields by name; spans in seconds, with names that end in `_s`, as in the ruleset."""
    from dataclasses import asdict

    spans = {"late_onset", "resolved_for", "peak_from", "peak_to", "end", "min_check_interval"}
    spans |= {"after"}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                f"{key}_s" if key in spans else key: (
                    seconds(item) if key in spans and item is not None else plain(item)
                )
                for key, item in value.items()
            }
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    known = product.name in catalogue.products
    return {**plain(asdict(product)), "stands_in_for_class": not known}


def seconds(time: Micros) -> int | float:
    """A span in seconds, a whole number where it is one."""
    from stream.engine.ruleset import SECOND

    return time / SECOND if time % SECOND else time // SECOND
