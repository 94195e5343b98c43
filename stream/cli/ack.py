"""`stormwatch ack`: a person's answer to an alert, and what became of it."""

# ruff: noqa: PLC0415 - what is slow to import waits until its command runs

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stream.cli.brokers import reaching
from stream.cli.exits import BROKER, FAILED, USAGE, CommandError
from stream.cli.options import (
    BootstrapOption,
    ConfigOption,
    PrefixOption,
    SetOption,
    settings_from,
)

if TYPE_CHECKING:
    from stream.settings import Settings

_OF = "stormwatch ack 22eca9f6-bed7-5122-b6dd-342df8609c86 --by nurse-12"
EXAMPLES = (
    f"{_OF} --reason 'at the bedside'",
    f"{_OF} --reason scanner --shelve-until 2026-03-03T10:00:00Z",
    f"{_OF} --unshelve",
)
Json = dict[str, Any]


def ack(
    *,
    alert_id: Annotated[
        str,
        typer.Argument(
            metavar="ALERT_ID", help="The alert, or any step of its ladder.", show_default=False
        ),
    ],
    by: Annotated[
        str,
        typer.Option("--by", metavar="WHO", help="A pseudonym or a role.", show_default=False),
    ],
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Why, in words.", show_default=False),
    ] = None,
    shelve_until: Annotated[
        str | None,
        typer.Option(
            "--shelve-until",
            metavar="TIME",
            help="Put the alarm aside until then; needs a reason. Never grade 4.",
            show_default=False,
        ),
    ] = None,
    unshelve: Annotated[
        bool, typer.Option("--unshelve", help="Take the alarm off the shelf.")
    ] = False,
    patient: Annotated[
        str | None,
        typer.Option(
            "--patient",
            metavar="ID",
            help="Whose alert it is; else it is looked up in the alerts topic.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it was; else now.", show_default=False),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0, help="Wait so long for what becomes of it."
        ),
    ] = 10.0,
    config_file: ConfigOption = None,
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = None,
    assign: SetOption = None,
) -> None:
    """Answer an alert: its ladder ends, the alarm stays until its cause has gone.

    The answer goes to the topic `care`. Whether it was taken is printed: status 1 where the worker
    sets it aside, with the reason. An answer that changes nothing, as when somebody has answered
    before, is told as such.
    """
    settings = settings_from(
        config_file, assign, bootstrap_servers=bootstrap, topic_prefix=topic_prefix
    )
    if shelve_until is not None and unshelve:
        raise CommandError("--shelve-until and --unshelve: one of them", USAGE)
    if shelve_until is not None and not (reason or "").strip():
        raise CommandError("--shelve-until needs a --reason: why nobody shall be asked", USAGE)
    if patient is None:
        alert_id, patient = _looked_up(settings, alert_id)
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    action = "unshelve" if unshelve else "acknowledge" if shelve_until is None else "shelve"
    event = {
        "type": "acknowledgement",
        "event_id": f"ack-{uuid.uuid4()}",
        "patient_id": patient,
        "time": at or now,
        "received_at": at or now,
        "source": "stormwatch ack",
        "alert_id": alert_id,
        "by": by,
        "action": action,
    }
    event |= {"until": shelve_until} if shelve_until is not None else {}
    event |= {"reason": reason} if reason is not None else {}
    value = json.dumps(event, ensure_ascii=False).encode()
    _check(value)
    answer = _sent(settings, event, value, wait)
    if answer is None:
        print(f"sent as {event['event_id']}" + (_unsaid(settings, event) if wait else ""))
    elif answer["type"] == "deadletter":
        raise CommandError(f"not taken: {answer['reason']}: {answer['detail']}", FAILED)
    else:
        from stream.sentences import alert_line

        print(alert_line(answer))


def _looked_up(settings: Settings, alert_id: str) -> tuple[str, str]:
    """The alert that raised the alarm, and its patient."""
    from stream.cli.topic_events import alert_record

    found = alert_record(settings, alert_id)
    if found is None:
        raise CommandError(
            f"no alert {alert_id!r} is on the alerts topic: check the id, or name the patient "
            "with --patient where the topic has dropped it",
            FAILED,
        )
    return str(found.get("alert") or alert_id), str(found["patient_id"])


def _unsaid(settings: Settings, event: Json) -> str:
    """Why no worker says anything to an answer, as far as the alerts topic tells."""
    from stream.cli.topic_events import alert_values, standing_answer

    if event["action"] == "acknowledge":
        return whose(standing_answer(alert_values(settings), event["alert_id"]), event)
    return whose(None, event)


def whose(answer: Json | None, event: Json) -> str:
    """What the answer that holds, if any, makes of one just sent; it may be that one itself."""
    if answer is None:
        return "; nothing came of it yet"
    if _rests_on(answer, event["event_id"]):
        return f"; it was taken: {answer['by']} answered at {answer['effective_time']}"
    return f"; it changes nothing: {answer['by']} answered at {answer['effective_time']}"


def _rests_on(record: Json, event_id: str) -> bool:
    return any(event_id in why["event_ids"] for why in record.get("reasons", ()))


def _check(value: bytes) -> None:
    """Ends the command where the contract does not allow the event."""
    from pydantic import ValidationError

    from schemas.events import AcknowledgementEvent

    try:
        AcknowledgementEvent.model_validate_json(value)
    except ValidationError as error:
        told = "".join(
            f"\n  {'.'.join(map(str, item['loc']))} = {item['input']!r}: {item['msg']}"
            for item in error.errors()
        )
        raise CommandError(f"this answer cannot be sent:{told}", USAGE) from None


def _sent(settings: Settings, event: Json, value: bytes, wait: float) -> Json | None:
    """Send it; what a worker says to it within `wait` seconds, None where nothing is said."""
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.partitioner import DefaultPartitioner

    names = [settings.topic_prefix + name for name in ("alerts", "deadletter")]
    with reaching(settings) as arguments:
        consumer = KafkaConsumer(
            group_id=None, enable_auto_commit=False, allow_auto_create_topics=False, **arguments
        )
        producer = KafkaProducer(
            acks="all", allow_auto_create_topics=False, partitioner=DefaultPartitioner(),
            **arguments,
        )  # fmt: skip
        try:
            parts = [
                TopicPartition(name, number)
                for name in names
                for number in consumer.partitions_for_topic(name) or ()
            ]
            consumer.assign(parts)
            consumer.seek_to_end(*parts)
            for part in parts:  # the seek is lazy: what comes before the first poll would be missed
                consumer.position(part)
            topic = settings.topic_prefix + "care"
            if not producer.partitions_for(topic):
                raise CommandError(f"there is no topic {topic}", BROKER)
            producer.send(topic, value, key=event["patient_id"].encode()).get(timeout=30)
            return _answered(consumer, event["event_id"], wait)
        finally:
            producer.close()
            consumer.close()


def _answered(consumer: Any, event_id: str, wait: float) -> Json | None:
    """The first record that rests on the event, or sets it aside."""
    from time import monotonic

    end = monotonic() + wait
    while (left := end - monotonic()) > 0:
        for records in consumer.poll(timeout_ms=int(min(0.5, left) * 1000)).values():
            for record in records:
                if record.value is None or event_id.encode() not in record.value:
                    continue
                found: Json = json.loads(record.value)
                if found.get("event_id") == event_id or _rests_on(found, event_id):
                    return found
    return None
