"""Laws of what stands beside the grade: reminders, ICANS, IEC-HS, scores, other scales."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.engine import PatientState, Tick, assess, step
from stream.engine.events import (
    Attribution,
    Infusion,
    Lab,
    Medication,
    Neuro,
    Outcome,
    Oxygen,
    Patient,
    PatientEvent,
    Reading,
    Retraction,
    Therapy,
    Vitals,
)
from stream.engine.fold import Fold
from stream.engine.ruleset import HOUR, MINUTE
from stream.engine.score_definitions import ScoreDefinition, Value
from stream.engine.scores import band, evaluate, partial
from tests.chart_runs import received, run
from tests.charts import P0, START, history

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = 10
END = START + DAYS * 24 * HOUR

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


def folded(state: PatientState) -> Fold:
    assert state.derived is not None
    return state.derived.now


# -- order of arrival -----------------------------------------------------------------------------


@SLOW
@given(charts(), st.randoms(use_true_random=False))
def test_arrival_order_changes_nothing_that_stands_beside_the_grade(
    events: list[PatientEvent], random: Any
) -> None:
    shuffled = events[:]
    random.shuffle(shuffled)
    one, other = run(events, END), run(shuffled, END)
    assert history(one) == history(other)
    a, b = folded(one), folded(other)
    for name in ("risks", "iec_hs", "scale_steps", "icans", "icans_at", "labs", "labs_earlier",
                 "labs_before", "doses", "given", "dose_question", "fever_run_id"):  # fmt: skip
        assert getattr(a, name) == getattr(b, name), name
    seen, again = assess(one, P0, END), assess(other, P0, END)
    for name in ("scales", "scores", "trends", "iec_hs", "risk_window", "icans"):
        assert seen[name] == again[name], name


@SLOW
@given(charts(), st.integers(0, 20))
def test_a_retraction_is_as_if_it_had_never_been(events: list[PatientEvent], which: int) -> None:
    events = [e for e in events if not isinstance(e, Retraction)]
    target = events[1 + which % (len(events) - 1)]
    back = Retraction(event_id="back", patient_id="p", time=END - HOUR, retracts=target.event_id)
    rest = [e for e in events if e is not target]
    a, b = folded(run([*events, back], END)), folded(run(rest, END))
    for name in ("risks", "iec_hs", "scale_steps", "icans", "labs_earlier", "doses", "given"):
        assert getattr(a, name) == getattr(b, name), name


# -- never the grade ------------------------------------------------------------------------------


@st.composite
def beside(draw: Any) -> list[PatientEvent]:
    found: list[PatientEvent] = []
    for number in range(draw(st.integers(1, 8))):
        head = {"event_id": f"b{number}", "patient_id": "p", "time": draw(times)}
        kind = draw(st.sampled_from(["lab", "neuro", "vitals", "patient"]))
        if kind == "lab":
            found.append(lab(draw, head))
        elif kind == "neuro":
            found.append(neuro(draw, head))
        elif kind == "patient":
            found.append(Patient(**head, spo2_scale=2, baseline_ice=5, weight_kg=70.0))
        else:
            signal, value = draw(
                st.sampled_from([("heart_rate", 180.0), ("respiratory_rate", 40.0)])
            )
            found.append(Vitals(**head, readings=(Reading(signal, value),)))
    return found


@SLOW
@given(charts(), beside())
def test_results_neuro_pulse_and_breathing_change_no_grade(
    events: list[PatientEvent], more: list[PatientEvent]
) -> None:
    a, b = history(run(events, END)), history(run([*events, *more], END))
    for name in ("grades", "candidates", "episode", "raw"):
        assert a[name] == b[name]


@SLOW
@given(charts())
def test_reminders_scores_and_screens_change_no_grade(events: list[PatientEvent]) -> None:
    silent = replace(
        P0,
        announced=(),
        timers={code: replace(rule, products=("none",)) for code, rule in P0.timers.items()},
    )
    said: list[list[bytes]] = []
    for rules in (P0, silent):
        state: PatientState | None = None
        grades: list[bytes] = []
        for item in [*events, Tick(END)]:
            state, outputs = step(state, item, rules)
            grades += [
                replace(a, previous_hash=None).to_bytes()  # those left out are in the chain
                for a in outputs.alerts
                if a.type.partition(".")[0] in ("grade", "candidate", "icans", "iec_hs", "signal")
            ]
        said.append(grades)
    assert said[0] == said[1]


# -- said once ------------------------------------------------------------------------------------


@st.composite
def moments(draw: Any) -> list[Tick]:
    return [Tick(START + n * MINUTE) for n in draw(st.lists(st.integers(1, 9 * 1440), max_size=12))]


@SLOW
@given(charts(), moments(), st.lists(st.integers(0, 30), max_size=8))
def test_each_reminder_speaks_once(
    events: list[PatientEvent], ticks: list[Tick], again: list[int]
) -> None:
    """Whatever comes in whatever order, with ticks between and events sent again."""
    items: list[PatientEvent | Tick] = [*events]
    for number, tick in enumerate(ticks):
        items.insert(1 + (number * 7) % len(items), tick)
    for number, which in enumerate(again):
        items.insert(1 + (number * 5) % len(items), events[which % len(events)])
    items += [Tick(END - HOUR), Tick(END)]
    state: PatientState | None = None
    spoken: set[str] = set()
    ids: list[str] = []
    for item in items:
        if state is None and isinstance(item, Tick):
            continue
        before = () if state is None else state.record.published.reminders
        state, outputs = step(state, item, P0)
        new = [key for key in state.record.published.reminders if key not in before]
        assert not spoken & set(new)
        spoken |= set(new)
        mine = [a for a in outputs.alerts if a.type == "reminder"]
        assert len(mine) == len(new) or len(mine) > 8  # of so many, keys may be dropped at once
        ids += [a.alert_id for a in mine]
        assert all(a.effective_time <= a.emitted_time for a in mine)
    assert len(ids) == len(set(ids))


@SLOW
@given(charts())
def test_no_alert_beside_the_grade_repeats_the_one_before_it(events: list[PatientEvent]) -> None:
    state: PatientState | None = None
    band_of: dict[str, str | None] = {}
    positive, icans = False, 0
    for item in [*events, Tick(END)]:
        state, outputs = step(state, item, P0)
        for alert in outputs.alerts:
            body = alert.body
            if body.get("score") == "early_high_fever":
                continue  # it is said anew after each dose
            if alert.type == "risk.changed":
                assert body["band"] != band_of.get(body["score"], body["from_band"])
                if body["score"] in band_of:
                    assert body["from_band"] == band_of[body["score"]]
                band_of[body["score"]] = body["band"]
            elif alert.type == "iec_hs.changed":
                assert body["positive"] is not positive
                positive = body["positive"]
            elif alert.type == "icans.changed":
                assert (body["from_grade"], body["to_grade"] == icans) == (icans, False)
                icans = body["to_grade"]


# -- the clock ------------------------------------------------------------------------------------


def ids_of(items: list[PatientEvent | Tick]) -> list[str]:
    state: PatientState | None = None
    found: list[str] = []
    for item in items:
        if state is None and isinstance(item, Tick):
            continue
        state, outputs = step(state, item, P0)
        found += [alert.alert_id for alert in outputs.alerts]
    return found


@SLOW
@given(charts(), st.lists(st.integers(0, (DAYS + 1) * 24 * 12), max_size=12), st.booleans())
def test_ticking_finely_or_coarsely_says_the_same(
    events: list[PatientEvent], ticks: list[int], hourly: bool
) -> None:
    ordered = sorted(events, key=received)
    end = Tick(END + 48 * HOUR)
    # a tick at the instant of an event would say that the instant is over: half a minute beside it
    extra = [Tick(START + n * 5 * MINUTE + MINUTE // 2) for n in ticks]
    if hourly:
        extra += [Tick(START + n * HOUR + MINUTE // 2) for n in range(DAYS * 24)]
    mixed = sorted([*ordered, *extra], key=received)
    assert ids_of([*mixed, end]) == ids_of([*ordered, end])


@SLOW
@given(charts(), st.integers(0, 25))
def test_a_stored_state_goes_on_as_the_living_one(events: list[PatientEvent], cut: int) -> None:
    living: PatientState | None = None
    stored: PatientState | None = None
    for index, item in enumerate([*events, Tick(END)]):
        living, a = step(living, item, P0)
        if stored is not None and index == 1 + cut % len(events):
            stored = PatientState.assemble(stored.record, stored.windows)
        stored, b = step(stored, item, P0)
        assert [x.to_bytes() for x in a.alerts] == [x.to_bytes() for x in b.alerts]


@SLOW
@given(charts(), st.sampled_from(["discharged", "transferred", "death"]))
def test_after_the_stay_nobody_is_reminded(events: list[PatientEvent], outcome: Any) -> None:
    left = Outcome(event_id="left", patient_id="p", time=END + 20 * 24 * HOUR, outcome=outcome)
    events = [e for e in events if not isinstance(e, Retraction)]
    state = run([*events, left], END)
    _, outputs = step(state, Tick(END + 90 * 24 * HOUR), P0)
    assert [a for a in outputs.alerts if a.type in ("reminder", "risk.changed")] == []


# -- missing is not normal ------------------------------------------------------------------------


@st.composite
def values(draw: Any, definition: ScoreDefinition) -> dict[str, Value]:
    """A value for each input of a score, within what it takes."""
    found: dict[str, Value] = {}
    for item in definition.inputs:
        if item.kind == "flag":
            found[item.name] = draw(st.booleans())
        elif item.kind == "choice":
            found[item.name] = draw(st.sampled_from(item.choices))
        else:
            low = item.minimum if item.minimum is not None else (item.above or 0.0) + 0.5
            high = item.maximum if item.maximum is not None else 10_000.0
            edges = sorted({s.at_most or s.below or low for s in item.steps} | {low, high})
            value = draw(st.one_of(st.sampled_from(edges), st.floats(low, high)))
            value = min(max(value, low), high)
            found[item.name] = float(int(value)) if item.whole else value
    return found


SCORES = sorted(P0.scores)


@settings(SLOW, max_examples=150)
@given(st.sampled_from(SCORES), st.data())
def test_leaving_inputs_out_makes_no_score_more_normal(name: str, data: Any) -> None:
    """The score lies within the limits, which only widen; a band never appears or changes."""
    definition = P0.scores[name]
    full = data.draw(values(definition))
    optional = {item.name for item in definition.inputs if item.default is not None}
    names = [n for n in full if n not in optional]
    if not names:
        return
    truth = evaluate(definition, full)
    first = data.draw(st.lists(st.sampled_from(names), unique=True))
    second = data.draw(st.lists(st.sampled_from(names), unique=True))
    less = partial(definition, {k: v for k, v in full.items() if k not in first})
    least = partial(definition, {k: v for k, v in full.items() if k not in {*first, *second}})
    whole = partial(definition, full)
    assert whole.value is not None
    assert abs(whole.value - truth) < 1e-9 * max(1.0, abs(truth))
    assert whole.band == band(definition, truth)
    for more, fewer in ((whole, less), (less, least)):
        if fewer.lowest is None or fewer.highest is None:
            assert fewer.band is None
            assert fewer.value is None
            continue
        assert more.lowest is not None
        assert more.highest is not None
        assert fewer.lowest <= more.lowest
        assert fewer.highest >= more.highest
        assert fewer.band in (None, more.band)
        assert set(more.missing) <= set(fewer.missing)


ONE_EACH: list[PatientEvent] = [
    Vitals(
        event_id=signal,
        patient_id="p",
        time=START + 10 * HOUR,
        readings=(Reading(signal, value),),  # type: ignore[arg-type]
    )
    for signal, value in (
        ("temperature", 39.4),
        ("systolic_bp", 95.0),
        ("heart_rate", 118.0),
        ("respiratory_rate", 26.0),
        ("spo2", 92.0),
    )
]
ONE_EACH += [
    Oxygen(event_id="device", patient_id="p", time=START + 9 * HOUR, device="nasal_cannula"),
    Neuro(event_id="neuro", patient_id="p", time=START + 9 * HOUR, consciousness="to_voice"),
]
ONE_EACH += [
    Lab(event_id=name, patient_id="p", time=START + 9 * HOUR, analyte=name, value=v[-1], unit=unit)
    for name, (unit, v) in RESULTS.items()
]


@SLOW
@given(st.sets(st.integers(0, len(ONE_EACH) - 1)), st.integers(0, len(ONE_EACH) - 1))
def test_removing_data_from_a_chart_makes_no_score_more_normal(
    absent: set[int], another: int
) -> None:
    therapy = Therapy(
        event_id="t", patient_id="p", time=START, product="axi-cel", therapy_class="car_t"
    )
    shown = []
    for gone in (absent, absent | {another}):
        kept = [e for n, e in enumerate(ONE_EACH) if n not in gone]
        shown.append(assess(run([therapy, *kept], START + 11 * HOUR), P0)["scores"])
    more, fewer = shown
    for name, less in fewer.items():
        full = more[name]
        assert set(full["missing"]) <= set(less["missing"])
        assert less["band"] in (None, full["band"])
        if less["missing"]:
            assert less["value"] is None
        if less["at_least"] is not None:
            assert less["at_least"] <= full["at_least"]
            assert less["at_most"] >= full["at_most"]


@SLOW
@given(charts(), st.integers(1, 200))
def test_silence_makes_no_score_more_normal(events: list[PatientEvent], hours: int) -> None:
    """With no more data inputs only grow old: limits widen, bands go and never come."""
    events = [e for e in events if not isinstance(e, (Attribution, Retraction))]
    last = max(max(received(e), e.time) for e in events)
    before = assess(run(events, last), P0)["scores"]
    after = assess(run(events, last + hours * HOUR), P0)["scores"]
    for name, late in after.items():
        early = before[name]
        assert late["band"] in (None, early["band"])
        if late["at_least"] is not None:
            assert late["at_least"] <= early["at_least"]
            assert late["at_most"] is None or late["at_most"] >= early["at_most"]
