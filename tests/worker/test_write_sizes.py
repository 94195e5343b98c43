"""How many states are written at once: few, so that no alert waits; more where they fall behind."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from stream.worker.writing import WRITE_AT_ONCE, WRITE_CROWDED
from tests.worker.harness import PARTITIONS, Worker, record
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


def fever(number: int) -> list[Any]:
    """A therapy and a fever, which is said at once."""
    name, hot = f"p{number:03}", {"signal": "temperature", "value": 39.4, "unit": "Cel"}
    told = [
        event("therapy", f"t{number}", name, START, product="x", therapy_class="car_t"),
        event("vitals", f"v{number}", name, START, readings=[{**hot, "site": "oral"}]),
    ]
    return [record(json.dumps(one).encode()) for one in told]


def test_states_of_those_alerted_about_within_a_moment_are_written_together() -> None:
    worker = Worker(write_after=WRITE_AFTER_S)
    writer, found = worker.rounds.writer, []
    write = writer._write

    async def noted(producer: Any, patients: Iterable[bytes]) -> None:
        found.append(sorted(patients))
        await write(producer, patients)

    async def scene() -> None:
        await worker.rounds.work(worker.broker, fever(0))
        await writer.finish()
        writer._not_before = time.monotonic() + 0.5  # on a slow machine as well
        await worker.rounds.work(worker.broker, fever(1))
        await worker.rounds.work(worker.broker, fever(2))
        await writer.finish()

    writer._write = noted  # type: ignore[method-assign]
    asyncio.run(scene())
    assert found == [[b"p000"], [b"p001", b"p002"]]
    assert len(worker.broker.table("pc")) == 3
    assert {key for topic, key, _ in worker.broker.acknowledged if topic == "alerts"} == {
        b"p000", b"p001", b"p002",
    }  # fmt: skip


def test_a_write_that_waits_is_over_once_the_partitions_are_given_away() -> None:
    """Nobody would hear of its error any more."""
    worker = Worker(write_after=WRITE_AFTER_S)
    writer, writers = worker.rounds.writer, []
    write = writer._write

    async def noted(producer: Any, patients: Iterable[bytes]) -> None:
        writers.append(asyncio.current_task())
        await write(producer, patients)

    async def scene() -> None:
        await worker.rounds.work(worker.broker, fever(0))
        await writer.finish()
        writer._not_before = time.monotonic() + 0.5
        await worker.rounds.work(worker.broker, fever(1))
        await asyncio.sleep(0)
        before = writer._writing
        worker.rounds.refresh(set(range(PARTITIONS)))
        writers.clear()
        writer._write = noted  # type: ignore[method-assign]
        await worker.rounds.work(worker.broker, fever(2))
        after = writer._writing
        assert before is not None
        await before
        await writer.finish()
        assert writers == [after]

    asyncio.run(scene())
    assert set(worker.broker.table("pc")) == {b"p000", b"p002"}
