"""The timed automaton: facts in order of event time, and the timers between them.

Raw grade, candidates, hold, episode and resolution: clinical reference sections 1.1 (pseudocode),
1.2, 7.2 and 8.0 (parameter set P0), rules R3-R5, R17, R21, R24.
"""

from __future__ import annotations

from dataclasses import replace

from stream.engine import axes as axis
from stream.engine.axes import Axes
from stream.engine.context import Context
from stream.engine.events import Micros
from stream.engine.fold import NEVER, Candidate, Change, Fold, Why
from stream.engine.pressor_dose import next_dose_timer
from stream.engine.risks import judge, next_risk
from stream.engine.scales import NONE, answers, held_answers, step_scales
from stream.engine.signs import signs_of


def advance(fold: Fold, until: Micros, context: Context, *, inclusive: bool) -> None:
    """Let the timers run that are due before `until` (or at it)."""
    while (due := next_timer(fold, context)) is not None:
        if due > until or (due == until and not inclusive):
            return
        evaluate(fold, due, context, settle=True)


def next_timer(fold: Fold, context: Context) -> Micros | None:
    """The next instant at which the fold changes by itself: after `fold.time`, or at it unsettled.

    A timer due at an instant runs after every fact of that instant: a grade that has been lower for
    exactly an hour does not fall if oxygen is charted in that very minute (timeline T01, 56:00).
    """
    rules, now = context.rules, fold.time
    if fold.therapy is None or fold.outcome == "death":
        return None
    dues: list[Micros] = []
    if len(fold.running) >= 2:
        dues += [run.since + rules.overlap for run in fold.running.values()]
    steps = fold.raw_steps
    if len(steps) > 1:
        dues += [steps[i + 1][0] + rules.down for i in range(len(steps) - 1)]
    if fold.quiet_since is not None:
        closes = fold.quiet_since + rules.quiet
        dues.append(max(now, closes) if _fresh(fold, now, context) else closes)
    if fold.push_at > NEVER:
        dues.append(fold.push_at + rules.push_dose)
    if fold.iv_therapy_at > NEVER:
        dues.append(fold.iv_therapy_at + rules.treatment_counts)
    if fold.clotting_at > NEVER:
        dues.append(fold.clotting_at + rules.treatment_counts)
    if fold.pressor_since > NEVER:
        floor = context.attributed_until("vasopressor", now)
        dues += next_dose_timer(fold, rules, floor)
    if (risk := next_risk(fold)) is not None:
        dues.append(risk)
    boundary = context.boundary_after(now)
    if boundary is not None:
        dues.append(boundary)
    first = now + 1 if fold.settled else now
    soonest: Micros | None = None
    for due in dues:
        if due >= first and (soonest is None or due < soonest):
            soonest = due
    return soonest


def evaluate(fold: Fold, time: Micros, context: Context, *, settle: bool) -> None:
    """Conclude from everything known at `time`: raw grade, candidate, episode, emitted grade.

    `settle`: the timers due at `time` run too (see `next_timer`).
    """
    fold.time, fold.settled = time, settle
    if fold.therapy is None:
        return
    if fold.outcome == "death":
        _after_death(fold, time, context)
        return
    ran = time if settle else time - 1  # what is due now has run out only once the instant is over
    measured = axis.measure(fold, time, context, ran)
    if fold.episode is None and measured.fever:
        _open(fold, context)
    raw, lapsed = _raw(fold, time, context, measured)
    _step_raw(fold, time, raw, ran - context.rules.down, context.rules.grades["fever"])
    _step_scales(fold, time, context, measured, ran)
    judge(fold, time, ran, context.rules)
    _candidate(fold, time, context, measured, lapsed=lapsed)
    closing = _quiet(fold, time, context, settle=settle)
    grade = 0
    if fold.episode is not None and not closing:
        fold.episode_max = max(fold.episode_max, raw)
        fold.worst = max(fold.worst, fold.episode_max)
        lowest = context.rules.grades["fever"]  # while the episode is open
        grade = max(lowest, *(step[1] for step in fold.raw_steps))
    if grade != fold.grade:
        _change(fold, time, grade, context, measured, closing=closing)
    if fold.doses and fold.doses[-1].time == time:
        _grade_doses(fold, time)
    if closing:
        fold.closed_max = fold.episode_max
        fold.episode, fold.waived_at, fold.quiet_since = None, None, None
        fold.support_ok, fold.late_onset, fold.episode_max = False, False, 0
        fold.last_closed, fold.raw_steps = time, ((time, 0),)
        fold.scale_steps, fold.first_doses = (), {}
        _step_scales(fold, time, context, measured, ran)


