"""How many states are written at once: few, so that no alert waits; more where they fall behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stream.worker.writing import WRITE_AT_ONCE, WRITE_CROWDED
from tests.worker.harness import Worker, record
from tests.worker.ward_events import START, event

if TYPE_CHECKING:
    from collections.abc import Iterable

PATIENTS = 3 * WRITE_AT_ONCE
WRITE_AFTER_S = 10.0


def profile(number: int) -> Any:
    told = event("patient", f"e{number}", f"p{number:03}", START, weight_kg=70)
    return record(json.dumps(told).encode(), number)


@pytest.mark.parametrize(
    ("waited_s", "sizes"),
    [
        (WRITE_AFTER_S / 2, []),
        (WRITE_AFTER_S + 1, [WRITE_AT_ONCE] * 3),
        (2 * WRITE_AFTER_S + 1, [min(PATIENTS, WRITE_CROWDED)]),
    ],
    ids=["not due", "due", "fallen behind"],
)
def test_states_are_written_few_at_a_time_until_they_fall_behind(
    waited_s: float, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(write_after=WRITE_AFTER_S)
    worker.work([profile(number) for number in range(PATIENTS)])
    worker.now += waited_s
    writer, found = worker.rounds.writer, []
    write = writer._write

    async def noted(producer: Any, patients: Iterable[bytes]) -> None:
        found.append(len(list(patients)))
        await write(producer, patients)

    monkeypatch.setattr(writer, "_write", noted)
    worker.work([profile(PATIENTS)])
    assert found == sizes
    assert len(worker.broker.table("pc")) == sum(sizes)
