"""Trains what the state tables are compressed with: `python -m tests.worker.state_dictionary`.

The states are those of the demo's ward on their way, which hold most of what a state can hold; ids
are drawn anew in each, since no other hospital has them. The file is written anew only together
with another `stream.worker.codec.FORMAT`: what was compressed with a dictionary can be read with
nothing else.
"""

from __future__ import annotations

import random
import re
from typing import Final

from zstandard import train_dictionary

from stream.demo.ward import load_ward
from stream.engine import PatientState, step
from stream.intake import decode
from stream.worker.codec import DICTIONARY_FILE, StoredPatient, patient_body, window_body
from tests.charts import P0

SIZE: Final = 16 * 1024
"""Four times as much makes values no smaller."""
EVERY: Final = 5
"""A patient's states between two samples."""
_ID: Final = re.compile(rb"(?=[\w-]*\d)[\w-]{8,}")
_LETTERS: Final = "0123456789abcdef"


def samples() -> list[bytes]:
    """Records and newest windows as they are before they are compressed."""
    states: dict[str, PatientState] = {}
    taken: list[bytes] = []
    for number, raw in enumerate(load_ward(P0).events):
        event = decode(raw).event
        if event is None:
            continue
        state, _ = step(states.get(event.patient_id), event, P0)
        states[event.patient_id] = state
        if number % EVERY == 0:
            taken.append(patient_body(StoredPatient(state.record, {}, 0, None)))
            if state.windows:
                taken.append(window_body(state.windows[max(state.windows)]))
    draw = random.Random(0).choices
    return [
        _ID.sub(lambda found: "".join(draw(_LETTERS, k=len(found[0]))).encode(), sample)
        for sample in taken
    ]


if __name__ == "__main__":
    DICTIONARY_FILE.write_bytes(train_dictionary(SIZE, samples()).as_bytes())
