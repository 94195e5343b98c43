"""The demo from its first line to its last: everything it starts, it ends."""

from __future__ import annotations

import logging
import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from stream.demo.board import Board, LiveScreen, PlainScreen, line_style
from stream.demo.compare import differences, expected
from stream.demo.feeder import Feeder
from stream.demo.reader import Backlog, Reader
from stream.demo.stage import (
    BrokerGoneError,
    DemoError,
    client_arguments,
    open_broker,
    worker_environment,
    worker_folder,
)
from stream.demo.ward import ICU_FILE, load_ward
from stream.demo.worker import WorkerProcess
from stream.rules import load_ruleset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream.demo.board import Screen
    from stream.demo.compare import Expected
    from stream.gateways.replay import ReplayResult
    from stream.settings import Settings

WHOLE_WARD_S = 150.0  # how long the ward plays where nobody says otherwise
RESERVE_S = 8.0  # of --for, kept for what is still to do when the last event was sent
LEAST_FEED_S = 5.0
DRAIN_WITHIN_S = 60.0
LOOK_EVERY_S = 0.25

DONE, DIFFERENT = 0, 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    duration_s: float | None = None  # the whole demo, start and end included
    speed: float | None = None  # seconds of the ward's clock per second
    plain: bool = False
    own_broker: Settings | None = None  # None: the embedded one


