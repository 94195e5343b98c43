"""`stormwatch verify`: do tables and alerts say what the events lead to, and is nothing lost?"""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.cli.brokers import reaching
from stream.cli.exits import BROKER, FAILED, USAGE, CommandError
from stream.cli.lines import records
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PatientOption,
    PrefixOption,
    RulesetOption,
    SetOption,
    ruleset_from,
    settings_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.engine import Ruleset
    from stream.settings import Settings
    from stream.verify.findings import Finding, Report

EXAMPLES = (
    "stormwatch verify",
    "stormwatch verify --patient p-17 --show-patients",
    "stormwatch verify --json --strict > findings.jsonl",
    "stormwatch verify alerts.jsonl",
)


def verify(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE…",
            help="Alerts as JSON lines: only their chains are checked. Without one: the topics.",
            show_default=False,
        ),
    ] = None,
    patient: PatientOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a finding, and one at the end.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with status 1 also where it is not decidable.")
    ] = False,
    show_patients: Annotated[
        bool, typer.Option("--show-patients", help="Ids of patients instead of their hashes.")
    ] = False,
    ruleset: RulesetOption = None,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Rebuild every history from the input topics; compare it with the tables and the alerts.

    It only looks, and it may run while workers do. Each alert holds the hash of the patient's alert
    before it: a missing, altered or reordered one is found. What cannot be decided, since events
    were deleted by retention or came through two topics, is said to be so. The settings must be
    those of the workers: partitions, application_id, topic_prefix, ruleset.
    """
    from stream.logs import patient_hash
    from stream.verify.findings import Report, Weight
    from stream.verify.report import as_json as to_json
    from stream.verify.report import show, summary

    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    key = settings.hash_key.get_secret_value().encode()

    def name(patient_id: str) -> str:
        return patient_id if show_patients else patient_hash(patient_id, key)

    def tell(finding: Finding) -> None:
        print(json.dumps(to_json(finding, name), ensure_ascii=False))

    report = Report(tell) if as_json else Report()
    if files:
        _files(files, patient, report)
    else:
        rules = ruleset_from(ruleset if ruleset is not None else settings.ruleset)
        _topics(settings, rules, patient, report)
    if as_json:
        print(json.dumps(summary(report)))
    else:
        from rich.console import Console

        show(report, name, Console())
    wrong, open_ = report.count(Weight.FINDING), report.count(Weight.UNDECIDED)
    if wrong:
        raise CommandError(f"{wrong} findings", FAILED)
    if strict and open_:
        raise CommandError(f"{open_} not decidable (--strict)", FAILED)


def _topics(settings: Settings, rules: Ruleset, patient: str | None, report: Report) -> None:
    from rich.console import Console

    from stream.verify.audit import Audit, Names
    from stream.verify.kafka_topics import KafkaTopics, TopicsUnfitError
    from stream.verify.rebuild import RebuildPolicy
    from stream.worker.partitions import partition_of
    from stream.worker.preflight import changelogs

    full: Callable[[str], str] = settings.topic_prefix.__add__
    only = None if patient is None else patient.encode()
    names = Names(
        (full("vitals"), full("care")),
        full("ticks"),
        full("alerts"),
        *changelogs(settings.application_id),
    )
    policy = RebuildPolicy(
        rules=rules,
        partitions=settings.partitions,
        ticks_topic=names.ticks,
        max_ahead=int(settings.max_ahead_s * 1_000_000),
        max_record_bytes=settings.max_record_bytes,
        only=only,
    )
    numbers = range(settings.partitions)
    if only is not None:
        numbers = range(home := partition_of(only, settings.partitions), home + 1)
    try:
        with (
            reaching(settings) as client,
            KafkaTopics(client, settings.application_id, settings.partitions) as topics,
        ):
            audit = Audit(topics, names, policy, report)
            with Console(stderr=True).status("reading the topics") as status:
                for number in numbers:
                    status.update(f"partition {number} of {settings.partitions}")
                    audit.partition(number)
    except TopicsUnfitError as error:
        raise CommandError(str(error), BROKER) from None
    if only is not None and not report.seen["patients"]:
        raise CommandError(
            f"patient {patient} is neither in the topics nor in the tables of "
            f"{settings.application_id}",
            USAGE,
        )


def _files(files: list[Path], patient: str | None, report: Report) -> None:
    """Chains alone: who wrote the alerts and from what cannot be seen in a file."""
    from stream.verify.chain import Chain, read_link
    from stream.verify.findings import Finding, Kind

    chains: dict[str, Chain] = {}
    name = ", ".join(map(str, files))
    places: list[tuple[str, int]] = []
    for line in records(files):
        link = read_link(line.raw, len(places))
        places.append((line.file, line.number))
        report.seen["alerts"] += 1
        if link is None:
            report.add(Finding(Kind.UNREADABLE, None, line.file, None, (line.number,)))
        elif patient in (None, link.patient_id):
            chains.setdefault(link.patient_id, Chain(whole=False)).take(link)
    if not chains:
        raise CommandError(f"no alert could be read from {name}", FAILED)
    for patient_id, chain in chains.items():
        report.seen["patients"] += 1
        report.seen["repeats"] += chain.repeats
        if chain.unhashed:
            words = f"{chain.unhashed} older alerts"
            report.add(Finding(Kind.CHAIN_ANEW, patient_id, name, detail=words))
        for item in chain.breaks():
            spots = [places[place] for place in item.places]
            file = spots[0][0] if spots else name
            lines = tuple(number for _, number in spots)
            report.add(Finding(item.kind, patient_id, file, None, lines, item.alert_ids))
    report.add(Finding(Kind.FILE_END, None, name))
