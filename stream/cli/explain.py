"""`stormwatch explain`: why an alert was said, or why a patient is graded as they are."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.assess import instant
from stream.cli.exits import FAILED, CommandError
from stream.cli.lines import records
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    RulesetOption,
    SetOption,
    ruleset_from,
    settings_from,
)

if TYPE_CHECKING:
    from stream.engine import Ruleset
    from stream.engine.events import Micros
    from stream.retrace import Retrace

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
    and what would change the grade. With an alert's id: as it stood when the alert was said.
    """
    from stream.engine.explain import explain as explained
    from stream.explanation import lines

    moment = None if at is None else instant(at)
    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    rules = ruleset_from(ruleset if ruleset is not None else settings.ruleset)
    if files:
        traced = _from_files(subject, files, moment, rules)
    else:
        traced = _from_topics(subject, moment, rules, settings)
    state, alert = traced.state, traced.found
    assert state is not None
    answer: dict[str, Any] = {
        "alert": None if alert is None else alert.to_wire(),
        **explained(state, rules, moment if alert is None else None),
    }
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
    else:
        for line in lines(answer):
            print(line)


def _from_files(subject: str, files: list[Path], moment: Micros | None, rules: Ruleset) -> Retrace:
    """The alert of this id, else the patient, in files that are read once."""
    from stream.retrace import Retrace

    raws = [line.raw for line in records(files)]
    names = ", ".join(map(str, files))
    as_patient = Retrace(rules, patient_id=subject, until=moment)
    as_patient.run(raws)
    if as_patient.state is not None:
        return as_patient
    as_alert = Retrace(rules, alert_id=subject)
    as_alert.run(raws)
    if as_alert.found is not None:
        return as_alert
    if not as_alert.states:
        raise CommandError(f"no event could be read from {names}", FAILED)
    raise CommandError(
        f"{subject} is neither a patient nor an alert of {names}: {len(as_alert.states)} patients, "
        f"{as_alert.alerts} alerts with ruleset {rules.name} {rules.version} ({rules.hash}); an "
        "alert of another ruleset or engine has other ids",
        FAILED,
    )


def _from_topics(subject: str, moment: Micros | None, rules: Ruleset, settings: Any) -> Retrace:
    """The patient of the input topics, or the alert of the alerts topic and its patient."""
    from stream.cli.topic_events import alert_record, patient_events
    from stream.retrace import Retrace

    raws = patient_events(settings, subject)
    if raws:
        traced = Retrace(rules, patient_id=subject, until=moment)
        traced.run(raws)
        if traced.state is not None:
            return traced
    said = alert_record(settings, subject)
    if said is None:
        raise CommandError(
            f"{subject} is neither the key of an input event nor the id of an alert that the "
            "topics still hold",
            FAILED,
        )
    if said.get("ruleset") != rules.named():
        print(
            f"said with ruleset {_named(said.get('ruleset'))}, engine "
            f"{said.get('engine_version')}; explained with {_named(rules.named())}",
            file=sys.stderr,
        )
    traced = Retrace(rules, patient_id=str(said["patient_id"]), alert_id=subject)
    traced.run(patient_events(settings, str(said["patient_id"])))
    if traced.found is None:
        raise CommandError(
            f"the events that the topics still hold do not lead to alert {subject}: another "
            "ruleset (--ruleset FILE), events older than the topics keep, or events of one "
            "patient that came through two topics in another order",
            FAILED,
        )
    return traced


def _named(ruleset: Any) -> str:
    if not isinstance(ruleset, dict):
        return "?"
    return f"{ruleset.get('name')} {ruleset.get('version')} ({ruleset.get('hash')})"
