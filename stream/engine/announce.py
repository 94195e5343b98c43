"""From what is concluded to what is said: the fold's history against what was published.

Contract, "What the words mean exactly" 2, 3, 5, 6, 12. A change that only adds to the end of the
published history is `grade.changed`; any other is `grade.revised`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stream.engine import axes as axis
from stream.engine.advice import advice
from stream.engine.announce_beside import say_risks, say_screen
from stream.engine.context import Context
from stream.engine.course import all_flags
from stream.engine.events import Micros
from stream.engine.fold import Candidate, Change, Fold, Why
from stream.engine.history import changed_spans, in_common, matches, since, untrue
from stream.engine.native import mypyc_attr
from stream.engine.outputs import Alert, alert_id, rfc3339
from stream.engine.reasons import reason
from stream.engine.ruleset import Ruleset
from stream.engine.scales import held_answers, shown_scales
from stream.engine.state import Published, Said, SaidCandidate, Told
from stream.engine.worsening import prompts
from stream.version import ENGINE_VERSION


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Voice:
    """Collects the alerts of one step for one patient, and keeps the published past in step."""

    patient_id: str
    context: Context
    published: Published
    floor: Micros
    alerts: list[Alert]
    chain_head: str | None
    """The digest of the patient's last alert."""
    told: Told | None
    """What was announced last; None where that is not known."""
    settled: Published | None
    """What nobody has to be asked about anew whatever is measured; None where that is not known."""
    heard: int
    """How many of `alerts` the patient's alarms have followed up."""
    end_withdrawn: Micros | None
    """The time of an end of the stay that this step's event takes back."""

    def __init__(
        self,
        patient_id: str,
        context: Context,
        published: Published,
        floor: Micros,
        alerts: list[Alert],
        chain_head: str | None,
        told: Told | None = None,
        settled: Published | None = None,
        heard: int = 0,
        end_withdrawn: Micros | None = None,
    ) -> None:
        self.patient_id = patient_id
        self.context = context
        self.published = published
        self.floor = floor
        self.alerts = alerts
        self.chain_head = chain_head
        self.told = told
        self.settled = settled
        self.heard = heard
        self.end_withdrawn = end_withdrawn

    def say(
        self,
        kind: str,
        *,
        effective: Micros,
        emitted: Micros,
        priority: str,
        episode: int | None,
        whys: tuple[Why, ...],
        body: dict[str, Any],
        flags: tuple[str, ...] = (),
        supersedes: str | None = None,
        chain: object = None,
    ) -> str:
        """Append an alert; its id is made of what it says. Returns the id.

        The hash of the alert before it does not enter the id: it is the same alert wherever it
        stands. `chain` tells apart what would otherwise say the same twice.
        """
        rules = self.context.rules
        ident = alert_id(self.patient_id, kind, episode, effective, body, supersedes, chain)
        alert = Alert(
            type=kind,
            alert_id=ident,
            patient_id=self.patient_id,
            episode=episode,
            effective_time=effective,
            emitted_time=emitted,
            priority=priority,
            flags=flags,
            reasons=tuple(reason(why).to_wire() for why in whys),
            supersedes=supersedes,
            body=body,
            ruleset=rules.named(),
            engine_version=ENGINE_VERSION,
            previous_hash=self.chain_head,
        )
        self.alerts.append(alert)
        self.chain_head = alert.digest
        return ident

    def stale_flags(self) -> set[str]:
        """The flags of the signals that were said to be lost."""
        return {self.context.rules.stale[lost.signal].flag for lost in self.published.lost}

    def announce(self, now: Fold, emitted: Micros) -> None:
        """Say whatever differs from what was said, each on its channel."""
        told, self.told = self.told, (now.history, now.candidates, now.icans_history)
        if told is None or now.history is not told[0]:
            self._grades(now, emitted)
        if told is None or now.candidates is not told[1]:
            self._candidates(now, emitted)
        if told is None or now.icans_history is not told[2]:
            self._icans(now, emitted)
        say_risks(self, now, emitted)
        say_screen(self, now, emitted)

    # -- grade ---------------------------------------------------------------------------------

    def _grades(self, now: Fold, emitted: Micros) -> None:
        said = since(self.published.changes, self.floor)
        told = since(now.history, self.floor)
        if not matches(said, told):
            self._revise(now, said, told, emitted)
            return
        for change in told[len(said) :]:
            self._changed(now, change, emitted)

    def _changed(self, now: Fold, change: Change, emitted: Micros) -> None:
        before = self.published.grade
        rises = change.grade > before
        rules = self.context.rules
        ident = self.say(
            "grade.changed",
            effective=change.time,
            emitted=max(emitted, change.time),
            priority=rules.grade_priority[change.grade] if rises else "information",
            episode=change.episode,
            whys=change.whys,
            flags=self._flags(change.flags),
            body={
                "scale": rules.scale,
                "from_grade": before,
                "to_grade": change.grade,
                "raw_grade": change.raw,
                "episode_max": change.episode_max,
                "other_scales": shown_scales(change.scales),
                "guidance": [
                    *advice(
                        now,
                        change.grade,
                        change.episode_max,
                        (change.product, change.therapy_class),
                        change.time,
                        rules,
                    ),
                    *(prompts(now, change.time, rules) if change is now.history[-1] else ()),
                ],
            },
            chain=self.published.revisions,
        )
        said = Said(change.time, change.grade, ident, change.episode_max)
        self.published = replace(
            self.published, changes=(*self.published.changes, said), last_alert=ident
        )

    def _flags(self, codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({*codes, *self.stale_flags()}))

    def _revise(
        self, now: Fold, said: tuple[Said, ...], told: tuple[Change, ...], emitted: Micros
    ) -> None:
        before = self.published.grade
        grade = told[-1].grade if told else self._grade_before_floor()
        # all that was said since the floor may be untrue: then the span began before it
        current = now.history[-1].time if now.history else said[0].time
        spans = changed_spans(said, told, self._grade_before_floor())
        highest = max((c.episode_max for c in told if c.episode == now.episode), default=0)
        known = {(item.time, item.grade): item for item in said}
        said_highest = max((item.episode_max for item in said), default=0)
        rules = self.context.rules
        priority = "information"
        if grade > before:
            priority = rules.grade_priority[grade]
        elif highest > said_highest:
            priority = "medium"
        measured = axis.measure(now, now.time, self.context)
        worst = now.closed_max if now.episode is None else now.episode_max
        ident = self.say(
            "grade.revised",
            effective=current,
            emitted=emitted,
            priority=priority,
            episode=now.episode
            if now.episode is not None
            else (told[-1].episode if told else None),
            whys=(Why("REVISED"), *axis.whys(now, now.time, self.context, measured)),
            flags=self._flags(tuple(all_flags(now, now.time, self.context, measured))),
            supersedes=untrue(said, told),
            body={
                "scale": rules.scale,
                "from_grade": before,
                "to_grade": grade,
                "raw_grade": now.raw,
                "episode_max": now.episode_max if now.episode is not None else highest,
                "other_scales": shown_scales(held_answers(now, now.time, rules.down)),
                "guidance": [
                    *advice(now, grade, worst, (now.product, now.therapy_class), emitted, rules),
                    *prompts(now, now.time, rules),
                ],
                "history": [
                    {
                        "grade": span.grade,
                        "from": rfc3339(span.start),
                        "until": None if span.until is None else rfc3339(span.until),
                    }
                    for span in spans
                ],
            },
            chain=self.published.revisions,
        )
        kept = tuple(item for item in self.published.changes if item.time < self.floor)
        corrected = tuple(
            known.get((c.time, c.grade)) or Said(c.time, c.grade, ident, c.episode_max)
            for c in told
        )
        self.published = replace(
            self.published,
            changes=(
                *kept,
                *(
                    replace(s, episode_max=c.episode_max)
                    for s, c in zip(corrected, told, strict=True)
                ),
            ),
            revisions=self.published.revisions + 1,
            last_alert=ident,
        )

    def _grade_before_floor(self) -> int:
        older = [item for item in self.published.changes if item.time < self.floor]
        return older[-1].grade if older else 0

    # -- candidates ----------------------------------------------------------------------------

    def _candidates(self, now: Fold, emitted: Micros) -> None:
        if not self.published.candidates and not now.candidates:
            return
        told = {
            (item.start, item.grade): item
            for item in now.candidates
            if item.end is None or item.end >= self.floor
        }
        kept: list[SaidCandidate] = []
        for said in self.published.candidates:
            item = told.pop((said.start, said.grade), None)
            if item is None:
                if said.end is None and said.start >= self.floor:  # it never was
                    self._close(said, said.start, "ended", None, emitted, supersedes=said.alert_id)
                elif said.start < self.floor:
                    kept.append(said)
            elif said.end is None and item.end is not None:
                if item.how != "raised":
                    self._close(said, item.end, item.how or "ended", item.episode, emitted)
                kept.append(replace(said, end=item.end))
            else:
                kept.append(said)
        kept.extend(self._raise(item, emitted) for item in told.values())
        kept.sort(key=lambda said: said.start)
        if tuple(kept) != self.published.candidates:
            self.published = replace(self.published, candidates=tuple(kept))

    def _raise(self, item: Candidate, emitted: Micros) -> SaidCandidate:
        ident = self.say(
            "candidate.raised",
            effective=item.start,
            emitted=max(emitted, item.start),
            priority=candidate_priority(item, self.context.rules),
            episode=item.episode,
            whys=item.whys,
            flags=self._flags(item.flags),
            body={"candidate_grade": item.grade, "why": item.why},
            chain=(self.published.revisions, self.published.candidates_told),
        )
        told = self.published.candidates_told + 1
        self.published = replace(self.published, candidates_told=told)
        said = SaidCandidate(item.start, item.grade, ident, item.end)
        if item.end is not None and item.how != "raised":
            self._close(said, item.end, item.how or "ended", item.episode, emitted)
        return said

    def _close(
        self,
        said: SaidCandidate,
        end: Micros,
        how: str,
        episode: int | None,
        emitted: Micros,
        *,
        supersedes: str | None = None,
    ) -> None:
        self.say(
            "candidate.closed",
            effective=end,
            emitted=max(emitted, end),
            priority="information",
            episode=episode,
            whys=(),
            body={"candidate_grade": said.grade, "why": how},
            supersedes=supersedes,
            chain=said.alert_id,
        )

    # -- ICANS ---------------------------------------------------------------------------------

    def _icans(self, now: Fold, emitted: Micros) -> None:
        if not self.published.icans and not now.icans_history:
            return
        said = since(self.published.icans, self.floor)
        told = since(now.icans_history, self.floor)
        if len(said) == len(told) and matches(said, told):
            return
        fresh = told[in_common(said, told) :] or told[-1:]
        last = self.published.icans[-1].grade if self.published.icans else 0
        ident = self.published.icans[-1].alert_id if self.published.icans else ""
        known = {(item.time, item.grade): item for item in said}
        rules = self.context.rules
        if not told and last != (now.icans or 0):  # the only assessment was withdrawn
            self._icans_changed(said[0].time, last, 0, "information", (), emitted)
        for change in fresh:
            if change.grade != last:
                rises = change.grade > last
                priority = rules.icans_priority[change.grade] if rises else "information"
                ident = self._icans_changed(
                    change.time, last, change.grade, priority, change.whys, emitted
                )
                last = change.grade
            known[(change.time, change.grade)] = Said(change.time, change.grade, ident)
        older = tuple(item for item in self.published.icans if item.time < self.floor)
        current = tuple(known.get((c.time, c.grade)) or Said(c.time, c.grade, "") for c in told)
        self.published = replace(self.published, icans=(*older[-1:], *current))

    def _icans_changed(
        self,
        time: Micros,
        before: int,
        grade: int,
        priority: str,
        whys: tuple[Why, ...],
        emitted: Micros,
    ) -> str:
        ident = self.say(
            "icans.changed",
            effective=time,
            emitted=max(emitted, time),
            priority=priority,
            episode=None,
            whys=whys,
            body={"from_grade": before, "to_grade": grade},
            chain=self.published.icans_told,
        )
        self.published = replace(self.published, icans_told=self.published.icans_told + 1)
        return ident


def candidate_priority(item: Candidate, rules: Ruleset) -> str:
    """High at a critically low pressure, else as its grade has it."""
    critical = (
        item.grade >= rules.grades["one_vasopressor"]
        and item.mean_bp is not None
        and item.mean_bp < rules.critical_mean_mmhg
    )
    return "high" if critical else rules.candidate_priority[item.grade]
