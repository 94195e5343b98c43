"""An explanation (`stream.engine.explain`) as lines that a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.sentences import alert_line, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


def lines(found: Json) -> Iterator[str]:
    """The whole explanation, a chapter after the other; chapters without content are left out."""
    if found.get("alert"):
        yield f"alert {found['alert']['alert_id']}"
        yield f"  {alert_line(found['alert'])}"
    yield from _head(found)
    yield from _criteria(found)
    yield from _scales(found)
    for title, chapter in (
        ("evidence", _evidence(found)),
        ("flags", (f"{flag['code']}: {flag['meaning']}" for flag in found["flags"])),
        ("holds", _holds(found)),
        ("timers", _timers(found)),
        ("alarms", _alarms(found)),
        ("what would change the grade", _changes(found)),
        ("beside the grade", _beside(found)),
    ):
        items = list(chapter)
        if items:
            yield f"{title}:"
            yield from (f"  {item}" for item in items)
    rules = found["ruleset"]
    yield (
        f"ruleset {rules['name']} {rules['version']} ({rules['hash']}), engine "
        f"{found['engine_version']}; clinician judgement required, local policy prevails"
    )


def _head(found: Json) -> Iterator[str]:
    yield f"patient {found['patient_id']} at {found['at']}"
    if found["therapy"] is None:
        yield "  no qualifying therapy is on record: the scale does not apply"
        return
    therapy = found["therapy"]
    dose = "" if therapy["dose_number"] is None else f", dose {therapy['dose_number']}"
    yield f"  under {therapy['product']} ({therapy['therapy_class']}{dose}) since {therapy['time']}"
    since = "" if found["since"] is None else f" since {found['since']}"
    yield f"  grade {found['grade']}{since}, at this moment {found['raw_grade']}"
    if found["candidate_grade"] is not None:
        yield f"  candidate {found['candidate_grade']}: a person should look at the patient"
    episode = found["episode"]
    if episode is not None:
        yield (
            f"  episode {episode['number']} since {episode['onset']}, highest grade "
            f"{episode['highest_grade']}"
        )
    for reason in found["reasons"]:
        yield f"  because: {reason['text']} {_ids(reason['event_ids'])}".rstrip()
    rule = found["fever_rule"]
    yield f"  fever: {rule['text']} {_ids(rule['event_ids'])}".rstrip()


def _ids(event_ids: list[str]) -> str:
    return f"[{', '.join(event_ids)}]" if event_ids else ""


_MARK = {True: "met", False: "not met", None: "not known"}


def _criteria(found: Json) -> Iterator[str]:
    yield "criteria of ASTCT 2019:"
    for row in found["criteria"]:
        yield f"  {_MARK[row['met']]:9} grade {row['grade']}  {row['criterion']}"


def _scales(found: Json) -> Iterator[str]:
    for scale in found["scales"]:
        grade = scale["grade"]
        shown = " or ".join(map(str, grade)) if isinstance(grade, list) else str(grade)
        yield f"{scale['title']}: {shown}"
        for row in scale["rows"]:
            if row["met"] is False:
                continue
            grades = " or ".join(map(str, row["grades"]))
            yield f"  {_MARK[row['met']]:9} grade {grades}  {row['criterion']}"


def _evidence(found: Json) -> Iterator[str]:
    for item in found["evidence"]:
        old = ", too old" if item["stale"] else ""
        event = f" [{item['event_id']}]" if item["event_id"] else ""
        value = f" {item['value']}" if item["value"] else ""
        yield f"{item['what']}{value}, {duration(item['age_s'])} old{old}{event}"


def _holds(found: Json) -> Iterator[str]:
    for hold in found["holds"]:
        if "grade" in hold:
            yield f"grade {hold['grade']} until {hold['until']}: {hold['text']}"
        else:
            band = hold["band"] or "no band"
            yield f"{hold['score']}, change to {band} waits until {hold['until']}: {hold['text']}"


def _timers(found: Json) -> Iterator[str]:
    for timer in found["timers"]:
        when = "said" if timer["said"] else "due"
        unverified = " (unverified)" if timer["status"] == "mem" else ""
        yield f"{timer['timer']} {when} {timer['due']}: {timer['text']}"
        yield f"   {timer['citation']}{unverified}"


def _alarms(found: Json) -> Iterator[str]:
    for alarm in found["alarms"]:
        about = alarm["grade"] or alarm["subject"]
        what = alarm["event"] if about is None else f"{alarm['event']} {about}"
        by = "" if alarm["by"] is None else f" by {alarm['by']}"
        due = "" if alarm["due"] is None else f", next at {alarm['due']}"
        yield (
            f"{what} {alarm['state']}{by}, step {alarm['step']}, since {alarm['since']}{due} "
            f"[{alarm['alert']}]"
        )


def _changes(found: Json) -> Iterator[str]:
    for row in found["would_raise"]:
        yield f"up to {row['to_grade']}: {row['criterion']}"
    for change in found["if_nothing_is_charted"]:
        yield f"to {change['grade']} at {change['time']}, if nothing else is charted"


def _beside(found: Json) -> Iterator[str]:
    if found["icans"] is not None:
        yield f"ICANS {found['icans']}"
    screen = found["iec_hs"]
    if screen is not None:
        word = {True: "positive", False: "negative", None: "cannot be judged"}[screen["positive"]]
        met = ", ".join(item["name"] for item in screen["criteria"])
        yield f"IEC-HS screen {word}" + (f" ({met})" if met else "")
    for name, score in found["scores"].items():
        if name == "nee":
            missing = f"; missing: {', '.join(score['missing'])}" if score["missing"] else ""
            yield f"norepinephrine equivalent {score['at_least']:g} {score['unit']}{missing}"
            continue
        if score["value"] is None and not score["at_least"] and not score["band"]:
            continue
        old = score["too_old"]
        missing = ", ".join(f"{x} (too old)" if x in old else x for x in score["missing"])
        yield f"{name} {_score(score)}" + (f"; missing: {missing}" if missing else "")
    for prompt in found["prompts"]:
        yield prompt["text"]
    window = found["risk_window"]
    if window is not None:
        yield (
            f"risk window of {window['product']}: {window['phase'].replace('_', ' ')}, until "
            f"{window['end']}"
        )


def _score(score: Json) -> str:
    band = f" ({score['band']})" if score["band"] else ""
    if score["value"] is not None:
        return f"{score['value']:g}{band}"
    if score["at_least"] is None:
        return "not known"
    return f"{score['at_least']:g} to {score['at_most']:g}{band}"
