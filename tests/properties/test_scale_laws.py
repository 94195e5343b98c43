"""Laws of the other scales: support, results, units and the order of arrival."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.charts import Chart, when
from tests.scenarios.scale_charts import ill, low, seen

LAWS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DEVICES = (
    "room_air",
    "nasal_cannula",
    "high_flow_nasal_cannula",
    "venturi_mask",
    "bipap",
    "invasive_ventilation",
)
"""Ascending; each with a charted fraction."""
PRESSORS = ("norepinephrine", "phenylephrine", "vasopressin")
RATES = {
    "norepinephrine": (0.0, 2.0, 9.0, 15.0, 21.0, 60.0),
    "phenylephrine": (0.0, 30.0, 110.0, 205.0),
    "vasopressin": (0.0, 0.03, 0.1),
}

supports = st.tuples(
    st.integers(0, len(DEVICES) - 1),
    st.sampled_from([0.21, 0.28, 0.39, 0.4, 0.6]),
    st.booleans(),
    *(st.sampled_from(RATES[agent]) for agent in PRESSORS),
)


def supported(support: tuple[Any, ...], age: float) -> Chart:
    """A patient with this device, fraction, hypotension and these rates, all since 11:10."""
    device, fio2, hypotension, *rates = support
    chart = ill(age=age)
    low(chart, sbp=70) if hypotension else chart.at("11:10", sbp=118, dbp=70)
    chart.oxygen("11:10", DEVICES[device], 10 if device else None, fio2=fio2 if device else None)
    for agent, rate in zip(PRESSORS, rates, strict=True):
        if rate:
            unit = "U/min" if agent == "vasopressin" else "ug/min"
            chart.pump("11:10", agent, rate, unit=unit)
    return chart


def ends(grades: int | list[int] | None) -> tuple[int, int]:
    if grades is None or isinstance(grades, int):
        return grades or 0, grades or 0
    return grades[0], grades[-1]


@LAWS
@given(one=supports, more=supports, age=st.sampled_from([4.0, 60.0]))
def test_law_more_support_lowers_no_scale(
    one: tuple[Any, ...], more: tuple[Any, ...], age: float
) -> None:
    """Neither the lowest nor the highest grade of an answer falls."""
    both = tuple(max(a, b) for a, b in zip(one, more, strict=True))
    less, greater = supported(one, age), supported(both, age)
    for at in ("11:20", "13:00", "14:30", "36:00"):
        for name, grades in seen(less, at).items():
            low_end, high_end = ends(grades)
            then_low, then_high = ends(seen(greater, at)[name])
            assert low_end <= then_low, (name, at)
            assert high_end <= then_high, (name, at)


results = st.lists(
    st.sampled_from(
        [
            ("creatinine", 8.0, "mg/dL"),
            ("alt", 1000.0, "U/L"),
            ("bilirubin", 14.0, "mg/dL"),
            ("anc", 100.0, "/uL"),
            ("ferritin", 50000.0, "ng/mL"),
            ("platelets", 8.0, "10*9/L"),
            ("ldh", 5000.0, "U/L"),
            ("crp", 300.0, "mg/L"),
            ("lactate", 9.0, "mmol/L"),
        ]
    ),
    min_size=1,
    max_size=6,
)


@LAWS
@given(support=supports, labs=results)
def test_law_results_never_change_astct(support: tuple[Any, ...], labs: list[Any]) -> None:
    without, with_labs = supported(support, 60), supported(support, 60)
    for minute, (analyte, value, unit) in enumerate(labs, start=20):
        with_labs.lab(f"11:{minute}", analyte, value, unit)
        without.at(f"11:{minute}", hr=90)
    assert with_labs.grades() == without.grades()
    for at in ("12:00", "15:00"):
        assert with_labs.look(at)["raw_grade"] == without.look(at)["raw_grade"]


IN_UNITS = {
    "ug/min": 1.0,
    "ug/h": 60.0,
    "mg/h": 0.06,
    "ug/kg/min": 1 / 70,
    "ng/kg/min": 1000 / 70,
    "mg/kg/h": 0.06 / 70,
}
"""What 1 ug/min is, at 70 kg."""
RESULTS = {
    "creatinine": ((2.4, "mg/dL", 1.2), (2.4 * 88.42, "umol/L", 1.2 * 88.42)),
    "bilirubin": ((4.0, "mg/dL", 1.2), (4.0 * 17.1, "umol/L", 1.2 * 17.1)),
    "alt": ((250.0, "U/L", 40.0), (0.25, "U/mL", 0.04)),
}


@LAWS
@given(
    agents=st.dictionaries(
        st.sampled_from(["norepinephrine", "epinephrine", "phenylephrine", "dopamine"]),
        st.tuples(
            st.sampled_from([3.0, 9.9, 10.1, 14.1, 19.9, 20.1, 199.0]), st.sampled_from([*IN_UNITS])
        ),
        min_size=1,
        max_size=3,
    ),
    vasopressin=st.sampled_from([None, (0.03, "U/min"), (1.8, "U/h"), (0.03 / 70, "U/kg/min")]),
    analyte=st.sampled_from([*RESULTS]),
)
def test_law_the_unit_changes_no_grade(
    agents: dict[str, tuple[float, str]], vasopressin: tuple[float, str] | None, analyte: str
) -> None:
    plain, other = ill(), ill()
    for agent, (rate, unit) in agents.items():
        plain.pump("11:00", agent, rate)
        other.pump("11:00", agent, rate * IN_UNITS[unit], unit=unit)
    if vasopressin:
        plain.pump("11:00", "vasopressin", 0.03, unit="U/min")
        other.pump("11:00", "vasopressin", vasopressin[0], unit=vasopressin[1])
    for chart, (value, unit, limit) in zip((plain, other), RESULTS[analyte], strict=True):
        chart.lab("11:30", analyte, value, unit, upper_limit=limit)
    for at in ("12:00", "14:00"):
        assert seen(plain, at) == seen(other, at)


@LAWS
@given(support=supports, labs=results, data=st.data())
def test_law_the_order_of_arrival_changes_no_scale(
    support: tuple[Any, ...], labs: list[Any], data: st.DataObject
) -> None:
    chart = supported(support, 60)
    for minute, (analyte, value, unit) in enumerate(labs, start=20):
        chart.lab(f"11:{minute}", analyte, value, unit)
    late = Chart(age=None, therapy=None)
    for event in data.draw(st.permutations(chart.events)):
        late.replay(event, received_at=when("12:00"))  # type: ignore[arg-type]
    for at in ("12:30", "14:30", "36:00"):
        assert seen(late, at) == seen(chart, at)