def _grade_doses(fold: Fold, time: Micros) -> None:
    """A dose counts with the grade of its own instant, which is known only now."""
    graded = tuple(
        replace(dose, grade=fold.grade) if dose.time == time else dose for dose in fold.doses
    )
    firsts = {
        agent: replace(dose, grade=fold.grade) if dose.time == time else dose
        for agent, dose in fold.first_doses.items()
    }
    fold.doses, fold.first_doses = graded, firsts


def _step_scales(fold: Fold, time: Micros, context: Context, measured: Axes, ran: Micros) -> None:
    """The other scales judge the same signs, each by its own wording (contract 11)."""
    rules = context.rules
    signs = signs_of(fold, time, context, measured, ran)
    adult = rules.is_adult(fold.age_years)
    found = answers(rules.scales, signs, fold.product_name, adult)
    step_scales(fold, time, found, ran - rules.down)


def _open(fold: Fold, context: Context) -> None:
    """The first qualifying fever opens an episode (A6); later than the window it is flagged."""
    fold.episodes += 1
    fold.episode, fold.onset, fold.onset_id = fold.episodes, fold.temp_at, fold.temp_id
    assert fold.therapy is not None
    rules = context.rules
    product = rules.products.find(fold.product, fold.therapy_class)
    late = rules.late_onset if product is None else product.late_onset
    fold.late_onset = fold.onset - fold.therapy > late
    fold.episode_max, fold.quiet_since = 0, None
    # drugs of the very instant of the onset were taken in before it
    since = [dose for dose in fold.doses if dose.time >= fold.onset]
    fold.first_doses = {dose.agent: dose for dose in reversed(since)}
    if fold.masked_at >= fold.onset:
        fold.waived_at, fold.waived_id = fold.masked_at, fold.masked_id


def _raw(fold: Fold, time: Micros, context: Context, measured: Axes) -> tuple[int, bool]:
    """(raw grade, whether support is there but the fever that it needs has lapsed)."""
    support = measured.support
    if fold.episode is None:
        fold.support_ok = False
        return 0, False
    recent = fold.fever_at >= fold.onset and time - fold.fever_at <= context.rules.lookback
    fever_ok = fold.waived_at is not None or recent or measured.fever
    if support > 0:
        fold.support_ok = fever_ok or fold.support_ok
        return (support, False) if fold.support_ok else (0, True)
    fold.support_ok = False
    return (context.rules.grades["fever"] if measured.fever else 0), False


def _step_raw(fold: Fold, time: Micros, raw: int, held_from: Micros, fever: int) -> None:
    steps = fold.raw_steps
    if not steps or steps[-1][1] != raw:
        if steps and steps[-1][0] == time:
            steps = steps[:-1]
        if not steps or steps[-1][1] != raw:
            steps = (*steps, (time, raw))
    first = 0
    while first + 1 < len(steps) and steps[first + 1][0] <= held_from:
        first += 1
    fold.raw_steps, fold.raw = steps[first:], raw
    if raw == 0:
        fold.sign_since = fold.support_since = None
        return
    if fold.sign_since is None:
        fold.sign_since = time
    if raw <= fever:
        fold.support_since = None
    elif fold.support_since is None:
        fold.support_since = time


def _candidate(fold: Fold, time: Micros, context: Context, measured: Axes, *, lapsed: bool) -> None:
    """Raise, raise higher, or close the candidate (R5, R8, R12; contract 6)."""
    grade, why, codes = _offered(fold, time, context, measured, lapsed=lapsed)
    raw = fold.raw or 0
    held = fold.candidate
    if held is not None:
        if grade <= raw:
            how = "confirmed" if raw >= held.level else "ended"
            held = replace(held, end=time, how=how)
        elif grade > held.level:
            held = replace(held, end=time, how="raised")
        elif grade < held.level:
            held = replace(held, level=grade)
        fold.candidates = (*fold.candidates[:-1], held)
        if held.how != "raised":
            return
    if grade <= raw:
        return
    raised = Candidate(
        start=time,
        grade=grade,
        level=grade,
        why=why,
        flags=tuple(sorted(axis.flags(fold, time, context, measured) | codes)),
        whys=(Why(why.upper()), *axis.whys(fold, time, context, measured)),
        mean_bp=fold.bp_mean,
        episode=fold.episode,
    )
    fold.candidates = (*fold.candidates, raised)


