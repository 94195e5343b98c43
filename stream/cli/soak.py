"""`stormwatch soak`: is the promise kept when workers and brokers fail?"""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import secrets
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from stream.cli.exits import BROKER, FAILED, INTERRUPTED, USAGE, CommandError
from stream.cli.options import BootstrapOption, ConfigOption, SetOption, settings_from

if TYPE_CHECKING:
    from stream.settings import Settings
    from stream.soak.faults import Kind
    from stream.soak.trial import Plan

EXAMPLES = (
    "stormwatch soak --faults 10 --events 20000 --bootstrap localhost:9092",
    "stormwatch soak --seed 7 --kafka deploy/kafka/kafka.sh --brokers 3 --workers 4",
    "stormwatch soak --only crash,freeze --faults 40 --json soak.json",
)


def soak(
    *,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", help="The same seed, the same run; else any.", show_default=False
        ),
    ] = None,
    faults: Annotated[int, typer.Option("--faults", metavar="N", min=0, help="How many.")] = 20,
    events: Annotated[
        int, typer.Option("--events", metavar="N", min=1000, help="How many are sent, about.")
    ] = 50_000,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=16, help="At most so many at once.")
    ] = 2,
    kafka: Annotated[
        Path | None,
        typer.Option(
            "--kafka",
            metavar="KAFKA.SH",
            help="Start brokers with this script (deploy/kafka/kafka.sh), and hurt them too.",
            show_default=False,
        ),
    ] = None,
    brokers: Annotated[
        int, typer.Option("--brokers", metavar="1|3", help="With --kafka: how many.")
    ] = 1,
    only: Annotated[
        str | None,
        typer.Option(
            "--only", metavar="KIND,KIND…", help="Only these kinds of fault.", show_default=False
        ),
    ] = None,
    as_json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the result here.", show_default=False),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Stamp events as they are sent, 40 a second; the workers' ticks run."
        ),
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave topics and logs behind.")] = False,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    assign: SetOption = None,
) -> None:
    """Kill, stop and slow down workers and brokers, and look whether anything was lost.

    Sends a seeded feed under topics of its own, to the settings' brokers or, with --kafka, to
    brokers of its own, and does one fault after the other: kill, crash (at a step of the batch),
    freeze (the same, but it comes back as a zombie), stop, term, add, remove, slow, clock; with
    --kafka also broker-kill, broker-pause, brokers-away. Afterwards alerts, stored histories, dead
    letters and offsets must be those of the engine alone over the same log. The clock of a worker
    matters most with --live, where timers run out by it.

    Status 0: the promise is kept. 1: it is broken; every alert, patient (as a hash) and offset in
    question is listed. Needs no quiet machine; it takes about ten seconds a fault.
    """
    if brokers not in {1, 3}:
        raise CommandError(f"--brokers {brokers}: expected 1 or 3", USAGE)
    if kafka is not None and not kafka.is_file():
        raise CommandError(f"--kafka {kafka}: there is no such file", USAGE)
    settings = settings_from(config_file, assign, bootstrap_servers=bootstrap)
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    plan = _plan(chosen, faults, events, workers, brokers if kafka else 0, only, live=live)
    where = f"{brokers} of our own" if kafka else settings.bootstrap_servers
    print(f"seed {chosen}: {faults} faults, {events} events, {workers} workers, brokers {where}")
    from rich.console import Console

    from stream.soak.report import document, show

    folder = Path(tempfile.mkdtemp(prefix="stormwatch-soak-"))
    print(f"logs of the workers, removed where the promise is kept: {folder}")
    with ExitStack() as stack:
        result = _run(stack, plan, settings, folder, kafka, brokers, keep=keep)
    if result.verdict.kept and not keep:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    if as_json is not None:
        try:
            as_json.write_text(json.dumps(document(plan, result), indent=2) + "\n", "utf-8")
        except OSError as error:
            raise CommandError(f"cannot write {as_json}: {error.strerror}", USAGE) from None
    show(Console(), plan, result)
    if not result.verdict.kept:
        raise CommandError(f"the promise is broken; again with --seed {chosen}", FAILED)


def _plan(
    seed: int,
    faults: int,
    events: int,
    workers: int,
    brokers: int,
    only: str | None,
    *,
    live: bool,
) -> Plan:
    from stream.soak.schedule import Wish, schedule
    from stream.soak.trial import Plan

    wish = Wish(seed, faults, events, workers, brokers, _kinds(only))
    ahead = min(5_000, max(500, events // 20))  # so that faults find the workers at work
    try:
        return Plan(seed, schedule(wish), events, workers, wish.session_s, ahead, live=live)
    except ValueError as error:
        raise CommandError(f"--only {only}: {error}", USAGE) from None


def _kinds(text: str | None) -> frozenset[Kind] | None:
    from stream.soak.faults import Kind

    if text is None:
        return None
    names = {name.strip() for name in text.split(",")}
    if unknown := sorted(names - {kind.value for kind in Kind}):
        known = ", ".join(Kind)
        raise CommandError(f"--only {', '.join(unknown)}: expected some of {known}", USAGE)
    return frozenset(map(Kind, names))


def _run(
    stack: ExitStack,
    plan: Plan,
    settings: Settings,
    folder: Path,
    kafka: Path | None,
    brokers: int,
    *,
    keep: bool,
) -> Any:
    from stream.soak.cluster import Cluster, ClusterError
    from stream.soak.crew import CrewError
    from stream.soak.records import ReadError
    from stream.soak.trial import Trial
    from stream.topics import TopicsError

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        cluster = None
        if kafka is not None:
            nodes = cast("Literal[1, 3]", brokers)
            cluster = stack.enter_context(Cluster(kafka.absolute(), nodes))
        return Trial(plan, settings, folder, cluster=cluster, keep=keep, say=say).run()
    except (ClusterError, TopicsError, ReadError) as error:
        raise CommandError(str(error), BROKER) from None
    except CrewError as error:
        raise CommandError(str(error), FAILED) from None
    except KeyboardInterrupt:
        raise CommandError("ended by Ctrl-C; nothing was judged", INTERRUPTED) from None
