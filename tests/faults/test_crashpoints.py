"""Orders to a victim: told in lines, carried out once, at the step that was meant."""

from __future__ import annotations

import pytest

from stream.soak.crashpoints import (
    Calm,
    Clock,
    Control,
    Crash,
    Order,
    Slow,
    from_line,
    step_of,
    to_line,
)
from stream.soak.faults import Side, Step


class Victim:
    def __init__(self) -> None:
        self.now = 100.0
        self.hurt: list[Crash] = []
        self.control = Control(self.hurt.append, lambda: self.now)


@pytest.mark.parametrize(
    "order",
    [Crash(Step.ALERT, Side.AFTER, 3, "stop"), Slow(0.5, 2.0), Clock(-3600.0), Calm()],
    ids=lambda order: type(order).__name__,
)
def test_an_order_is_a_line_and_back(order: Order) -> None:
    line = to_line(order)
    assert "\n" not in line
    assert from_line(line) == order


@pytest.mark.parametrize(
    "line", ["{}", '{"order": "dance"}', '{"order": "clock", "hours": 1}', "x"]
)
def test_what_is_no_order_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        from_line(line)


def test_the_nth_step_from_the_order_on_hurts_once() -> None:
    victim = Victim()
    victim.control.reach(Step.ALERT, Side.BEFORE)
    crash = Crash(Step.ALERT, Side.BEFORE, nth=2)
    victim.control.obey(crash)
    victim.control.reach(Step.ALERT, Side.AFTER)
    victim.control.reach(Step.WINDOWS, Side.BEFORE)
    victim.control.reach(Step.ALERT, Side.BEFORE)
    assert victim.hurt == []
    victim.control.reach(Step.ALERT, Side.BEFORE)
    assert victim.hurt == [crash]
    victim.control.reach(Step.ALERT, Side.BEFORE)
    assert victim.hurt == [crash]


def test_a_crash_can_be_called_off() -> None:
    victim = Victim()
    victim.control.obey(Crash(Step.COMMIT, Side.AFTER))
    victim.control.obey(Calm())
    victim.control.reach(Step.COMMIT, Side.AFTER)
    assert victim.hurt == []


def test_slowness_ends_and_the_clock_stays_where_it_jumped() -> None:
    victim = Victim()
    victim.control.obey(Slow(0.25, 10.0))
    victim.control.obey(Clock(3600.0))
    assert victim.control.delay_s == 0.25
    victim.now += 11
    assert victim.control.delay_s == 0.0
    victim.control.obey(Clock(-7200.0))
    assert victim.control.jump_s == -3600.0


@pytest.mark.parametrize(
    ("topic", "value", "step"),
    [
        ("soak-1.alerts", b"{}", Step.ALERT),
        ("soak-1.status", b"{}", Step.STATUS),
        ("soak-1.deadletter", b"{}", Step.DEADLETTER),
        ("soak-1-windows-changelog", b"1", Step.WINDOWS),
        ("soak-1-windows-changelog", None, Step.TOMBSTONE),
        ("soak-1-patients-changelog", b"1", Step.PATIENTS),
        ("soak-1.ticks", b"{}", None),
    ],
)
def test_a_record_tells_its_step(topic: str, value: bytes | None, step: Step | None) -> None:
    assert step_of(topic, value) is step
