"""What one step of the engine costs, alone: no broker, no decoding, no state store.

    python tests/benchmarks/steps.py --rounds 5 --grade 100000

Snapshots of seven signals of a quiet patient under a therapy, as bedside monitors send them. CPU
time of this process, the least of all rounds (piece by piece) with the most in brackets, and as a
ratio to the first row of the same run; blocks are those of Python's allocator that one step leaves.
`--minute` tells the seconds of a minute apart. `--grade` also runs `stormwatch grade` over so many
lines, beside reading, decoding and stepping the same lines in this process. Figures are printed;
nothing is asserted.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stream.engine import step
from stream.engine.events import PatientEvent, Reading, Therapy, Vitals
from stream.engine.facts import mark_of
from stream.engine.ruleset import HOUR, MINUTE, SECOND
from stream.gateways.jsonl import encode, read_lines
from stream.intake import decode
from stream.offline import OfflineEngine
from stream.rules import load_ruleset

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stream.engine import PatientState

P0 = load_ruleset()
START = 1_772_359_200_000_000
DAY = 24 * HOUR
SPREAD = {
    "temperature": (36.8, 37.2), "heart_rate": (70, 90), "respiratory_rate": (12, 18),
    "spo2": (95, 99), "systolic_bp": (110, 130), "diastolic_bp": (60, 80), "mean_bp": (81, 95),
}  # fmt: skip
UNITS = {
    "temperature": "Cel", "heart_rate": "/min", "respiratory_rate": "/min", "spo2": "%",
    "systolic_bp": "mm[Hg]", "diastolic_bp": "mm[Hg]", "mean_bp": "mm[Hg]",
}  # fmt: skip
CHUNK = 20
"""Steps timed together: short enough to fall between what else the machine does."""


class Case(NamedTuple):
    """A row: the states before, and the events that are timed."""

    name: str
    states: dict[str, PatientState]
    events: Sequence[PatientEvent]


def snapshot(patient: str, at: int, received: int | None = None) -> Vitals:
    dice = random.Random(f"{patient} {at}")
    readings = tuple(
        Reading(signal, round(dice.uniform(*limits), int(signal == "temperature")))  # type: ignore[arg-type]
        for signal, limits in SPREAD.items()
    )
    return Vitals(
        event_id=f"{patient}-{at}-{received}",
        patient_id=patient,
        time=at,
        received_at=at if received is None else received,
        readings=readings,
    )


def therapy(patient: str) -> Therapy:
    return Therapy(
        event_id=f"{patient}-t", patient_id=patient, time=START, received_at=START,
        product="axi-cel", therapy_class="car_t",
    )  # fmt: skip


def every(patient: str, begin: int, end: int, gap: int) -> Iterator[PatientEvent]:
    """Snapshots in [begin, end) of the patient's clock, whose minutes are the engine's."""
    first = START + mark_of(patient)
    return (snapshot(patient, first + at) for at in range(begin, end, gap))


def after(events: Iterator[PatientEvent], state: PatientState | None = None) -> PatientState:
    for event in events:
        state, _ = step(state, event, P0)
    assert state is not None
    return state


def cases(wards: tuple[int, ...]) -> Iterator[Case]:
    fresh, _ = step(None, therapy("p"), P0)
    hour = after(every("p", SECOND, 50 * MINUTE, SECOND), fresh)
    yield Case("1 Hz, hour 1", {"p": hour}, list(every("p", 50 * MINUTE, 60 * MINUTE, SECOND)))
    yield Case(
        "1 Hz, the first minute of a window",
        {"p": hour},
        list(every("p", 50 * MINUTE, 51 * MINUTE, SECOND)),
    )
    full = after(every("p", 50 * MINUTE, 59 * MINUTE, SECOND), hour)
    yield Case(
        "1 Hz, its last minute", {"p": full}, list(every("p", 59 * MINUTE, 60 * MINUTE, SECOND))
    )
    # each minute of 13 days, then each second: the record is full after some seven hours of that
    late = after(every("p", MINUTE, 13 * DAY, MINUTE), fresh)
    late = after(every("p", 13 * DAY, 13 * DAY + 8 * HOUR, SECOND), late)
    now = 13 * DAY + 8 * HOUR
    yield Case(
        "1 Hz, day 14, a full record",
        {"p": late},
        list(every("p", now, now + 10 * MINUTE, SECOND)),
    )
    for name, behind in (("1 min", MINUTE), ("1 h", HOUR)):
        yield Case(f"1 Hz, late by {name}", {"p": late}, delayed(now, behind))
    slow = after(every("p", 15 * SECOND, 16 * HOUR, 15 * SECOND), fresh)
    now = 16 * HOUR
    yield Case("every 15 s, hour 16", {"p": slow}, list(every("p", now, now + HOUR, 15 * SECOND)))
    for name, behind in (("1 min", MINUTE), ("1 h", HOUR), ("12 h", 12 * HOUR)):
        yield Case(f"every 15 s, late by {name}", {"p": slow}, delayed(now, behind))
    for size in wards:
        names = [f"p{number}" for number in range(size)]
        states = {name: step(None, therapy(name), P0)[0] for name in names}
        rounds = max(2, 2000 // size)
        events = [
            snapshot(name, START + at * SECOND) for at in range(1, rounds + 1) for name in names
        ]
        yield Case(f"1 Hz, {size:,} patients", states, events)


def delayed(now: int, behind: int) -> list[PatientEvent]:
    """Readings of `behind` before, received in the seconds after `now` of the patient's clock."""
    now += START + mark_of("p")
    return [
        snapshot("p", now - behind + at * SECOND + SECOND // 2, now + at * SECOND)
        for at in range(CHUNK)
    ]


def measured(case: Case) -> tuple[list[float], float]:
    """(CPU seconds of each chunk of steps, blocks that one step leaves behind)."""
    states, spent = dict(case.states), []
    gc.collect()
    gc.disable()
    before = sys.getallocatedblocks()
    for begin in range(0, len(case.events), CHUNK):
        since = time.process_time()
        for event in case.events[begin : begin + CHUNK]:
            states[event.patient_id], _ = step(states[event.patient_id], event, P0)
        spent.append(time.process_time() - since)
    kept = (sys.getallocatedblocks() - before) / len(case.events)
    gc.enable()
    return spent, kept


def graded(lines: int) -> Iterator[tuple[str, float]]:
    """(what, events a CPU second): a ward of 100 patients, a snapshot a second each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ward.jsonl"
        with path.open("wb") as file:
            for number in range(lines):
                file.write(encode(wire(number)) + b"\n")
        since = time.process_time()
        raws = [raw for _, raw in read_lines(path)]
        yield "reading lines", lines / (time.process_time() - since)
        since = time.process_time()
        events = [decode(raw, accept_ticks=True).event for raw in raws]
        yield "decoding them", lines / (time.process_time() - since)
        engine = OfflineEngine(P0)
        since = time.process_time()
        for event in events:
            assert event is not None
            for _ in engine.apply(event):
                pass
        yield "stepping", lines / (time.process_time() - since)
        for size in (1, lines):  # what starting takes is not what a line takes
            part = Path(folder) / f"{size}.jsonl"
            part.write_bytes(b"\n".join(raws[:size]) + b"\n")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "stream.cli", "grade", str(part)]
            with Path(os.devnull).open("wb") as nowhere:
                subprocess.run(command, check=True, stdout=nowhere)
            spent = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
            if size == 1:
                start = used
        yield "stormwatch grade, without its start", lines / (used - start)


def wire(number: int) -> dict[str, object]:
    """The contract's JSON of the nth line."""
    second, bed = divmod(number, 100)
    patient = f"g{bed}"
    if second == 0:
        event: PatientEvent = therapy(patient)
        body: dict[str, object] = {"product": "axi-cel", "therapy_class": "car_t"}
    else:
        event = taken = snapshot(patient, START + second * SECOND)
        body = {
            "readings": [
                {"signal": each.signal, "value": each.value, "unit": UNITS[each.signal]}
                for each in taken.readings
            ]
        }
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.time // SECOND))
    kind = type(event).__name__.casefold()
    head = {"type": kind, "event_id": event.event_id, "patient_id": patient, "time": at}
    return {**head, "received_at": at, **body}


def by_second(patients: int = 3, minutes: int = 4) -> list[float]:
    """us a step in each twelfth of a minute: most of its first snapshots are extremes of it."""
    begin, spent = 20 * 60, [0.0] * 12
    states = {
        name: after(every(name, MINUTE, begin * SECOND, SECOND), after(iter([therapy(name)])))
        for name in (f"m{number}" for number in range(patients))
    }
    for second in range(begin, begin + 60 * minutes):
        for name, state in states.items():
            event = snapshot(name, START + mark_of(name) + second * SECOND)
            since = time.process_time()
            states[name], _ = step(state, event, P0)
            spent[second % 60 // 5] += time.process_time() - since
    return [1e6 * each / (5 * patients * minutes) for each in spent]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patients", type=int, nargs="*", default=[10, 10_000])
    parser.add_argument("--grade", type=int, default=0, metavar="LINES")
    parser.add_argument("--minute", action="store_true")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    rows: dict[str, object] = {}
    first = 0.0
    print(f"{'case':36} {'us/step':>16} {'steps/s':>9} {'ratio':>6} {'blocks':>7}")
    rows_of = list(cases(tuple(given.patients)))
    runs = [[measured(case) for case in rows_of] for _ in range(given.rounds)]
    for case, found in zip(rows_of, zip(*runs, strict=True), strict=True):
        each = 1e6 / len(case.events)
        least = sum(map(min, zip(*(spent for spent, _ in found), strict=True))) * each
        most = max(sum(spent) for spent, _ in found) * each
        kept = found[-1][1]
        first = first or least
        took = f"{least:.1f} ({most:.1f})"
        print(f"{case.name:36} {took:>16} {1e6 / least:9,.0f} {least / first:6.2f} {kept:7.1f}")
        rows[case.name] = {"us": least, "most_us": most, "ratio": least / first, "blocks": kept}
    if given.minute:
        slices = by_second()
        print("us a step in each five seconds of a minute:", *(f"{each:.0f}" for each in slices))
        rows["by five seconds"] = {"us": slices}
    if given.grade:
        for what, rate in graded(given.grade):
            print(f"{what:36} {rate:12,.0f} events/s")
            rows[what] = {"events_per_s": rate}
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
