"""`stormwatch explain`: why an alert was said, or why a patient is graded as they are."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.exits import FAILED, USAGE, CommandError
from stream.cli.lines import BadLines, records
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    RulesetOption,
    SetOption,
    micros_from,
    ruleset_from,
    settings_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.cli.topic_events import Held
    from stream.engine import Ruleset
    from stream.engine.events import Micros
    from stream.retrace import Retrace, Ticks

EXAMPLES = (
    "stormwatch explain p-17 ward.jsonl --at 2026-03-01T10:00:00Z",
    "stormwatch explain 22eca9f6-bed7-5122-b6dd-342df8609c86 ward.jsonl --json",
    "stormwatch explain 22eca9f6-bed7-5122-b6dd-342df8609c86",
)


def explain(
    *,
    subject: Annotated[
        str,
        typer.Argument(
            metavar="ALERT_ID|PATIENT", help="An alert's id, or a patient's.", show_default=False
        ),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE…",
            help="Events as JSON lines; - is standard input. Without one: the input topics.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="Of a patient: the moment, RFC 3339 with an offset; else the patient's clock.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    ruleset: RulesetOption = None,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Rebuild a decision from the events, and show all that it rests on.

    Criteria met and not met by every scale, the evidence with its ages, holds and timers that run,
    and what would change the grade. With an alert's id: as it stood when the alert was said. What
    cannot be taken of the events goes to standard error, as FILE:LINE: code: detail.
    """
    from stream.engine.explain import explain as explained
    from stream.explanation import lines

    moment = None if at is None else micros_from("--at", at)
    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    rules = ruleset_from(ruleset if ruleset is not None else settings.ruleset)
    if files:
        traced, alert = _from_files(subject, files, moment, rules)
    else:
        traced, alert = _from_topics(subject, moment, rules, settings)
    state = traced.state
    assert state is not None
    answer: dict[str, Any] = {
        "alert": alert,
        **explained(state, rules, moment if alert is None else None),
    }
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
    else:
        for line in lines(answer):
            print(line)


def _from_files(
    subject: str, files: list[Path], moment: Micros | None, rules: Ruleset
) -> tuple[Retrace, dict[str, Any] | None]:
    """The alert of this id, else the patient, in files that are read once."""
    from stream.retrace import Retrace

    read = list(records(files))
    raws = [line.raw for line in read]

    def tell(traced: Retrace) -> None:
        bad = BadLines()
        for refusal in traced.told():
            bad.report(read[refusal.record], (refusal.rejection,))

    names = ", ".join(map(str, files))
    as_patient = Retrace(rules, patient_id=subject, until=moment)
    as_patient.run(raws)
    if as_patient.state is not None or as_patient.later is not None:
        tell(as_patient)
        return _there(as_patient, subject, moment), None
    as_alert = Retrace(rules, alert_id=subject)
    as_alert.run(raws)
    tell(as_alert)
    if as_alert.found is not None:
        _alert_has_its_time(subject, moment)
        return as_alert, as_alert.found.to_wire()
    if not as_alert.states:
        raise CommandError(f"no event could be read from {names}", FAILED)
    raise CommandError(
        f"{subject} is neither a patient nor an alert of {names}: {len(as_alert.states)} patients, "
        f"{as_alert.alerts} alerts with ruleset {rules.name} {rules.version} ({rules.hash}); an "
        "alert of another ruleset or engine has other ids, and so has one that a worker's clock "
        "(ticks) had a part in: without FILEs the topics are asked, where the times are known",
        FAILED,
    )


def _there(traced: Retrace, subject: str, moment: Micros | None) -> Retrace:
    """The patient's course, which has begun by then; ends the command where it has not."""
    from stream.engine.outputs import rfc3339

    if traced.state is None:
        assert moment is not None
        assert traced.later is not None
        raise CommandError(
            f"no event of patient {subject} had happened and been received by {rfc3339(moment)}: "
            f"the first one counts from {rfc3339(traced.later)} on",
            FAILED,
        )
    return traced


def _alert_has_its_time(subject: str, moment: Micros | None) -> None:
    if moment is not None:
        raise CommandError(
            f"--at is for a patient, and {subject} is an alert: it is explained as it stood when "
            "it was said; leave --at out, or name the patient",
            USAGE,
        )


def _from_topics(
    subject: str, moment: Micros | None, rules: Ruleset, settings: Any
) -> tuple[Retrace, dict[str, Any] | None]:
    """The patient of the input topics, or the alert of the alerts topic and its patient."""
    from stream.cli.topic_events import alert_record, patient_events
    from stream.retrace import Retrace

    held = patient_events(settings, subject)
    if held:
        traced = Retrace(rules, patient_id=subject, until=moment)
        traced.run([record.value for record in held])
        if traced.state is not None or traced.later is not None:
            _tell(traced, held)
            return _there(traced, subject, moment), None
    said = alert_record(settings, subject)
    if said is None:
        raise CommandError(
            f"{subject} is neither the key of an input event nor the id of an alert that the "
            "topics still hold",
            FAILED,
        )
    _alert_has_its_time(subject, moment)
    if said.get("ruleset") != rules.named():
        print(
            f"said with ruleset {_named(said.get('ruleset'))}, engine "
            f"{said.get('engine_version')}; explained with {_named(rules.named())}",
            file=sys.stderr,
        )
    patient_id = str(said["patient_id"])
    traced = _until_said(subject, patient_id, patient_events(settings, patient_id), rules)
    if traced.found is None:
        raise CommandError(
            f"the events that the topics still hold do not lead to alert {subject}: another "
            "ruleset (--ruleset FILE), events older than the topics keep, events of one patient "
            "that came through two topics in another order, or timers that the worker's clock "
            "(ticks) let run at moments which the records' timestamps do not show",
            FAILED,
        )
    return traced, said


def _until_said(alert_id: str, patient_id: str, held: Sequence[Held], rules: Ruleset) -> Retrace:
    """The course up to the alert, if the records lead to it.

    A worker's clock may have let timers run before an event arrived that would have kept them:
    where events alone do not lead to the alert, that clock is told from the records' timestamps.
    """
    from stream.retrace import Retrace

    raws, stamps = [record.value for record in held], [record.timestamp * 1000 for record in held]
    ways: tuple[Ticks, ...] = ("none", "unreceived", "all")
    for ticks in ways:
        traced = Retrace(rules, patient_id=patient_id, alert_id=alert_id, ticks=ticks)
        traced.run(raws, stamps)
        if traced.found is not None:
            break
    _tell(traced, held)
    return traced


def _tell(traced: Retrace, held: Sequence[Held]) -> None:
    """What could not be taken, as TOPIC[PARTITION]@OFFSET: code: detail on standard error."""
    for refusal in traced.told():
        rejection = refusal.rejection
        where = held[refusal.record]
        print(f"{where}: {rejection.code}: {rejection.detail}", file=sys.stderr)


def _named(ruleset: Any) -> str:
    if not isinstance(ruleset, dict):
        return "?"
    return f"{ruleset.get('name')} {ruleset.get('version')} ({ruleset.get('hash')})"
