"""Dead letters: what could not be taken, whole, with a coded reason a person can act on."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field

from schemas.wire import LenientModel, Time


class ReasonCode(StrEnum):
    """Why something was set aside; `ReasonCode(code).advice` says what to do about it."""

    advice: str  # one English sentence

    def __new__(cls, code: str, advice: str) -> Self:
        """Keep the advice beside the code."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.advice = advice
        return member

    # The record is not an event at all.
    EMPTY = "empty", "The record has no content; find out which program sent it."
    TOMBSTONE = (
        "tombstone",
        "A null value deletes nothing here; send a retraction to take an event back.",
    )
    TOO_LARGE = (
        "too_large",
        "The record is larger than any event can be; send one JSON object per record.",
    )
    NOT_UTF8 = "not_utf8", "Encode the record as UTF-8."
    NOT_JSON = "not_json", "Send one valid JSON object per record (RFC 8259)."
    TOO_DEEP = "too_deep", "Send the flat objects of the contract; nothing in it nests deeply."
    NOT_AN_OBJECT = "not_an_object", "Send a JSON object; send the events of a list one by one."

    # The event does not have the contract's shape.
    UNKNOWN_TYPE = "unknown_type", "Use one of the event types of the contract, in lower case."
    UNKNOWN_FIELD = (
        "unknown_field",
        "Remove or rename the field; unknown fields are refused so that no typing error hides.",
    )
    MISSING_FIELD = "missing_field", "Send the field; the contract requires it for this type."
    WRONG_TYPE = (
        "wrong_type",
        "Send the JSON type that the contract names: numbers without quotes, texts with them.",
    )
    INVALID_VALUE = "invalid_value", "Send a value within what the contract allows for the field."
    NOT_FINITE = (
        "not_finite",
        "Leave the value out when there is none; NaN and infinity are not JSON.",
    )
    TOO_MANY_READINGS = (
        "too_many_readings",
        "Split the readings into events of at most 16 readings.",
    )
    TOO_MANY_ITEMS = "too_many_items", "Shorten the list to what the contract allows."
    TICK_NOT_ACCEPTED = (
        "tick_not_accepted",
        "Do not send ticks: the workers make their own; only files may hold them.",
    )

    # Words that are not in the vocabulary.
    UNKNOWN_SIGNAL = "unknown_signal", "Map the signal to one of the contract's at the gateway."
    UNKNOWN_UNIT = "unknown_unit", "Send the UCUM unit that the contract names; none is guessed."
    UNIT_MISSING = "unit_missing", "Send the unit with every value; none is guessed."
    UNIT_MISMATCH = (
        "unit_mismatch",
        "The unit belongs to another signal; check the mapping of code and unit at the gateway.",
    )
    UNKNOWN_DEVICE = "unknown_device", "Map the oxygen device to one of the contract's."
    UNKNOWN_AGENT = (
        "unknown_agent",
        "Map the drug to an infusion agent of the contract, or send it as a medication.",
    )

    # Times.
    TIME_WITHOUT_OFFSET = (
        "time_without_offset",
        "Send times with their offset from UTC, such as 2026-03-01T10:00:00Z.",
    )
    TIME_OUT_OF_RANGE = "time_out_of_range", "Correct the clock of the source: years 1900 to 2999."
    TIME_IN_FUTURE = (
        "time_in_future",
        "Correct the clock or the time zone of the source; then send the event again.",
    )
    TOO_LATE = (
        "too_late",
        "The event is older than what may still be revised; enter it by hand where it matters.",
    )

    # Identity.
    KEY_MISMATCH = "key_mismatch", "Use the event's patient_id, in UTF-8, as the key of the record."
    ID_CONFLICT = (
        "id_conflict",
        "This event_id was used before for something else; give every event an id of its own.",
    )
    UNKNOWN_TARGET = (
        "unknown_target",
        "The event to replace or retract was never seen here; check its event_id.",
    )
    WRONG_PARTITION = (
        "wrong_partition",
        "Give all keyed topics the same number of partitions and use Kafka's default partitioner.",
    )

    # What was measured or charted cannot be.
    IMPLAUSIBLE_VALUE = (
        "implausible_value",
        "No patient can have this value; look at the sensor and at the unit that was sent.",
    )
    IMPLAUSIBLE_DOSE = (
        "implausible_dose",
        "No patient is given this dose; check the unit. The drug itself still counts as running.",
    )
    QUALITY_BAD = "quality_bad", "The source itself called the value bad; look at the sensor."

    # Answers to alarms.
    UNKNOWN_ALERT = (
        "unknown_alert",
        "Check alert_id and patient_id; an answer that came before its alert counts all the same.",
    )
    ALARM_CLOSED = (
        "alarm_closed",
        "The answer came too late to be needed; look at the patient's newest alerts.",
    )
    NOT_SHELVABLE = ("not_shelvable", "Acknowledge the alarm; such a one cannot be shelved.")
    NOT_SHELVED = ("not_shelved", "Nothing is to be done: the alarm is not shelved.")
    SHELF_INVALID = (
        "shelf_invalid",
        "Send a reason, and an end (until) that is ahead and within what the ladders allow.",
    )

    RECORD_FULL = (
        "record_full",
        "The patient's record holds no more of this kind; withdraw what no longer applies.",
    )
    FLOOD = (
        "flood",
        "Mend the source first; the records listed are still in their topic, until it drops them.",
    )
    INTERNAL = "internal", "A fault of this program, not of the data; report it with the record."


class Suppressed(LenientModel):
    """What was set aside without a letter of its own: each record lies in its topic still."""

    reasons: dict[str, Annotated[int, Field(ge=1)]]
    """How many records, or single readings of them, for each reason."""
    first_offset: Annotated[int, Field(ge=0)]
    """Offset of the first of them in the letter's topic and partition."""
    last_offset: Annotated[int, Field(ge=0)]
    """Offset of the last of them."""
    offsets: list[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]]
    """First and last offset of each unbroken run of them, in order."""


class DeadLetter(LenientModel):
    """A record, or one reading of it, that was set aside; nothing of the original is lost."""

    type: Literal["deadletter"]
    """Which record this is."""
    reason: ReasonCode
    """Why, as a code."""
    detail: Annotated[str, Field(max_length=2000)]
    """Which field, which value, and what was expected."""
    advice: Annotated[str, Field(max_length=1000)]
    """What to do about it."""
    topic: str | None
    """Where it came from; null for a file."""
    partition: Annotated[int, Field(ge=0)] | None
    """Partition of the topic; null for a file."""
    offset: Annotated[int, Field(ge=0)] | None
    """Offset in the partition; the line number in a file, from 1."""
    key_base64: str | None
    """The record's key, in base64; null where there was none."""
    value_base64: str | None
    """The original bytes, in base64; cut short only where the record would grow too large."""
    value_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    """SHA-256 of the whole original value; null where there was none."""
    value_size: Annotated[int, Field(ge=0)]
    """Size of the whole original value in bytes."""
    event_id: str | None
    """The event's id, where one could be read."""
    received_at: Time
    """When the program that set it aside saw it, by its wall clock."""
    worker: str | None
    """Which program set it aside."""
    suppressed: Suppressed | None = None
    """Of the reason `flood` only: what this one letter stands for."""
