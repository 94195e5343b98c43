"""Output events as lines that people read: used by `tail` and by the demo."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
SPOKEN = ("reminder", "risk.changed", "iec_hs.changed", "escalation.")


def alert_line(alert: Json) -> str:
    """One alert in one line: when, who, how urgent, what, and why."""
    late = alert.get("late_by_s") or 0
    parts = [
        str(alert.get("effective_time", "?")).replace("T", " "),
        str(alert.get("patient_id", "?")),
        str(alert.get("priority", "?")),
        what(alert),
    ]
    flags = alert.get("flags") or []
    # what a score or a reminder is about is said already
    why = "" if str(alert.get("type")).startswith(SPOKEN) else reason(alert)
    line = "  ".join(parts) + (f": {why}" if why else "")
    if flags:
        line += f" [{' '.join(flags)}]"
    return line + (f" (said {duration(late)} later)" if late >= 60 else "")


def what(alert: Json) -> str:
    """What an alert says, without when, who and why."""
    kind = str(alert.get("type", "?"))
    match kind:
        case "grade.changed":
            return f"grade {alert.get('from_grade')} -> {alert.get('to_grade')}"
        case "grade.revised":
            spans = ", ".join(_span(span) for span in alert.get("history") or [])
            text = f"grade revised, now {alert.get('to_grade')}"
            return text + (f" (history: {spans})" if spans else "")
        case "candidate.raised" | "candidate.closed":
            verb = kind.partition(".")[2]
            return f"candidate {alert.get('candidate_grade')} {verb} ({alert.get('why')})"
        case "icans.changed":
            return f"ICANS {alert.get('from_grade')} -> {alert.get('to_grade')}"
        case "reminder":
            return f"reminder {alert.get('timer')}: {alert.get('text')}"
        case "signal.lost":
            return f"{alert.get('signal')} lost, last seen {alert.get('last_seen')}"
        case "signal.restored":
            return f"{alert.get('signal')} is back"
        case "risk.changed":
            band = alert.get("band") or "no band"
            before = alert.get("from_value")
            since = "" if before is None else f"{_number(before)} -> "
            return f"{alert.get('score')} {since}{_number(alert.get('to_value'))} ({band})"
        case "iec_hs.changed":
            word = "positive" if alert.get("positive") else "negative"
            return (
                f"IEC-HS screen {word} ({', '.join(alert.get('criteria') or []) or 'no criterion'})"
            )
        case _ if kind.startswith("escalation."):
            return _escalation(kind.partition(".")[2], alert)
        case _:
            return kind


def _escalation(what: str, alert: Json) -> str:
    """Of an alarm: what it is about, what happened, who is asked, until when."""
    if what == "summarised":
        end = "over" if alert.get("over") else f"until {alert.get('until')}"
        return f"alarm flood {end}: {alert.get('count')} held back"
    about = f"{alert.get('event') or 'alarm'} {alert.get('grade') or alert.get('subject') or ''}"
    parts = [f"alarm {about.strip()} {what}"]
    if alert.get("notify"):
        parts.append(f"step {alert.get('step')}: {', '.join(alert['notify'])}")
    if alert.get("respond_by"):
        parts.append(f"answer by {alert['respond_by']}")
    if alert.get("by"):
        parts.append(f"by {alert['by']}")
    if alert.get("until"):
        parts.append(f"until {alert['until']}")
    if alert.get("why"):
        parts.append(str(alert["why"]))
    return ", ".join(parts)


def reason(alert: Json) -> str:
    """The first reason's sentence, and how many more there are."""
    texts = [str(item.get("text", "")) for item in alert.get("reasons") or []]
    if not texts:
        return ""
    more = f" (+{len(texts) - 1})" if len(texts) > 1 else ""
    return texts[0].rstrip(".") + more


def status_line(status: Json) -> str:
    """The newest state of one patient in one line."""
    flags = " ".join(status.get("flags") or [])
    candidate = status.get("candidate_grade")
    return "  ".join(
        part
        for part in (
            str(status.get("at", "?")).replace("T", " "),
            str(status.get("patient_id", "?")),
            f"grade {status.get('grade')}",
            f"candidate {candidate}" if candidate else "",
            f"episode {status.get('episode')}" if status.get("episode") else "",
            f"[{flags}]" if flags else "",
        )
        if part
    )


def deadletter_line(letter: Json) -> str:
    """One dead letter in one line: where it lay, why, and what to do."""
    place = f"{letter.get('topic')}/{letter.get('partition')}/{letter.get('offset')}"
    advice = f" - {letter['advice']}" if letter.get("advice") else ""
    return f"{place}  {letter.get('reason')}: {letter.get('detail')}{advice}"


def audit_line(line: Json) -> str:
    """One record of what the router did: when, by which route, what became of it."""
    answer = line.get("answer") or line.get("status") or {}
    said = f"{answer.get('code', '')} {answer.get('text', '')}".strip()
    about = ", ".join(line.get("alert_ids") or [str(line.get("message_id"))])
    number = f" (attempt {line['attempt']})" if line.get("attempt", 1) != 1 else ""
    by = f" by {line['by']}" if line.get("by") else ""
    what_ = str(line.get("type", "?")).removeprefix("delivery.")
    parts = (str(line.get("at", "?")).replace("T", " "), str(line.get("route", "?")))
    to = f"route {line['otherwise']}" if line.get("otherwise") else line.get("to")
    text = f"{'  '.join(parts)}  {what_}{by}{number}  {about} -> {to}"
    return text + (f": {said}" if said else "")


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`."""
    minutes = int(seconds) // 60
    if seconds < 60:
        return f"{int(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "unknown"


def _span(span: Json) -> str:
    return f"{span.get('grade')} from {span.get('from')} until {span.get('until') or 'now'}"
