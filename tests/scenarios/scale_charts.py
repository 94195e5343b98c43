"""Charts of a patient after a therapy, and what the other scales say of them."""

from __future__ import annotations

from typing import Any

from stream.engine.events import Patient
from tests.charts import Chart

ADULT = ("ctcae-5", "lee-2014", "penn-2018", "cartox-2018", "mskcc")


def ill(
    *,
    age: float = 60,
    weight: float | None = 70,
    temp: float = 38.9,
    product: str = "axi-cel",
    cls: str = "car_t",
) -> Chart:
    """A patient after a therapy, at 10:00 with this temperature and a good pressure."""
    chart = Chart(age=age, therapy=None)
    chart.put(Patient, "-0:30", weight_kg=weight)
    chart.therapy("0:00", product, cls)
    chart.at("10:00", temp=temp, sbp=118, dbp=70)
    return chart


def low(chart: Chart, at: str = "11", sbp: float = 76) -> None:
    """Two low pressures, ten minutes apart."""
    chart.at(f"{at}:00", sbp=sbp, dbp=42)
    chart.at(f"{at}:10", sbp=sbp, dbp=42)


def seen(chart: Chart, at: str | None = None) -> dict[str, Any]:
    scales: dict[str, Any] = chart.look(at)["scales"]
    return scales


def says(chart: Chart, at: str | None = None, **wanted: int | list[int] | None) -> None:
    """`lee=2, penn=[3, 4]`: the scales by the first word of their names."""
    short = {
        "astct": "astct-2019",
        "ctcae": "ctcae-5",
        "lee": "lee-2014",
        "penn": "penn-2018",
        "cartox": "cartox-2018",
        "child": "cartox-paediatric-2019",
        "mskcc": "mskcc",
        "label": "mosunetuzumab-label",
    }
    found = seen(chart, at)
    assert {name: found[short[name]] for name in wanted} == wanted
