"""Any chart of what bears on the grade, over 36 hours, in any order of arrival."""

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

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
END = START + 60 * HOUR

minutes = st.integers(0, 36 * 12).map(lambda n: START + n * 5 * MINUTE)
temperature = st.sampled_from([36.8, 37.7, 37.95, 38.0, 38.6, 39.4])
systolic = st.sampled_from([78.0, 86.0, 89.0, 90.0, 104.0, 126.0])


@st.composite
def readings(draw: Any) -> tuple[Reading, ...]:
    found: list[Reading] = []
    method = draw(st.sampled_from([None, None, None, "cuff", "arterial_line"]))
    if draw(st.booleans()):
        site = draw(st.sampled_from([None, "oral", "axillary", "core"]))
        found.append(Reading("temperature", draw(temperature), site))
    if draw(st.booleans()):
        value = draw(systolic)
        found.append(Reading("systolic_bp", value, method=method))
        found.append(Reading("diastolic_bp", round(value * 0.6), method=method))
    if draw(st.booleans()):
        found.append(Reading("spo2", draw(st.sampled_from([86.0, 89.0, 90.0, 95.0]))))
    if not found:
        found.append(Reading("heart_rate", 90.0))
    return tuple(found)


@st.composite
def event(draw: Any, number: int) -> PatientEvent:
    kind = draw(
        st.sampled_from(
            ["vitals"] * 6
            + ["oxygen", "oxygen", "infusion", "infusion", "medication", "medication"]
            + ["neuro", "attribution", "retraction", "patient", "lab", "therapy"]
        )
    )
    time_ = draw(minutes)
    delay = draw(st.sampled_from([None, None, 0, -20, 3, 45, 400]))
    head = {
        "event_id": f"e{number}",
        "patient_id": "p",
        "time": time_,
        "received_at": None if delay is None else time_ + delay * MINUTE,
    }
    if kind == "vitals":
        return Vitals(**head, readings=draw(readings()))
    if kind == "oxygen":
        device = draw(
            st.sampled_from(
                ["room_air", "nasal_cannula", "high_flow_nasal_cannula", "simple_mask", "bipap"]
            )
        )
        reason = draw(st.sampled_from(["hypoxia"] * 4 + ["home", "airway_protection"]))
        flow = draw(st.sampled_from([None, 2.0, 6.0, 8.0]))
        return Oxygen(**head, device=device, flow_lpm=flow, reason=reason)
    if kind == "infusion":
        agent = draw(
            st.sampled_from(["norepinephrine", "phenylephrine", "vasopressin", "dobutamine"])
        )
        action = draw(st.sampled_from(["start", "rate", "running", "stop"]))
        rate = 0.0 if action == "stop" else draw(st.sampled_from([0.0, 2.0, 9.0]))
        return Infusion(**head, agent=agent, rate=rate, unit="ug/min", action=action)
    if kind == "medication":
        agent = draw(
            st.sampled_from(
                ["fluid_bolus", "acetaminophen", "tocilizumab", "phenylephrine", "midodrine"]
            )
        )
        return Medication(**head, agent=agent)
    if kind == "neuro":
        return Neuro(**head, ice=draw(st.integers(0, 10)))
    if kind == "attribution":
        finding = draw(st.sampled_from(["fever", "hypotension", "hypoxia", "vasopressor"]))
        until = draw(st.sampled_from([None, head["time"] + 3 * HOUR]))
        cause = draw(st.sampled_from(["other", "other", None]))
        return Attribution(
            **head, finding=finding, other_cause=cause, start=head["time"], until=until, by="dr"
        )
    if kind == "retraction":
        return Retraction(**head, retracts=f"e{draw(st.integers(0, 14))}")
    if kind == "patient":
        return Patient(**head, age_years=draw(st.sampled_from([4.0, 60.0])))
    if kind == "lab":
        return Lab(**head, analyte="sao2", value=draw(st.sampled_from([86.0, 95.0])), unit="%")
    return Therapy(**head, product="x", therapy_class="bispecific")


@st.composite
def charts(draw: Any) -> list[PatientEvent]:
    size = draw(st.integers(3, 14))
    events: list[PatientEvent] = [draw(event(number)) for number in range(size)]
    start = Therapy(
        event_id="t", patient_id="p", time=START, product="axi-cel", therapy_class="car_t"
    )
    fever = Vitals(
        event_id="f", patient_id="p", time=draw(minutes), readings=(Reading("temperature", 38.4),)
    )
    return [start, *([fever] if draw(st.booleans()) else []), *events]
