"""The whole of `stormwatch bench`: every case, the yardsticks, what is shown and kept."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "integration"))  # the tests' brokers and workers

from brokers import BrokerNotStarted, chosen_broker, fresh_topics  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table as Grid  # noqa: E402

from tests.benchmarks import yardstick  # noqa: E402
from tests.benchmarks.log import PARTITIONS  # noqa: E402
from tests.benchmarks.measure import Trial  # noqa: E402
from tests.benchmarks.page import RESULTS, as_text, write  # noqa: E402
from tests.benchmarks.plan import HOUR_S, Case, Plan, Void, crossed  # noqa: E402
from tests.benchmarks.plots import draw  # noqa: E402
from tests.benchmarks.process import machine  # noqa: E402
from tests.benchmarks.tables import tables  # noqa: E402
from tests.benchmarks.targets import targets  # noqa: E402

if TYPE_CHECKING:
    from brokers import Broker

    from tests.benchmarks.yardstick import Yardstick

BROKER = {"KAFKA_JVM_OPTS": " ", "KAFKA_HEAP_OPTS": "-Xms1g -Xmx1g"}
"""As Kafka's own script starts it; the tests' broker starts sooner and is slower from then on."""

__all__ = ["QUICK", "BrokerNotStarted", "Plan", "crossed", "measured", "report"]

QUICK = Plan(
    (Case(1000, HOUR_S, 1),),
    runs=2,
    messages=6_000,
    latency_s=2,
    seed=1,
    stretches=2,
    stretch_s=10,
    least_s=0,
)
CHANGELOGS = ("app-patients-changelog", "app-windows-changelog")


def measured(plan: Plan, keep: Path | None = None) -> dict[str, Any]:
    """On the broker that the environment chooses. Raises BrokerNotStarted."""
    for name, value in BROKER.items():
        os.environ.setdefault(name, value)
    with chosen_broker() as broker:
        _say(f"{broker.kind} at {broker.bootstrap} ({broker.why})")
        return measured_on(broker, plan, keep)


def measured_on(broker: Broker, plan: Plan, keep: Path | None = None) -> dict[str, Any]:
    """Every case and the yardsticks; written to `keep` after each case."""
    document: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "seed": plan.seed,
        "runs": plan.runs, "messages": plan.messages, "latency_s": plan.latency_s,
        "broker": f"{broker.kind}, {broker.nodes} node", "machine": machine(),
        "cases": [], "yardsticks": {}, "void": [], "targets": [],
    }  # fmt: skip
    for case in plan.cases:
        _say(f"{case}")
        home = Path(tempfile.mkdtemp(prefix="stormwatch-bench-"))
        try:
            with fresh_topics(broker, PARTITIONS, changelogs=CHANGELOGS) as topics:
                trial = Trial(plan, case, topics, home, _say)
                trial.run()
                document["cases"].append(trial.result)
                if plan.yardsticks and case == plan.yardstick_case:
                    document["yardsticks"] = _yardsticks(trial, plan)
        except Void as fault:
            _say(f"  VOID: {fault}")
            document["void"].append(f"{case}: {str(fault).splitlines()[0]}")
        finally:
            shutil.rmtree(home, ignore_errors=True)
        document["targets"] = [asdict(target) for target in targets(document)]
        if keep is not None:
            keep.write_text(as_text(document), "utf-8")
    return document


def report(document: dict[str, Any], plots: Path | None = None, *, page: bool = False) -> None:
    """All tables on the terminal, the pictures, and the page with the results that it is of."""
    console = Console(width=None if sys.stdout.isatty() else 180)
    for table in tables(document).values():
        grid = Grid(*table.heads, title=table.title, title_justify="left")
        for row in table.rows:
            grid.add_row(*(cell.strip("*") for cell in row))
        console.print(grid)
    if plots is not None:
        _say(" ".join(str(path) for path in draw(document, plots)))
    if page:
        RESULTS.write_text(as_text(document), "utf-8")
        write(document)


def _yardsticks(trial: Trial, plan: Plan) -> dict[str, Any]:
    found = {each.name: _runs(each, trial, plan) for each in yardstick.YARDSTICKS}
    return {"case": str(trial.case), "found": found}


def _runs(each: Yardstick, trial: Trial, plan: Plan) -> dict[str, Any]:
    """Over the parts of the log that our own runs read."""
    runs: list[dict[str, Any]] = []
    reason = yardstick.absent(each)
    for number in range(0 if reason else plan.runs):
        try:
            runs.append(yardstick.measure(each, trial.topics, trial.segments[number], number))
        except yardstick.Silent as silent:
            reason = " ".join(str(silent).split())
            break
        _say(f"  {each.name}: {runs[-1]['messages_s']:,.0f} messages/s")
    if reason:
        _say(f"  {each.name}: {reason}")
        return {"does": each.does, "absent": reason}
    return {"does": each.does, "runs": runs}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