def play(wish: Wish) -> int:
    """Plays the ward. 0: the stream said what the engine says; 1: it did not.

    Raises DemoError, WorkerFailedError, and KeyboardInterrupt once everything was ended.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # we say ourselves what goes wrong
    return _Play(wish).run()


class _Play:
    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.started = time.monotonic()
        self.console = Console()
        self.screen: Screen = PlainScreen(self.console)
        own = wish.own_broker
        self.ward = load_ward(load_ruleset(None if own is None else own.ruleset))
        self.board = Board(self.ward.stories, self.ward.begins)

    def run(self) -> int:
        """The whole play, and then the end of all that it has started."""
        real = ", some of them real ICU stays (see NOTICE)" if ICU_FILE.is_file() else ""
        self.screen.say(
            f"Stormwatch demo: {len(self.ward.stories)} patients{real}, "
            f"{self.ward.span_s / 3600:.0f} hours, {len(self.ward.events)} events. "
            "Research software, not for clinical use."
        )
        with _signals_kept(), ExitStack() as stack:
            try:
                return self.acts(stack)
            except KeyboardInterrupt:
                self.screen = PlainScreen(self.console)
                self.screen.say(f"interrupted: {self.board.head()}; not compared with the engine")
                raise
            finally:
                # What was started is ended next; a second Ctrl-C must not cut that short.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def acts(self, stack: ExitStack) -> int:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stormwatch-")))
        own = self.wish.own_broker is not None
        settings = open_broker(stack, self.wish.own_broker, self.screen.say)
        worker = WorkerProcess(
            folder, worker_environment(settings, folder, own=own), worker_folder(folder, own=own)
        )
        stack.enter_context(worker)
        reader = Reader(client_arguments(settings), settings.topic_prefix)
        stack.callback(reader.abandon)
        reader.start()
        worker.wait_ready()
        self.screen.say(f"worker ready; metrics at {worker.metrics_url}")
        result = self.feed(settings, worker, reader)
        self.drain(settings, worker, reader)
        wanted = expected(self.ward.events[: result.read], load_ruleset(settings.ruleset))
        return self.report(result, reader, wanted)

    def feed(self, settings: Settings, worker: WorkerProcess, reader: Reader) -> ReplayResult:
        """Sends the ward's events at their pace and shows what comes of them."""
        seconds, end = self.pace()
        speed = self.wish.speed or self.ward.span_s / seconds
        self.screen.say(f"playing at {speed:.0f} times real time; Ctrl-C ends it")
        feeder = Feeder(self.ward, settings, speed)
        with self.live(worker) as self.screen:
            try:
                feeder.start()
                while feeder.wait(LOOK_EVERY_S):
                    self.look(feeder, worker, reader)
                    if end is not None and time.monotonic() >= end:
                        break
            finally:
                feeder.stop()
            self.look(feeder, worker, reader)
        self.screen = PlainScreen(self.console)
        return feeder.result()

    def pace(self) -> tuple[float, float | None]:
        """Seconds to send everything in, and the moment at which sending ends in any case."""
        if self.wish.duration_s is None:
            return WHOLE_WARD_S, None
        used = time.monotonic() - self.started
        seconds = max(LEAST_FEED_S, self.wish.duration_s - used - RESERVE_S)
        # A little more than the play takes: its last events are not to be cut off by chance.
        return seconds, time.monotonic() + seconds + (1.0 if self.wish.speed is None else 0.0)

    @contextmanager
    def live(self, worker: WorkerProcess) -> Iterator[Screen]:
        """The screen of the play: the table, or lines."""
        if self.wish.plain:
            yield self.screen
            return
        with Live(console=self.console, refresh_per_second=4) as live:
            yield LiveScreen(live, f"metrics {worker.metrics_url}   Ctrl-C ends the demo")

    def look(self, feeder: Feeder, worker: WorkerProcess, reader: Reader) -> None:
        """Sees that all are well, and shows what is new."""
        worker.check()
        if reader.error is not None:
            raise BrokerGoneError(f"reading alerts failed: {reader.error}")
        if feeder.progress is not None:
            self.board.sent = feeder.progress.sent
            self.board.clock = feeder.progress.received_at or self.board.clock
        self.tell(reader)
        self.screen.show(self.board)

    def tell(self, reader: Reader) -> None:
        """A line for each new alert and dead letter."""
        while reader.heard.news:
            topic, patient_id, value = reader.heard.news.popleft()
            line = self.board.take(topic, patient_id, value)
            if line is not None:
                self.screen.say(line, line_style(topic, value))

    def drain(self, settings: Settings, worker: WorkerProcess, reader: Reader) -> None:
        """Waits until the worker has finished all events and what it said was read."""
        deadline = time.monotonic() + DRAIN_WITHIN_S
        backlog = Backlog(
            client_arguments(settings), settings.topic_prefix, settings.application_id
        )
        try:
            while left := backlog.count():
                worker.check()
                self.tell(reader)
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"the worker has {left} events left after {DRAIN_WITHIN_S:g} s; "
                        f"its metrics: {worker.metrics_url}"
                    )
                time.sleep(LOOK_EVERY_S)
        finally:
            backlog.close()
        if not reader.finish(max(5.0, deadline - time.monotonic())):
            raise BrokerGoneError(f"the alerts could not be read to their end: {reader.error}")
        self.tell(reader)

    def report(self, result: ReplayResult, reader: Reader, wanted: Expected) -> int:
        """The last lines: what was fed, graded and alerted, and whether all agree."""
        say = self.screen.say
        part = "" if result.read == len(self.ward.events) else f" of {len(self.ward.events)}"
        kinds = ", ".join(f"{count} {kind}" for kind, count in wanted.types.most_common())
        found = differences(wanted, reader.heard.alerts, reader.heard.letters)
        seconds = time.monotonic() - self.started
        say("")
        say(f"fed      {result.sent}{part} events of {len(self.ward.stories)} patients")
        say(f"graded   {wanted.accepted} events; {self.board.letters} dead letters")
        say(f"alerted  {self.board.alerts.total()} ({kinds or 'none expected'})")
        for line in found:
            say(line)
        if found:
            say(f"DIFFERENT: the stream and the engine alone disagree ({seconds:.0f} s)")
            return DIFFERENT
        say(f"same     ids and bytes as `stormwatch grade` of the same events ({seconds:.0f} s)")
        return DONE


@contextmanager
def _signals_kept() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with everything it has started."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    on_interrupt = signal.getsignal(signal.SIGINT)
    on_terminate = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, on_interrupt)
        signal.signal(signal.SIGTERM, on_terminate)