def _offered(
    fold: Fold, time: Micros, context: Context, measured: Axes, *, lapsed: bool
) -> tuple[int, str, set[str]]:
    """The grade that the patient would have if what is missing were there, why, and the flags."""
    grade, why = 0, ""  # of equal ones the first
    codes: set[str] = set()
    grades = context.rules.grades
    if fold.episode is None and measured.support > 0:
        grade = measured.support
        why = "masked_onset" if axis.masked(fold, context) else "no_fever_onset"
        codes.add(why.upper())
    if lapsed:
        if measured.support > grade:
            grade, why = measured.support, "fever_lapsed"
        codes.add("FEVER_LAPSED")
    if axis.push_dose_active(fold, time, context) and grades["push_dose_candidate"] > grade:
        grade, why = grades["push_dose_candidate"], "push_dose"
    if axis.relative_active(fold, time, context):
        relative = grades["relative_hypotension_candidate"]
        if relative > grade:
            grade, why = relative, "relative_hypotension"
    return grade, why, codes


def _fresh(fold: Fold, time: Micros, context: Context) -> bool:
    """Temperature and pressure are fresh enough to close an episode (contract 8)."""
    rules = context.rules
    return time - fold.temp_seen < rules.temp_stale and time - fold.bp_seen < rules.bp_stale


def _quiet(fold: Fold, time: Micros, context: Context, *, settle: bool) -> bool:
    """Whether the episode closes now: raw 0 and no candidate long enough, and fresh T and BP."""
    rules = context.rules
    if fold.episode is None or fold.raw or fold.candidate is not None:
        fold.quiet_since = None
        return False
    if fold.quiet_since is None:
        fold.quiet_since = time
    return settle and time - fold.quiet_since >= rules.quiet and _fresh(fold, time, context)


def _change(
    fold: Fold, time: Micros, grade: int, context: Context, measured: Axes, *, closing: bool
) -> None:
    whys = axis.whys(fold, time, context, measured)
    if closing:
        whys = (Why("QUIET"), *whys)
    elif grade > (fold.raw or 0):
        held = any(step[1] >= grade for step in fold.raw_steps[:-1])
        whys = (Why("HELD" if held else "EPISODE_OPEN"), *whys)
    assert fold.episode is not None
    scales = held_answers(fold, time, context.rules.down)
    if closing:
        scales = tuple((name, NONE) for name, _ in scales)
    change = Change(
        time=time,
        grade=grade,
        raw=fold.raw or 0,
        episode=fold.episode,
        episode_max=fold.episode_max,
        flags=tuple(sorted(all_flags(fold, time, context, measured))),
        whys=whys,
        mean_bp=fold.bp_mean,
        scales=scales,
        product=fold.product,
        therapy_class=fold.therapy_class,
    )
    fold.grade, fold.history = grade, (*fold.history, change)


def _after_death(fold: Fold, time: Micros, context: Context) -> None:
    """Grade 5 only where a clinician names CRS as the cause (A10, R21); then nothing changes."""
    held = fold.candidate
    if held is not None:
        fold.candidates = (*fold.candidates[:-1], replace(held, end=time, how="ended"))
    fold.quiet_since = None
    # nothing falls any more: what the other scales' hold sees now stays
    fold.scale_steps = ((time, held_answers(fold, time, context.rules.down)),)
    worst = context.rules.grades["death"]
    if fold.death_crs and fold.grade != worst:
        if fold.episode is None:
            fold.episodes += 1
            fold.episode, fold.onset, fold.onset_id = fold.episodes, time, fold.outcome_id
        fold.raw, fold.raw_steps, fold.episode_max = worst, ((time, worst),), worst
        fold.worst = worst
        measured = axis.measure(fold, time, context, time)
        fold.scale_steps = ()
        _step_scales(fold, time, context, measured, time)
        _change(fold, time, worst, context, measured, closing=False)


def all_flags(fold: Fold, time: Micros, context: Context, measured: Axes) -> set[str]:
    """The flags at `time`, those of a candidate situation included."""
    found = axis.flags(fold, time, context, measured)
    if fold.therapy is not None and fold.outcome != "death" and measured.support > 0:
        if fold.episode is None:
            found.add("MASKED_ONSET" if axis.masked(fold, context) else "NO_FEVER_ONSET")
        elif not fold.support_ok:
            found.add("FEVER_LAPSED")
    return found
