"""`step` is total: whatever the contract lets through, in any order, the engine has an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import vocabulary as words
from stream.engine import PatientState, Tick, assess, step
from stream.engine.assess import status
from stream.intake import decode
from tests.charts import P0, START
from tests.properties.grade_charts import END

times = st.integers(0, 90 * 60).map(lambda minute: (START // 1_000_000) + minute * 60)


def stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def values(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([member.value for member in getattr(words, name)])


number = st.one_of(st.integers(-100, 1000), st.floats(-1e6, 1e6, allow_nan=False))


@st.composite
def wire(draw: Any, index: int) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(
            [
                "vitals",
                "oxygen",
                "infusion",
                "medication",
                "therapy",
                "lab",
                "neuro",
                "patient",
                "attribution",
                "outcome",
                "acknowledgement",
                "retraction",
            ]
        )
    )
    event: dict[str, Any] = {
        "type": kind,
        "event_id": f"e{index}",
        "patient_id": "p",
        "time": stamp(draw(times)),
    }
    maybe = draw(st.booleans())
    if draw(st.integers(0, 5)) == 0:
        event["replaces"] = f"e{draw(st.integers(0, 20))}"
    if kind == "vitals":
        event["readings"] = [
            {"signal": signal, "value": draw(number), "unit": draw(values("Unit"))}
            for signal in draw(st.lists(values("Signal"), min_size=1, max_size=5))
        ]
    elif kind == "oxygen":
        event |= {"device": draw(values("Device")), "reason": draw(values("DeviceReason"))}
        if maybe:
            event["flow_lpm"] = draw(st.floats(-10, 200))
    elif kind == "infusion":
        event |= {
            "agent": draw(values("InfusionAgent")),
            "rate": abs(draw(number)),
            "unit": draw(values("InfusionUnit")),
            "action": draw(values("InfusionAction")),
        }
    elif kind == "medication":
        agents = ["tocilizumab", "fluid_bolus", "midodrine", "phenylephrine", "methylene_blue", "x"]
        event["agent"] = draw(st.sampled_from(agents))
    elif kind == "therapy":
        event |= {"product": "x", "therapy_class": draw(values("TherapyClass"))}
    elif kind == "lab":
        event |= {"analyte": "sao2", "value": draw(number), "unit": "%"}
    elif kind == "neuro":
        event |= {"ice": draw(st.integers(0, 10))} if maybe else {"assessable": False}
        event["consciousness"] = draw(values("Consciousness"))
    elif kind == "patient":
        event |= {"birth_date": "2020-02-29"} if maybe else {"age_years": draw(st.floats(0, 110))}
    elif kind == "attribution":
        event |= {"finding": draw(values("Finding")), "from": stamp(draw(times)), "by": "dr"}
        event |= {"other_cause": "x" if maybe else None, "until": stamp(draw(times))}
    elif kind == "outcome":
        event |= {"outcome": draw(values("PatientOutcome")), "cause": "crs" if maybe else "other"}
    elif kind == "acknowledgement":
        event |= {"alert_id": "a", "by": "rn", "action": "acknowledge"}
    else:
        event["retracts"] = f"e{draw(st.integers(0, 20))}"
    return event


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_sequence_of_contract_events_is_answered(data: Any) -> None:
    state: PatientState | None = None
    for index in range(data.draw(st.integers(1, 25))):
        raw = json.dumps(data.draw(wire(index))).encode()
        intake = decode(raw)
        if intake.event is None:
            assert intake.rejections, raw
            continue
        state, outputs = step(state, intake.event, P0)
        for alert in outputs.alerts:
            assert json.loads(alert.to_bytes())["alert_id"] == alert.alert_id
        assert state.record.next_due is None or state.record.next_due >= state.record.clock
    if state is not None:
        state, _ = step(state, Tick(END), P0)
        json.dumps(assess(state, P0, END))
        json.dumps(status(state, P0))
