"""Reminders K1 to K10: cited timers of published guidance, run in event time.

Each is a condition on the fold and the instant from which it is true. One whose condition has ended
before that instant never speaks; one that has spoken is remembered by its key and never speaks
again about the same thing. Texts, citations and numbers: `[timers.*]` of the parameter set;
clinical reference section 6.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from stream.engine.advice import doses_until, hours, next_dose_rows
from stream.engine.announce import Voice
from stream.engine.events import Micros
from stream.engine.fold import NEVER, Dose, Fold, Why
from stream.engine.guidance import SAYS
from stream.engine.native import mypyc_attr
from stream.engine.next_dose import dose_called, product_of, scheduled_question
from stream.engine.ruleset import Ruleset, TimerRule
from stream.engine.signs import outpatient
from stream.engine.state import Published, SaidReminder

_REMINDERS_KEPT: Final = 8
"""Of each timer: more than can come back to life by a late event or a retraction."""


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Case:
    """A patient as they stand, one timer's rule, and the ruleset that it is of."""

    now: Final[Fold]
    rule: Final[TimerRule]
    rules: Final[Ruleset]

    def __init__(
        self,
        now: Fold,
        rule: TimerRule,
        rules: Ruleset,
    ) -> None:
        self.now = now
        self.rule = rule
        self.rules = rules


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Reminder:
    """A timer that runs or has run out: what it is about, when it is due, what it rests on.

    How it is worded is left to `wording`: most are looked at with every event and never said.
    """

    code: Final[str]
    number: Final[int]
    """What it is about: a time, a dose or an episode; said once for each."""
    due: Final[Micros]
    event_ids: Final[tuple[str, ...]]
    detail: Final[str]
    lasting: Final[bool]
    """It is about something that lasts: what was said at `number` or later was about the same."""

    def __init__(
        self,
        code: str,
        number: int,
        due: Micros,
        event_ids: tuple[str, ...] = (),
        detail: str = "",
        lasting: bool = False,
    ) -> None:
        self.code = code
        self.number = number
        self.due = due
        self.event_ids = event_ids
        self.detail = detail
        self.lasting = lasting


@dataclass(frozen=True, slots=True)
class Wording:
    """What a reminder says, where that is published, and how far it was checked."""

    text: str
    citation: str
    status: str


def was_said(item: Reminder, published: Published) -> bool:
    """Whether this was said before.

    Late data and corrections may move when it is due and what it is counted from.
    """
    return any(not said.withdrawn and is_about(said, item) for said in published.reminders)


def is_about(said: SaidReminder, item: Reminder) -> bool:
    """Whether a reminder that was said is about the same as one of now."""
    if said.code != item.code:
        return False
    if item.lasting:
        return said.due >= item.number
    return said.number == item.number or said.due == item.due


def reminders(now: Fold, rules: Ruleset) -> list[Reminder]:
    """Every timer whose condition is met, with when it is due; its rule has to suit the patient.

    Each is asked only where the field is there without which its condition cannot be met: few
    patients have them all.
    """
    found: list[Reminder] = []
    if now.therapy is None or now.ended:
        return found
    if now.temp_qualifies:
        _ask("K1", _fever_for_long, now, rules, found)
    if now.doses:
        _ask("K2", _repeat_interval, now, rules, found)
    if now.first_doses:
        _ask("K3", _not_improved, now, rules, found)
    if now.doses:
        _ask("K4", _most_given, now, rules, found)
    if now.raw:
        _ask("K5", _sign_for_long, now, rules, found)
    if now.fever_again_id:
        _ask("K6", _fever_again, now, rules, found)
    if now.episode:
        _ask("K7", _signs_for_a_week, now, rules, found)
    _ask("K8", _not_checked, now, rules, found)
    if now.dose_question is not None:
        _ask("K9", _dose_near, now, rules, found)
    _ask("K9", _dose_scheduled, now, rules, found)
    if now.first_doses:
        _ask("K10", _label_steroid, now, rules, found)
    return found


def _ask(
    code: str,
    find: Callable[[Case], Reminder | None],
    now: Fold,
    rules: Ruleset,
    found: list[Reminder],
) -> None:
    rule = rules.timers.get(code)
    if rule is None:
        return
    if rule.products and now.product_name not in rule.products:
        return
    if rule.therapy_classes and now.product_class not in rule.therapy_classes:
        return
    item = find(Case(now, rule, rules))
    if item is not None:
        found.append(item)


