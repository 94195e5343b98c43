"""One run: topics, workers, feed and faults; then everything is judged."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stream import topics
from stream.logs import patient_hash
from stream.rules import load_ruleset
from stream.settings import PREFIX
from stream.soak.crew import Crew, CrewError
from stream.soak.feed import Disorder, feed
from stream.soak.injector import Injector
from stream.soak.judge import Code, Damage, Judge, Seen, Verdict
from stream.soak.oracle import Oracle
from stream.soak.records import Group, client_arguments, newest, read
from stream.soak.sender import Sender
from stream.worker.preflight import changelogs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from stream.settings import Settings
    from stream.soak.cluster import Cluster
    from stream.soak.faults import Fault

SOURCE = "vitals"
"""All events go through one topic: the log's order is then each patient's order."""
STALLED_S = 240.0
"""So long nothing may be committed before the run is given up: an outage of a minute, and more."""
LOOK_EVERY_S = 0.1
LIVES_PER_FAULT, LIVES = 4, 60
COMPACTED = {"segment.ms": "15000", "max.compaction.lag.ms": "15000", "segment.bytes": "1048576"}
"""For the changelogs: with faults every few seconds, a long tail would be read back each time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run. `workers` places; about half of them are taken at the beginning."""

    seed: int
    faults: tuple[Fault, ...]
    events: int
    workers: int
    session_s: float = 3.0
    ahead: int = 5_000
    """So many records the feed may be before the workers: a fault finds them at work."""
    disorder: Disorder = field(default_factory=Disorder)
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the workers."""


@dataclass(slots=True)
class Result:
    """What became of a run."""

    verdict: Verdict = field(default_factory=Verdict)
    done: list[Fault] = field(default_factory=list)
    missed: list[Fault] = field(default_factory=list)
    """Faults that did not come about, such as a step that was not reached in time."""
    ends: Mapping[int, int] = field(default_factory=dict)
    """How often workers ended with which exit code; negative: by that signal."""
    seconds: float = 0.0
    """From the first record sent until the last was committed."""
    resent: int = 0


