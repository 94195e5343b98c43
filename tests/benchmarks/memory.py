"""What one patient takes of a worker's memory: its state, its part of the tables, the indexes.

    python -m tests.benchmarks.memory --seconds 72 600 3600 --patients 60

Patients with a snapshot of seven signals a second, one after the other, as a worker holds them: in
batches of half a minute, written once a minute. Resident memory of the process before and after,
one process for each length; without what all patients share, which a first one has filled.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
from functools import lru_cache
from pathlib import Path

from stream.engine import PatientState, step
from stream.engine.events import Reading, Vitals
from stream.worker.codec import Applied
from stream.worker.ward import Graded, Ward
from tests.benchmarks.steps import P0, SECOND, START, snapshot, therapy

BATCH_S, WRITE_S = 30, 60
PAGE_KB = 4
_shared = lru_cache(8192)(Reading)


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_KB


def monitored(ward: Ward, patient: str, seconds: int) -> None:
    """A therapy, and then a snapshot each second; equal readings are one, as the decoder's are."""
    key = patient.encode()
    state: PatientState | None
    state, _ = step(None, therapy(patient), P0)
    for second in range(1, seconds + 1):
        drawn = snapshot(patient, START + second * SECOND)
        readings = tuple([_shared(each.signal, each.value) for each in drawn.readings])
        event = Vitals(
            event_id=f"{patient}-{second}", patient_id=patient,
            time=drawn.time, received_at=drawn.time, readings=readings,
        )  # fmt: skip
        state, _ = step(state, event, P0)
        if second % BATCH_S == 0 or second == seconds:
            ward.take_in({key: Graded(state, {"vitals": Applied(second, second)})}, 0.0)
            if second % WRITE_S == 0:
                ward.written(ward.writes([key], 0.0))
            state = ward.state(key)


def measure(seconds: int, patients: int) -> tuple[float, float]:
    """(resident KB a patient, KB of it that are the tables' values)."""
    patients_table: dict[bytes, bytes] = {}
    windows_table: dict[bytes, bytes] = {}
    ward = Ward(patients_table, windows_table, 4)
    ward.refresh({0, 1, 2, 3})
    monitored(ward, "first", seconds)
    gc.collect()
    before = resident_kb()
    for number in range(patients):
        monitored(ward, f"p{number}", seconds)
    gc.collect()
    stored = sum(map(len, (*patients_table.values(), *windows_table.values())))
    return (resident_kb() - before) / patients, stored / 1024 / (patients + 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=int, nargs="+", default=[72, 600, 3600])
    parser.add_argument("--patients", type=int, default=60)
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    print(f"{'monitored at 1 Hz for':>22} {'KB a patient':>14} {'of that stored':>15}")
    for seconds in given.seconds:
        with spawn.Pool(1) as process:
            kb, stored = process.apply(measure, (seconds, given.patients))
        print(f"{seconds:20} s {kb:14.1f} {stored:15.1f}", flush=True)


if __name__ == "__main__":
    main()