def next_reminder(
    now: Fold, published: Published, rules: Ruleset
) -> tuple[Micros, Reminder] | None:
    """The first reminder that has not been said, and when it is due."""
    first: Reminder | None = None
    for item in reminders(now, rules):
        if (first is None or item.due < first.due) and not was_said(item, published):
            first = item
    return None if first is None else (first.due, first)


def wording(now: Fold, item: Reminder, rules: Ruleset) -> Wording:
    """The rule's text with what this patient adds to it."""
    rule = rules.timers[item.code]
    parts = [rule.text, item.detail]
    citations, status = [rule.citation], rule.status
    if item.code == "K9":  # what is published on the next dose is the text
        rows = next_dose_rows(now, rules)
        unverified = " (from memory, unverified)"
        parts += [f"{SAYS}{row.text}{unverified * (row.status == 'mem')}" for row in rows]
        citations = [row.citation for row in rows] or citations
        status = "mem" if any(row.status == "mem" for row in rows) else status
    text = " ".join(part for part in parts if part)
    return Wording(text, "; ".join(dict.fromkeys(citations)), status)


def remind(voice: Voice, now: Fold, item: Reminder, due: Micros, emitted: Micros) -> None:
    """Say it once, low in priority: a worklist, not an alarm (clinical reference 7.3)."""
    mine = [said for said in voice.published.reminders if said.code == item.code]
    dropped = mine[: max(0, len(mine) + 1 - _REMINDERS_KEPT)]
    kept = tuple(said for said in voice.published.reminders if said not in dropped)
    said = SaidReminder(item.code, item.number, max(due, item.number) if item.lasting else due)
    before = sum(one.withdrawn and one.due == said.due for one in mine)
    voice.published = replace(voice.published, reminders=(*kept, said))
    words = wording(now, item, voice.context.rules)
    voice.say(
        "reminder",
        effective=due,
        emitted=max(emitted, due),
        priority="low",
        episode=now.episode,
        whys=(Why("REMINDER", item.event_ids, item.code),),
        flags=tuple(sorted(voice.stale_flags())),
        body={
            "timer": item.code,
            "text": words.text,
            "citation": words.citation,
            "status": words.status,
        },
        chain=before or None,
    )


def _grade_since(now: Fold) -> Micros:
    return now.history[-1].time if now.history else NEVER


def _first_dose(now: Fold, agents: tuple[str, ...]) -> Dose | None:
    """The first dose of these agents since the open episode began."""
    if now.episode is None:
        return None
    found = [dose for agent, dose in now.first_doses.items() if agent in agents]
    return min(found, key=lambda dose: dose.time, default=None)


def _last_dose(now: Fold, agent: str) -> Dose | None:
    if not now.doses:
        return None
    return next((d for d in reversed(now.doses) if d.agent == agent), None)


def _fever_for_long(case: Case) -> Reminder | None:
    """K1: grade 1, and fever again and again for three days."""
    now = case.now
    if now.grade != case.rule.grade or not now.temp_qualifies or now.fever_run == NEVER:
        return None
    over = now.fever_run + case.rule.after
    if over - now.fever_at > case.rules.lookback:
        return None
    due = max(over, _grade_since(now), now.fever_at if now.fever_at > over else NEVER)
    ids = tuple(dict.fromkeys((now.fever_run_id, now.fever_id)))
    return Reminder("K1", over, due, ids, lasting=True)


def _repeat_interval(case: Case) -> Reminder | None:
    """K2: the interval since the last tocilizumab is over and the grade is not lower."""
    now = case.now
    dose = _last_dose(now, "tocilizumab")
    if dose is None or dose.time < now.last_closed or now.grade < max(1, dose.grade):
        return None
    if dose.time + case.rule.after < now.onset:
        return None  # a prophylaxis that was over before this episode began
    due = max(dose.time + case.rule.after, _grade_since(now))
    in_day, in_all = doses_until(now, "tocilizumab", due, case.rule.day)
    detail = f"Given in the last {hours(case.rule.day)}: {in_day}; on record: {in_all}."
    same = dose.time + case.rule.after - case.rules.same_dose
    return Reminder("K2", same, due, (dose.event_id,), detail, lasting=True)


def _not_improved(case: Case) -> Reminder | None:
    """K3: a day after the first anti-IL-6 agent, still grade 2."""
    dose = _first_dose(case.now, case.rules.anti_il6_agents)
    grade = case.rule.grade
    if dose is None or case.now.grade != grade or dose.grade > grade:
        return None
    over = dose.time + case.rule.after
    due = max(over, _grade_since(case.now))
    return Reminder("K3", over - case.rules.same_dose, due, (dose.event_id,), lasting=True)


