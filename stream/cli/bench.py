"""`stormwatch bench`: how fast the real worker is, with yardsticks in the same run."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from stream.cli.exits import BROKER, FAILED, INTERRUPTED, USAGE, CommandError

EXAMPLES = (
    "stormwatch bench --quick",
    "stormwatch bench --patients 1000 --stay 1,336 --workers 1,2 --json speed.json",
    "stormwatch bench --from speed.json --plots /tmp/plots",
)
ROOT = Path(__file__).parents[2]


def bench(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="One small case and few runs: about 3 minutes.")
    ] = False,
    patients: Annotated[
        str, typer.Option("--patients", metavar="N,N…", help="Numbers of patients.")
    ] = "10,1000,10000",
    stay: Annotated[
        str, typer.Option("--stay", metavar="HOURS,HOURS…", help="How long they have been there.")
    ] = "1,336",
    workers: Annotated[
        str, typer.Option("--workers", metavar="N,N…", help="Numbers of workers.")
    ] = "1,2,4",
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Runs of each.")] = 5,
    messages: Annotated[
        int,
        typer.Option(
            "--messages", metavar="N", min=1000, help="Of one run; more for 20 s of each patient."
        ),
    ] = 50_000,
    latency_s: Annotated[
        float, typer.Option("--latency-s", metavar="S", min=1, help="Seconds at each load.")
    ] = 10,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="The same seed, the same events.")
    ] = 1,
    yardsticks: Annotated[
        bool, typer.Option("--yardsticks/--no-yardsticks", help="The other programs, too.")
    ] = True,
    as_json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything here.", show_default=False),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots", metavar="FOLDER", help="Draw the results here.", show_default=False
        ),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Make the page in tests/benchmarks anew.")
    ] = False,
    shown: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="Show these results; measure none.", show_default=False
        ),
    ] = None,
) -> None:
    """Measure the real worker on Apache Kafka, and other programs on the same events.

    Every number of patients with every stay and every number of workers: messages and readings a
    second from a preloaded topic, CPU, memory, the highest rate that is sustained while events are
    sent, milliseconds from produce to alert at 10, 50 and 90 % of it, bytes of changelogs at 1 Hz,
    seconds of recovery; all of it takes hours. Then bare decoding loops, a naive Faust agent, Quix
    Streams and Bytewax. Runs from a source tree, with the extra `bench` installed;
    STORMWATCH_TEST_BROKER=apache takes no other broker instead.

    Status 0: measured. 1: the alerts of some run were not, byte for byte, those of the engine
    alone, and its case is void.
    """
    harness = _harness()
    if shown is not None:
        document = _results(shown)
    else:
        plan = harness.QUICK
        if not quick:
            plan = harness.Plan(
                harness.crossed(
                    _numbers("--patients", patients),
                    [hours * 3600 for hours in _numbers("--stay", stay)],
                    _numbers("--workers", workers),
                ),
                runs,
                messages,
                latency_s,
                seed,
                yardsticks,
            )
        document = _measured(harness, plan, as_json)
    try:
        harness.report(document, plots, page=page)
    except OSError as error:
        raise CommandError(f"cannot write {error.filename}: {error.strerror}", USAGE) from None
    if document["void"]:
        raise CommandError("; ".join(document["void"]), FAILED)


def _results(file: Path) -> Any:
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}", USAGE) from None
    except ValueError as error:
        raise CommandError(f"{file} is no result of `bench --json`: {error}", USAGE) from None
    if not isinstance(document, dict) or not {"cases", "yardsticks", "void"} <= document.keys():
        raise CommandError(f"{file} is no result of `bench --json`: it holds no cases", USAGE)
    return document


def _harness() -> Any:
    """The harness is no part of the wheel: it needs the tests' brokers and the yardsticks."""
    if not (ROOT / "tests" / "benchmarks" / "run.py").is_file():
        raise CommandError(
            "bench runs from a source tree (pip install -e '.[bench]'): no tests/benchmarks here",
            USAGE,
        )
    sys.path.insert(0, str(ROOT))
    try:
        return importlib.import_module("tests.benchmarks.run")
    except ModuleNotFoundError as error:
        raise CommandError(f"bench needs {error.name}: pip install -e '.[bench]'", USAGE) from None


def _measured(harness: Any, plan: Any, as_json: Path | None) -> Any:
    if as_json is not None:
        try:
            as_json.touch()  # rather now than after hours
        except OSError as error:
            raise CommandError(f"cannot write {as_json}: {error.strerror}", USAGE) from None
    try:
        return harness.measured(plan, as_json)
    except harness.BrokerNotStarted as error:
        raise CommandError(str(error), BROKER) from None
    except KeyboardInterrupt:
        raise CommandError(
            "ended by Ctrl-C; --json holds the cases that were done", INTERRUPTED
        ) from None


def _numbers(option: str, text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise CommandError(f"{option} {text}: expected whole numbers with commas between", USAGE)
    return [int(word) for word in words]