class Trial:
    """`run()` once. What is made is removed, unless `keep`."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        folder: Path,
        *,
        cluster: Cluster | None = None,
        keep: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        mark = f"soak-{plan.seed}-{secrets.token_hex(3)}"  # nothing of a real ward may be touched
        servers = settings.bootstrap_servers if cluster is None else cluster.bootstrap
        self.plan, self.folder, self.cluster, self.say = plan, folder, cluster, say
        self.settings = settings.model_copy(
            update={
                "bootstrap_servers": servers,
                "topic_prefix": f"{mark}.",
                "application_id": mark,
                "replication_factor": settings.replication_factor
                if cluster is None
                else cluster.nodes,
            }
        )
        self._keep = keep
        self._own = cluster is not None

    def run(self) -> Result:
        """Raises stream.topics.TopicsError, ClusterError and CrewError; a broken promise is none."""
        result = Result()
        with ExitStack() as stack:
            self._make_topics(stack)
            most = LIVES + LIVES_PER_FAULT * len(self.plan.faults)
            crew = Crew(self.folder, self._environment(), self.plan.workers, most)
            for slot in crew.slots[(self.plan.workers + 1) // 2 :]:
                slot.wanted = False
            stack.enter_context(crew)
            items = feed(self.plan.seed, self.plan.events, self.plan.disorder)
            sender = Sender(items, self.settings, self._name(SOURCE), self.plan.ahead)
            sender.start()
            stack.callback(sender.stop)
            started = time.monotonic()
            complete = self._play(crew, sender, result)
            result.seconds = time.monotonic() - started
            crew.dismiss()
            result.ends, result.resent = dict(crew.ends), sender.resent
            if complete:
                self._judge(sender, result.verdict)
        return result

    def _play(self, crew: Crew, sender: Sender, result: Result) -> bool:
        """All faults at their places, then the rest of the feed; False where nothing moves."""
        injector = Injector(crew, self.cluster)
        for number, fault in enumerate(self.plan.faults, start=1):
            if not self._until(lambda at=fault.at: sender.done >= at, crew, sender, result):
                return False
            came = injector.do(fault)
            (result.done if came else result.missed).append(fault)
            note = "" if came else " (did not come about)"
            self.say(f"{number}/{len(self.plan.faults)} at {sender.done}: {fault}{note}")
        group = Group(self.settings, self._sources())
        try:
            return self._until(lambda: sender.finished and self._caught_up(group), crew, sender, result)
        finally:
            group.close()

    def _caught_up(self, group: Group) -> bool:
        with suppress(Exception):  # brokers may still be coming back
            return dict(group.committed()) == dict(group.ends())
        return False

    def _until(
        self, true: Callable[[], bool], crew: Crew, sender: Sender, result: Result
    ) -> bool:
        """Waits; keeps the sender informed of how far the workers are; False where they stall."""
        since = time.monotonic()
        while not true():
            crew.check()
            if sender.error is not None:
                raise sender.error
            if time.monotonic() - max(sender.moved_at, since) > STALLED_S:
                logs = "; ".join(crew.log_tail(slot) for slot in crew.slots if slot.wanted)
                detail = f"nothing was committed for {STALLED_S:g} s; {logs}"
                result.verdict.damages.append(Damage(Code.STUCK, detail))
                return False
            time.sleep(LOOK_EVERY_S)
        return True

    def _judge(self, sender: Sender, verdict: Verdict) -> None:
        ruleset = load_ruleset(self.settings.ruleset)
        key = self.settings.hash_key.get_secret_value().encode()
        judge = Judge(ruleset, self._name(SOURCE), lambda patient: patient_hash(patient, key))
        patients, windows = changelogs(self.settings.application_id)
        group = Group(self.settings, self._sources())
        committed, ends = group.committed(), group.ends()
        group.close()
        letters = [
            record.value
            for number in range(self.settings.partitions)
            for record in self._read("deadletter", number)
        ]
        for number in range(self.settings.partitions):
            oracle = Oracle(ruleset, self.settings.max_record_bytes)
            for record in self._read(SOURCE, number):
                oracle.take(record.offset, record.key, record.value)
            seen = Seen(
                number,
                alerts=[(record.key, record.value) for record in self._read("alerts", number)],
                letters=letters,
                patients=newest(read(self.settings, patients, number)),
                windows=newest(read(self.settings, windows, number)),
                statuses=newest(self._read("status", number)),
                committed={tp.topic: at for tp, at in committed.items() if tp.partition == number},
                ends={tp.topic: end for tp, end in ends.items() if tp.partition == number},
            )
            verdict.add(judge.judge(oracle.truth, seen))
            end = seen.ends[self._name(SOURCE)]
            if end < sender.ends[number]:
                detail = f"{self._name(SOURCE)}[{number}] ends at {end}, taken were {sender.ends[number]}"
                verdict.damages.append(Damage(Code.RECORD_LOST, detail))
            self.say(f"judged partition {number}: {len(verdict.damages)} damages so far")

    def _read(self, topic: str, partition: int) -> Any:
        return read(self.settings, self._name(topic), partition)

    def _name(self, topic: str) -> str:
        return self.settings.topic_prefix + topic

    def _sources(self) -> tuple[str, ...]:
        return tuple(map(self._name, (SOURCE, "care", "ticks")))

    def _make_topics(self, stack: ExitStack) -> None:
        settings = self.settings
        states = changelogs(settings.application_id)
        specs = [
            replace(spec, configs={**spec.configs, **COMPACTED}) if spec.name in states else spec
            for spec in topics.plan(
                settings.partitions, settings.replication_factor, settings.topic_prefix, states
            )
        ]
        report = topics.create(
            settings.bootstrap_servers, specs, settings.kafka_python_security(), timeout_s=20.0
        )
        if not self._keep and not self._own:
            stack.callback(_delete, settings, [spec.name for spec in specs])
        if fatal := [problem.text for problem in report.problems if problem.fatal]:
            raise topics.TopicsError("\n".join(fatal))

    def _environment(self) -> dict[str, str]:
        """The workers': the run's settings, whatever the environment says."""
        import os  # noqa: PLC0415

        told = {
            "ticks": "off",  # what the clock alone says has no order in the log to be judged by
            "metrics_port": "0",
            "session_timeout_s": str(self.plan.session_s),
            "commit_interval_s": "0.5",
            "batch_max_events": "200",
            **self.plan.settings,
        }
        environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        told = {**json.loads(self.settings.model_dump_json(exclude_none=True)), **told}
        told["hash_key"] = self.settings.hash_key.get_secret_value()
        if self.settings.sasl_password is not None:
            told["sasl_password"] = self.settings.sasl_password.get_secret_value()
        return environment | {PREFIX + name.upper(): str(value) for name, value in told.items()}


def _delete(settings: Settings, names: list[str]) -> None:
    from kafka import KafkaAdminClient  # noqa: PLC0415 - slow to import
    from kafka.errors import KafkaError  # noqa: PLC0415

    with suppress(KafkaError, OSError):
        admin = KafkaAdminClient(bootstrap_timeout_ms=5000, **client_arguments(settings))
        try:
            admin.delete_topics(names, raise_errors=False)
        finally:
            admin.close()