def _most_given(case: Case) -> Reminder | None:
    """K4: as many doses of tocilizumab as published, in a day or in all."""
    dose = _last_dose(case.now, "tocilizumab")
    if dose is None:
        return None
    in_day, in_all = doses_until(case.now, "tocilizumab", dose.time, case.rule.day)
    if in_day < case.rule.most_in_day and in_all < case.rule.most_in_all:
        return None
    detail = (
        f"Given in the last {hours(case.rule.day)}: {in_day} of at most {case.rule.most_in_day}; "
        f"in total: {in_all} of at most {case.rule.most_in_all}."
    )
    ids = tuple(d.event_id for d in case.now.doses if d.agent == "tocilizumab")
    return Reminder("K4", dose.time - case.rules.same_dose, dose.time, ids, detail, lasting=True)


def _sign_for_long(case: Case) -> Reminder | None:
    """K5: a sign of grade 2 for three hours."""
    now = case.now
    if now.support_since is None or now.raw != case.rule.grade:
        return None
    over = now.support_since + case.rule.after
    ids = [*now.low_ids] if now.low_confirmed is not None else []
    ids += [now.device_id, *(run.start_id for run in now.running.values())]
    due = max(over, now.raw_steps[-1][0])
    return Reminder("K5", over, due, tuple(i for i in ids if i), lasting=True)


def _fever_again(case: Case) -> Reminder | None:
    """K6: at home, fever again soon after an antipyretic."""
    now = case.now
    if now.fever_again_at == NEVER or not outpatient(now.fever_again_location, case.rules):
        return None
    return Reminder("K6", now.fever_again_at, now.fever_again_at, (now.fever_again_id,))


def _signs_for_a_week(case: Case) -> Reminder | None:
    """K7: signs of an episode that began more than a week ago."""
    now = case.now
    if now.episode is None or now.sign_since is None:
        return None
    due = max(now.onset + case.rule.after, now.sign_since)
    return Reminder("K7", now.episode, due, (now.onset_id,))


def _not_checked(case: Case) -> Reminder | None:
    """K8: no temperature and no pressure for longer than the check interval."""
    now = case.now
    assert now.therapy is not None
    seen = max(now.temp_seen, now.bp_seen)
    last = max(seen, now.therapy)
    first: Micros | None = last + case.rule.after if now.episode is not None else None
    product = product_of(now, case.rules)
    window = None if product is None else product.window(dose_called(now))
    if window is not None and window.min_check_interval is not None:
        due = last + window.min_check_interval
        if due <= now.therapy + window.end and (first is None or due < first):
            first = due
    if first is None:
        return None
    newest = now.temp_id if now.temp_seen >= now.bp_seen else now.bp_id
    ids = (newest,) if newest else (now.therapy_id,)
    return Reminder("K8", first, first, ids, lasting=True)


def _dose_near(case: Case) -> Reminder | None:
    """K9: a premedication, or the dose itself, after trouble with an earlier dose."""
    asked = case.now.dose_question
    if asked is None or asked.after not in (case.now.therapy, case.now.therapy_before):
        return None
    detail = f"Dose {asked.called}: {asked.why}."
    return Reminder("K9", asked.after, asked.time, (asked.event_id,), detail)


def _dose_scheduled(case: Case) -> Reminder | None:
    """K9: the published schedule brings the next dose near."""
    found = scheduled_question(case.now, case.rules)
    if found is None:
        return None
    due, why = found
    assert case.now.therapy is not None
    detail = f"Dose {dose_called(case.now) + 1}: {why}."
    return Reminder("K9", case.now.therapy, due, (case.now.therapy_id,), detail)


def _label_steroid(case: Case) -> Reminder | None:
    """K10: half a day after the first tocilizumab without improvement, or worse before that."""
    dose = _first_dose(case.now, ("tocilizumab",))
    if dose is None or case.now.grade < max(1, dose.grade):
        return None
    due, since = dose.time + case.rule.after, _grade_since(case.now)
    due = since if case.now.grade > dose.grade and since > dose.time else max(due, since)
    same = dose.time + 1  # once since the first dose, whichever way it came
    return Reminder("K10", same - case.rules.same_dose, due, (dose.event_id,), lasting=True)
