"""`stormwatch replay`: recorded events to Kafka, as if they came in now."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from stream.cli.brokers import reaching
from stream.cli.exits import FAILED, INTERRUPTED, USAGE, CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    SetOption,
    settings_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stream.gateways.clif import ClifFeed
    from stream.gateways.replay import Progress as ReplayProgress
    from stream.gateways.replay import ReplayResult
    from stream.settings import Settings


EXAMPLES = (
    "stormwatch replay ward.jsonl --speed 60",
    "stormwatch replay ward.jsonl --bundle 5 --to-file bundles.jsonl",
    "stormwatch replay clif_folder --format clif --limit 5 --to-file five.jsonl",
    "stormwatch replay clif_folder --patients 22081550,24597018 --deadletter refused.jsonl",
)


def replay(
    *,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE_OR_DIR",
            help="JSON lines of events (- is standard input), or a CLIF folder.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        Literal["jsonl", "clif"] | None,
        typer.Option("--format", help="What it is; else a folder is CLIF.", show_default=False),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed",
            metavar="N",
            min=0,
            help="N times real time; else as fast as possible.",
            show_default=False,
        ),
    ] = None,
    patients: Annotated[
        str | None,
        typer.Option(
            "--patients",
            metavar="ID,ID…",
            help="Only these; in CLIF also hospitalization ids.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="At most so many patients.", show_default=False
        ),
    ] = None,
    route: Annotated[
        Literal["single", "split"],
        typer.Option(
            "--route",
            help="single: all to vitals, in order; split: as in operation, to vitals and care.",
        ),
    ] = "single",
    bundle: Annotated[
        float | None,
        typer.Option(
            "--bundle",
            metavar="SECONDS",
            min=0,
            help="One record for what comes of a patient within so many seconds.",
            show_default=False,
        ),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(
            "--to-file",
            metavar="FILE",
            help="Write JSON lines here instead of sending.",
            show_default=False,
        ),
    ] = None,
    deadletter: Annotated[
        Path | None,
        typer.Option(
            "--deadletter",
            metavar="FILE",
            help="Keep CLIF rows that cannot be events here, not in the topic deadletter.",
            show_default=False,
        ),
    ] = None,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Send recorded events to Kafka: all at once, in real time, or N times as fast.

    Lines of a file are sent as they are, right or wrong: what is wrong becomes a dead letter of
    the worker. Of CLIF, every row is accounted for in the table at the end.
    """
    chosen = None if patients is None else {name.strip() for name in patients.split(",")}
    clif = kind == "clif" or (kind is None and source.is_dir())
    with ExitStack() as stack:
        letters = stack.enter_context(_opened(deadletter))
        refused = _Refusals(letters)
        if clif:
            feed = _clif(source, chosen, limit, refused)
            events: Iterable[dict[str, Any] | bytes] = feed.events
        else:
            feed = None
            events = _lines(source, chosen, limit)
        if bundle is not None:
            from stream.gateways.bundling import bundled

            events = bundled(events, bundle, split=route == "split")
        noun = "events" if bundle is None else "records"
        try:
            if to_file is not None:
                count = _write(events, to_file)
                print(f"{count} {noun} written to {to_file}", file=sys.stderr)
            else:
                settings = settings_from(
                    config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
                )
                result = _send(events, settings, speed, route, refused)
                _report(result, noun)
        finally:
            if feed is not None:
                print(feed.counts, file=sys.stderr)
    if feed is not None and not feed.counts.add_up:
        raise CommandError(f"these rows have no outcome: {feed.counts.missing()}", FAILED)


class _Refusals:
    """Where rows go that cannot be events: a file if one is open, else the topic once there is."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self.file = file
        self.send: Callable[[Any], None] | None = None

    def __call__(self, refusal: Any) -> None:
        if self.file is not None:
            from stream.gateways.replay import dead_letter

            self.file.write(dead_letter(refusal) + b"\n")
        elif self.send is not None:
            self.send(refusal)


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes] | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("wb")
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}", USAGE) from None
    with file:
        yield file


def _clif(
    folder: Path, patients: set[str] | None, limit: int | None, refused: _Refusals
) -> ClifFeed:
    try:
        from stream.gateways.clif import ClifError, read_clif
    except ImportError as error:
        raise CommandError(
            f"reading CLIF needs {error.name}: pip install 'stormwatch[clif]'", USAGE
        ) from None
    try:
        return read_clif(folder, patients, limit, on_refused=refused)
    except ClifError as error:
        raise CommandError(str(error), USAGE) from None


def _lines(path: Path, patients: set[str] | None, limit: int | None) -> Iterator[bytes]:
    from stream.gateways.jsonl import read_lines
    from stream.gateways.replay import outgoing

    seen: set[str] = set()
    try:
        for _number, raw in read_lines(path):
            if patients is not None or limit is not None:
                patient = outgoing(raw).patient_id
                if patient is None or (patients is not None and patient not in patients):
                    continue
                if limit is not None and patient not in seen and len(seen) >= limit:
                    continue
                seen.add(patient)
            yield raw
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", USAGE) from None


def _write(events: Iterable[dict[str, Any] | bytes], path: Path) -> int:
    from stream.gateways.jsonl import write_jsonl

    try:
        return write_jsonl(events, path)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}", USAGE) from None


def _send(
    events: Iterable[dict[str, Any] | bytes],
    settings: Settings,
    speed: float | None,
    route: Literal["single", "split"],
    refused: _Refusals,
) -> ReplayResult:
    from stream.gateways import replay as gateway

    with (
        reaching(settings) as arguments,
        gateway.KafkaSink(
            arguments.pop("bootstrap_servers"),
            route=route,
            topic_prefix=settings.topic_prefix,
            **arguments,
        ) as sink,
        _shown() as show,
    ):
        refused.send = sink.dead_letter
        return gateway.replay(events, sink, speed, show)


@contextmanager
def _shown() -> Iterator[Callable[[ReplayProgress], None]]:
    """A line on standard error that tells how far the replay is, where somebody can see it."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed:.0f} sent"),
        TextColumn("{task.fields[clock]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("replay", total=None, clock="")

        def show(progress: ReplayProgress) -> None:
            moment = progress.received_at
            clock = "" if moment is None else f"at {moment:%Y-%m-%d %H:%M:%S}"
            bar.update(task, completed=progress.sent, clock=clock)

        yield show


def _report(result: ReplayResult, noun: str) -> None:
    print(
        f"{result.read} {noun} read, {result.sent} acknowledged, {result.failed} failed"
        + (f", {result.ticks_left_out} ticks left out" if result.ticks_left_out else ""),
        file=sys.stderr,
    )
    for text, count in result.errors.items():
        print(f"  {count} x {text}", file=sys.stderr)
    if result.stopped == "asked":
        raise CommandError("stopped by Ctrl-C; what was sent stays sent", INTERRUPTED)
    if not result.ok:
        raise CommandError("not everything was acknowledged", FAILED)
