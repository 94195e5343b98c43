"""`products.toml` -> `stream.engine.products.Catalogue`, or a RulesetError that names the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schemas.vocabulary import TherapyClass
from stream.engine.products import (
    Catalogue,
    Product,
    Rate,
    RiskWindow,
    ScheduledDose,
    spelled,
)
from stream.rules.errors import RulesetError
from stream.rules.fields import Fields, nearest
from stream.rules.rows import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

THERAPY_CLASSES = tuple(item.value for item in TherapyClass)
"""The words of the wire; each has a row in `[classes]`."""

UNDATED = "undated"
"""The `label_date` of a row whose label or paper was read without a date."""

_SHARED = frozenset(
    {"target", "use", "solid_tumour", "suicide_gene", "rates", "onset", "duration"}
    | {"late_onset_s", "windows", "schedule", "schedule_source", "schedule_status"}
    | {"then_every_s"}
    | {"ask_from_grade", "resolved_for_s", "monitoring", "notes"}
    | {"label_date", "source", "status"}
)
_PRODUCT = _SHARED | {"brand", "aliases", "therapy_class", "like"}
_RATE = frozenset({"at_least", "percent", "scale", "status"})
_WINDOW = frozenset(
    {"from_dose", "to_dose", "peak_from_s", "peak_to_s", "end_s", "min_check_interval_s"}
    | {"text", "source", "status"}
)
_DOSE = frozenset({"number", "after_s", "amount"})
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def build_products(table: Mapping[str, Any]) -> Catalogue:
    """The catalogue from the tables of `products.toml`; the argument is left as it is.

    Raises:
        RulesetError: a field is missing, unknown or cannot be; two products share a spelling.
    """
    if not isinstance(table, Mapping):
        raise RulesetError(f"products = {table!r}: expected a table")
    classes = _classes(table.get("classes", {}))
    products: dict[str, Product] = {}
    for name, row in table.items():
        if name == "classes":
            continue
        if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
            raise RulesetError(f"products.{name}: expected a name in lower case, such as axi_cel")
        products[name] = _product(name, row, table.get("classes", {}))
    return Catalogue(products=products, classes=classes, names=_names(products.values()))


def _classes(table: Any) -> dict[str, Product]:
    rows = Fields(table, "products.classes", THERAPY_CLASSES)
    for name in THERAPY_CLASSES:
        if name not in rows.table:
            raise RulesetError(f"products.classes.{name} is missing: every class has a row")
    return {
        name: _built(Fields(rows.table[name], f"products.classes.{name}", _SHARED), name, name)
        for name in THERAPY_CLASSES
    }


def _product(name: str, row: Any, classes: Mapping[str, Any]) -> Product:
    where = f"products.{name}"
    fields = Fields(row, where, _PRODUCT)
    if "like" in fields.table:
        like = fields.text("like")
        if like not in classes:
            raise fields.wrong("like", f"a class{nearest(like, classes)}")
        own = {key: value for key, value in fields.table.items() if key != "like"}
        fields = Fields({**classes[like], "therapy_class": like, **own}, where, _PRODUCT)
    return _built(fields, name, fields.one_of("therapy_class", THERAPY_CLASSES))


def _built(fields: Fields, name: str, therapy_class: str) -> Product:
    named = fields.where.startswith("products.classes.")
    schedule = _schedule(fields)
    return Product(
        name=name,
        brand="" if named else fields.text("brand", ""),
        aliases=() if named else fields.texts("aliases"),
        therapy_class=therapy_class,
        target=fields.text("target"),
        use=fields.text("use"),
        solid_tumour=fields.flag("solid_tumour"),
        suicide_gene=fields.text("suicide_gene", ""),
        rates=tuple(_rate(row) for row in fields.rows("rates", _RATE)),
        onset=fields.text("onset"),
        duration=fields.text("duration"),
        late_onset=_positive(fields, "late_onset_s"),
        windows=_windows(fields),
        schedule=schedule,
        then_every=fields.given("then_every_s", fields.micros, None),
        ask_from_grade=fields.whole("ask_from_grade", 1, 4),
        resolved_for=fields.given("resolved_for_s", fields.micros, None),
        monitoring=fields.text("monitoring"),
        notes=fields.text("notes", ""),
        label_date=_date(fields),
        source=fields.text("source"),
        status=fields.one_of("status", STATUSES),
        schedule_source=fields.text("schedule_source") if schedule else "",
        schedule_status=fields.one_of("schedule_status", STATUSES) if schedule else "",
    )


def _date(fields: Fields) -> str:
    value = fields.text("label_date")
    if value != UNDATED and not _DATE.fullmatch(value):
        raise fields.wrong(
            "label_date", f"a date such as 2024, 2024-05 or 2024-05-16, or {UNDATED}"
        )
    return value


def _positive(fields: Fields, key: str) -> int:
    value = fields.micros(key)
    if value <= 0:
        raise fields.wrong(key, "seconds, more than 0")
    return value


def _rate(fields: Fields) -> Rate:
    percent = fields.table.get("percent")
    if (
        not isinstance(percent, list)
        or len(percent) != 2
        or not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in percent)
        or not 0 <= percent[0] <= percent[1] <= 100
    ):
        raise fields.wrong("percent", "[lowest, highest], ascending, each from 0 to 100")
    return Rate(
        at_least=fields.whole("at_least", 1, 5),
        percent=(float(percent[0]), float(percent[1])),
        scale=fields.text("scale", ""),
        status=fields.one_of("status", STATUSES),
    )


def _windows(fields: Fields) -> tuple[RiskWindow, ...]:
    """By dose: from the first on, without gap or overlap."""
    rows = fields.tables("windows", _WINDOW)
    windows = sorted(
        ((_window(row), row) for row in rows), key=lambda pair: (pair[0].from_dose, pair[1].where)
    )
    expected: int | None = 1
    for window, row in windows:
        if expected is None:
            raise row.wrong("from_dose", "no dose: an earlier window is for all later ones")
        if window.from_dose != expected:
            raise row.wrong("from_dose", f"{expected}: windows follow on, without gap or overlap")
        expected = None if window.to_dose is None else window.to_dose + 1
    return tuple(window for window, _ in windows)


def _window(fields: Fields) -> RiskWindow:
    from_dose = fields.whole("from_dose", 1)
    peak_from, peak_to = fields.micros("peak_from_s"), fields.micros("peak_to_s")
    end = fields.micros("end_s")
    if peak_to < peak_from:
        raise fields.wrong("peak_to_s", "not less than peak_from_s")
    if end < peak_to or end <= 0:
        raise fields.wrong("end_s", "more than 0 and not less than peak_to_s")
    interval = None
    if "min_check_interval_s" in fields.table:
        interval = _positive(fields, "min_check_interval_s")
    return RiskWindow(
        from_dose=from_dose,
        to_dose=fields.whole("to_dose", from_dose) if "to_dose" in fields.table else None,
        peak_from=peak_from,
        peak_to=peak_to,
        end=end,
        min_check_interval=interval,
        text=fields.text("text"),
        source=fields.text("source"),
        status=fields.one_of("status", STATUSES),
    )


def _schedule(fields: Fields) -> tuple[ScheduledDose, ...]:
    """Doses 1, 2, ... of which the first is at 0 and each later than the one before."""
    doses: list[ScheduledDose] = []
    for row in fields.rows("schedule", _DOSE):
        dose = ScheduledDose(row.whole("number", 1), row.micros("after_s"), row.text("amount"))
        if dose.number != len(doses) + 1:
            raise row.wrong("number", f"{len(doses) + 1}: doses are counted from 1")
        if not doses and dose.after != 0:
            raise row.wrong("after_s", "0: the time since the first dose")
        if doses and dose.after <= doses[-1].after:
            raise row.wrong("after_s", "more than that of the dose before")
        doses.append(dose)
    return tuple(doses)


def _names(products: Iterable[Product]) -> dict[str, str]:
    """Every spelling to its product; none may be that of two."""
    names: dict[str, str] = {}
    for product in products:
        brand = (product.brand,) if product.brand else ()
        for text in (product.name, *brand, *product.aliases):
            key = spelled(text)
            if not key:
                raise RulesetError(f"products.{product.name}: {text!r} has no letter or digit")
            if names.setdefault(key, product.name) != product.name:
                raise RulesetError(
                    f"products.{product.name}.aliases: {text!r} is also a name of "
                    f"products.{names[key]}; a spelling belongs to one product"
                )
    return names
