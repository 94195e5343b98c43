"""Any chart: every kind of event, over ten days, in any order of arrival."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from stream.engine.events import (
    Attribution,
    Infusion,
    Lab,
    Medication,
    Neuro,
    Oxygen,
    Patient,
    PatientEvent,
    Reading,
    Retraction,
    Therapy,
    Vitals,
)
from stream.engine.ruleset import HOUR, MINUTE
from tests.charts import START

SLOW = settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = 10
times = st.one_of(
    st.integers(0, 48 * 4).map(lambda n: START + n * 15 * MINUTE),
    st.integers(0, (DAYS - 1) * 24).map(lambda n: START + n * HOUR),
)
PRODUCTS = [
    ("axi-cel", "car_t"),
    ("tisa-cel", "car_t"),
    ("obe-cel", "car_t"),
    ("tebentafusp", "bispecific"),
    ("glofitamab", "bispecific"),
    ("nivolumab", "checkpoint_inhibitor"),
    ("a trial product", "tcr_t"),
]
RESULTS = {
    "ferritin": ("ng/mL", [200.0, 900.0, 7000.0]),
    "ast": ("U/L", [30.0, 320.0]),
    "fibrinogen": ("g/L", [1.2, 3.0]),
    "platelets": ("10*9/L", [18.0, 60.0, 180.0]),
    "anc": ("/uL", [300.0, 2500.0]),
    "ldh": ("U/L", [200.0, 900.0]),
    "creatinine": ("mg/dL", [0.9, 2.4]),
    "crp": ("mg/dL", [1.0, 20.0]),
    "triglycerides": ("mmol/L", [1.0, 4.5]),
}
AGENTS = ["tocilizumab"] * 4 + ["siltuximab", "acetaminophen", "acetaminophen", "dexamethasone"]


@st.composite
def signs(draw: Any) -> tuple[Reading, ...]:
    found = []
    for signal, values in (
        ("temperature", [36.8, 37.8, 38.4, 39.2]),
        ("systolic_bp", [82.0, 95.0, 120.0]),
        ("heart_rate", [60.0, 95.0, 115.0, 140.0]),
        ("respiratory_rate", [14.0, 22.0, 28.0]),
        ("spo2", [88.0, 93.0, 97.0]),
    ):
        if draw(st.booleans()):
            found.append(Reading(signal, draw(st.sampled_from(values))))  # type: ignore[arg-type]
    return tuple(found) or (Reading("heart_rate", 95.0),)


def neuro(draw: Any, head: dict[str, Any]) -> Neuro:
    return Neuro(
        **head,
        ice=draw(st.sampled_from([None, 0, 5, 8, 10])),
        capd=draw(st.sampled_from([None, None, 4, 12])),
        consciousness=draw(st.sampled_from([None, "awake", "to_voice", "unarousable"])),
        seizure=draw(st.sampled_from([None, "none", "brief"])),
        motor_weakness=draw(st.sampled_from([None, None, False, True])),
        assessable=draw(st.sampled_from([None, None, False])),
    )


def lab(draw: Any, head: dict[str, Any]) -> Lab:
    analyte = draw(st.sampled_from(sorted(RESULTS)))
    unit, values = RESULTS[analyte]
    return Lab(**head, analyte=analyte, value=draw(st.sampled_from(values)), unit=unit)


KINDS = (
    ["vitals"] * 7
    + ["lab"] * 5
    + ["medication"] * 4
    + ["oxygen", "oxygen", "oxygen", "neuro", "neuro", "therapy", "therapy", "patient"]
    + ["retraction", "infusion", "attribution"]
)


@st.composite
def event(draw: Any, number: int) -> PatientEvent:
    kind = draw(st.sampled_from(KINDS))
    time = draw(times)
    delay = draw(st.sampled_from([None, None, None, 0, 7, 90, 900]))
    head = {
        "event_id": f"e{number}",
        "patient_id": "p",
        "time": time,
        "received_at": None if delay is None else time + delay * MINUTE,
    }
    if kind == "vitals":
        return Vitals(**head, readings=draw(signs()))
    if kind == "lab":
        return lab(draw, head)
    if kind == "medication":
        intent = draw(st.sampled_from(["treatment", "treatment", "premedication"]))
        return Medication(**head, agent=draw(st.sampled_from(AGENTS)), intent=intent)
    if kind == "oxygen":
        device, flow = draw(
            st.sampled_from([("room_air", None), ("nasal_cannula", 2.0), ("simple_mask", 6.0)])
        )
        return Oxygen(**head, device=device, flow_lpm=flow)
    if kind == "neuro":
        return neuro(draw, head)
    if kind == "therapy":
        product, cls = draw(st.sampled_from(PRODUCTS))
        number_ = draw(st.sampled_from([None, 2, 3]))
        return Therapy(**head, product=product, therapy_class=cls, dose_number=number_)
    if kind == "patient":
        return Patient(
            **head,
            age_years=draw(st.sampled_from([None, 6.0, 60.0])),
            spo2_scale=draw(st.sampled_from([None, 1, 2])),
            location=draw(st.sampled_from([None, "Home", "Ward 7"])),
            baseline_ice=draw(st.sampled_from([None, 8])),
        )
    if kind == "retraction":
        return Retraction(**head, retracts=f"e{draw(st.integers(0, 20))}")
    if kind == "attribution":
        finding = draw(st.sampled_from(["fever", "neuro", "hypoxia"]))
        return Attribution(
            **head, finding=finding, other_cause="other", start=time, until=time + 5 * HOUR
        )
    return Infusion(**head, agent="norepinephrine", rate=4.0, unit="ug/min", action="start")


@st.composite
def charts(draw: Any) -> list[PatientEvent]:
    product, cls = draw(st.sampled_from(PRODUCTS))
    start = Therapy(
        event_id="t", patient_id="p", time=START, product=product, therapy_class=cls, dose_number=1
    )
    size = draw(st.integers(3, 18))
    found: list[PatientEvent] = [start, *(draw(event(number)) for number in range(size))]
    if draw(st.booleans()):
        begin = draw(times)
        found += [  # fever for days, so that the slow timers have something to run on
            Vitals(
                event_id=f"f{n}",
                patient_id="p",
                time=begin + n * 20 * HOUR,
                readings=(Reading("temperature", 38.4), Reading("systolic_bp", 120.0)),
            )
            for n in range(draw(st.integers(1, 5)))
        ]
    return [*found, *draw(bundle())]


@st.composite
def bundle(draw: Any) -> list[PatientEvent]:
    """What seldom comes together by chance: a round of results, a run of doses, a day at home."""
    kind = draw(st.sampled_from(["none", "results", "doses", "home"]))
    begin = draw(times)

    def head(number: int, hours: int) -> dict[str, Any]:
        at = begin + hours * HOUR
        return {"event_id": f"x{number}", "patient_id": "p", "time": at}

    if kind == "results":
        worst = {"platelets": 18.0, "fibrinogen": 1.2, "anc": 300.0}
        return [
            Lab(**head(n, n % 3), analyte=name, value=worst.get(name, v[-1]), unit=unit)
            for n, (name, (unit, v)) in enumerate(RESULTS.items())
        ]
    if kind == "doses":
        gap = draw(st.sampled_from([4, 8, 12, 30]))
        return [Medication(**head(n, n * gap), agent="tocilizumab") for n in range(4)]
    if kind == "home":
        warm, cool = (Reading("temperature", value) for value in (38.5, 37.0))
        return [
            Patient(**head(0, 0), location="Home"),
            Vitals(**head(1, 0), readings=(warm,)),
            Medication(**head(2, 1), agent="acetaminophen"),
            Vitals(**head(3, 3), readings=(cool,)),
            Vitals(**head(4, 5), readings=(warm,)),
        ]
    return []
