"""HL7 v2 as the router speaks it: ORU^R40 out (IHE PCD-04), ACK and ORA^R41 (PCD-05) read back.

Only what these three need. Everything in a message comes from the alert, no clock and no counter:
sent again, it is the same bytes with the same control id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stream.router.phases import phase, technical
from stream.sentences import reason, what

if TYPE_CHECKING:
    from stream.router.addresses import MllpConfig
    from stream.router.alerts import Alert
    from stream.router.message import Message

_ESCAPES = str.maketrans(
    {
        "\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\",
        "\r": "\\X0D\\", "\n": "\\X0A\\", "\x0b": " ", "\x1c": " ",
    }
)  # fmt: skip
_PRIORITY = {"high": "PH", "medium": "PM", "low": "PL", "information": "PN"}
_INACTIVATION = {
    "escalation.acknowledged": "alert-acknowledged",
    "escalation.shelved": "alarm-paused",
}
MOST_TEXT = 2000
MOST_LINES = 20
MOST_LINE = 300


def control_id(message: Message) -> str:
    """MSH-10: the message's id without its hyphens."""
    return message.message_id.replace("-", "")


def alert_message(message: Message, config: MllpConfig) -> bytes:
    """An ORU^R40 of HL7 2.6 with one order group for each alert, in UTF-8."""
    first = message.alerts[0]
    segments = [
        _segment(
            r"MSH|^~\&",
            _text(config.sending_application),
            _text(config.sending_facility),
            _text(config.receiving_application),
            _text(config.receiving_facility),
            _time(first.place.at),
            "",
            "ORU^R40^ORU_R40",
            control_id(message),
            "P",
            "2.6",
            "",
            "",
            "AL",
            "AL",
            "",
            "UNICODE UTF-8",
            "",
            "",
            config.profile,
        ),
        _segment(
            "PID", "", "", f"{_text(message.patient_id)}^^^{_text(config.assigning_authority)}^PI"
        ),
        _segment("PV1", "", "I", _place(message.location)),
    ]
    for number, alert in enumerate(message.alerts, 1):
        segments += _group(number, alert, config)
    return ("\r".join(segments) + "\r").encode()


def _group(number: int, alert: Alert, config: MllpConfig) -> list[str]:
    """OBR and the facets of one alert as OBX segments."""
    said = _moment(alert.document.get("effective_time")) or alert.place.at
    order = f"{_text(alert.alert_id)}^{_text(config.sending_application)}"
    of = alert.document.get("alert")
    parent = f"^{_text(of)}&{_text(config.sending_application)}" if isinstance(of, str) else ""
    state = "inactive" if phase(alert) == "end" else "active"
    state = {"latched": "latched", "returned": "inactive"}.get(
        str(alert.document.get("state")), state
    )
    kind = "ST" if technical(alert) else "SP"
    rank = _PRIORITY[alert.priority]
    facets = [
        ("196616^MDC_EVT_ALARM^MDC", _text(what(alert.document)), f"{rank}~{kind}"),
        ("68480^MDC_ATTR_ALERT_SOURCE^MDC", _text(alert.type), ""),
        ("68481^MDC_ATTR_EVENT_PHASE^MDC", phase(alert), ""),
        ("68482^MDC_ATTR_ALARM_STATE^MDC", state, ""),
        (
            "68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC",
            _INACTIVATION.get(alert.type, "enabled"),
            "",
        ),
        ("68484^MDC_ATTR_ALARM_PRIORITY^MDC", rank, ""),
        ("68485^MDC_ATTR_ALERT_TYPE^MDC", kind, ""),
    ]
    obr = ["OBR", str(number), order, order, "196616^MDC_EVT_ALARM^MDC", "", "", _time(said)]
    segments = [_segment(*obr, *[""] * 21, parent)]
    segments += [
        _segment(
            "OBX", str(facet), "ST", code, f"{number}.0.0.0.{facet}", value,
            "", "", flags, "", "", "F", "", "", _time(said),
        )
        for facet, (code, value, flags) in enumerate(facets, 1)
    ]  # fmt: skip
    notes = [reason(alert.document)]
    if alert.notify:
        notes.append(f"to be told: {', '.join(alert.notify)}")
    kept = [note for note in notes if note]
    return segments + [_segment("NTE", str(n), "", _text(note)) for n, note in enumerate(kept, 1)]


def _segment(*fields: str) -> str:
    """Fields with bars between them, empty ones at the end left out."""
    return "|".join(fields).rstrip("|")


def _text(value: str) -> str:
    return value[:MOST_TEXT].translate(_ESCAPES)


def _place(location: str | None) -> str:
    """PL of `ward/bed`: point of care and bed."""
    if location is None:
        return ""
    ward, _, bed = location.partition("/")
    return f"{_text(ward)}^^{_text(bed)}".rstrip("^")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f")[:-3] + "+0000"


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: `kind` is ACK or ORA, `about` the control id that it answers."""

    kind: str
    code: str
    about: str
    text: str
    control: str
    separator: str
    lines: tuple[str, ...]

    def status(self) -> dict[str, Any]:
        """For the audit record."""
        kept = [line[:MOST_LINE] for line in self.lines if line[:3] in {"OBX", "PRT", "MSA", "ERR"}]
        return {"kind": "ORA^R41", "code": self.code, "segments": kept[:MOST_LINES]}


def parse_answer(frame: bytes) -> Said | None:
    """What a receiver said; None where it is no HL7."""
    lines = tuple(line for line in frame.decode("utf-8", "replace").splitlines() if line)
    if not lines or not lines[0].startswith("MSH") or len(lines[0]) < 9:
        return None
    separator, component = lines[0][3], lines[0][4]
    header = lines[0].split(separator)
    kind = header[8].split(component)[0] if len(header) > 8 else ""
    msa = next((line.split(separator) for line in lines if line.startswith("MSA")), [])
    code, about, text = (*msa[1:4], "", "", "")[:3]
    err = next((line for line in lines if line.startswith("ERR")), "")
    return Said(
        kind=kind,
        code=code,
        about=about,
        text=(text or err)[:MOST_LINE],
        control=header[9] if len(header) > 9 else "",
        separator=separator,
        lines=lines,
    )


def acknowledge(said: Said) -> bytes:
    """The ACK of a status report."""
    control = said.control.translate(_ESCAPES)
    msh = _segment(
        r"MSH|^~\&", "STORMWATCH", "", "", "", "", "", "ACK^R41^ACK", f"A{control}", "P", "2.6"
    )
    return f"{msh}\rMSA|CA|{control}\r".encode()
