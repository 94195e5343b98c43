"""Reads back all that a run has left in the topics, and has it judged, partition by partition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.logs import patient_hash
from stream.rules import load_ruleset
from stream.soak.judge import Code, Damage, Judge, Seen, Verdict
from stream.soak.oracle import Oracle
from stream.soak.records import Group, newest, read
from stream.soak.site import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from stream.soak.site import Site


def examine(
    site: Site, taken: Mapping[int, int], ends: Mapping[Any, int], say: Callable[[str], None]
) -> Verdict:
    """What the judge finds. `taken`: by partition, where the log must at least have come to.

    `ends`: of the sources, when all was done. A worker that is told to stop after that may leave a
    tick of its own behind that nobody reads.

    Raises ReadError and kafka-python's errors.
    """
    settings = site.settings
    ruleset = load_ruleset(settings.ruleset)
    key = settings.hash_key.get_secret_value().encode()
    source = site.name(SOURCE)
    judge = Judge(ruleset, source, lambda patient: patient_hash(patient, key))
    patients, windows = site.changelogs
    group = Group(settings, site.sources)
    committed, last = group.committed(), group.ends()
    group.close()
    due = {tp: min(end, max(ends[tp], committed[tp])) for tp, end in last.items()}
    partitions = range(settings.partitions)

    def records(topic: str, partition: int) -> Iterator[Any]:
        return read(settings, topic, partition)

    letters = [r.value for number in partitions for r in records(site.name("deadletter"), number)]
    verdict = Verdict()
    for number in partitions:
        oracle = Oracle(ruleset, settings.max_record_bytes)
        for record in records(source, number):
            oracle.take(record.offset, record.key, record.value)
        seen = Seen(
            number,
            alerts=[(r.key, r.value) for r in records(site.name("alerts"), number)],
            letters=letters,
            patients=newest(records(patients, number)),
            windows=newest(records(windows, number)),
            statuses=newest(records(site.name("status"), number)),
            committed={tp.topic: at for tp, at in committed.items() if tp.partition == number},
            ends={tp.topic: end for tp, end in due.items() if tp.partition == number},
        )
        verdict.add(judge.judge(oracle.truth, seen))
        if seen.ends[source] < taken.get(number, 0):
            detail = f"{source}[{number}] ends at {seen.ends[source]}, taken were {taken[number]}"
            verdict.damages.append(Damage(Code.RECORD_LOST, detail))
        say(f"judged partition {number}: {len(verdict.damages)} damages so far")
    return verdict
