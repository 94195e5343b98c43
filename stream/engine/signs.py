"""What the scales judge: one value per sign, taken from the fold at an instant.

None means: there, but not measured. What nobody charted does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from stream.engine.axes import Axes
from stream.engine.context import Context
from stream.engine.events import Micros
from stream.engine.fold import NEVER, Fold
from stream.engine.native import mypyc_attr
from stream.engine.organs import organ_grades
from stream.engine.oxygenation import EXCLUDED, on_air
from stream.engine.ruleset import Ruleset


@mypyc_attr(acyclic=True)
@dataclass(slots=True, init=False)
class Signs:
    """Signs by the names that `scales.toml` uses; grades of organs are CTCAE's."""

    crs: Final[bool]
    """An episode is open: fever was there at its onset."""
    fever: Final[bool]
    support: Final[bool]
    """Hypotension, a vasopressor or hypoxia, by the rules of the ASTCT axes."""
    fever_rule: Final[bool]
    """ASTCT's fever rule is met for the support (waiver, look-back, unbroken support)."""
    hypotension: Final[bool]
    boluses: Final[int]
    """Fluid boluses given for this hypotension."""
    pressors: Final[int]
    """Vasopressors running together, vasopressin among them."""
    pressors_without_vasopressin: Final[int]
    pressor_long: Final[bool]
    high_doses: Final[tuple[tuple[str, bool | None], ...]]
    """By table of vasopressor doses: high for as long as the table asks."""
    hypoxia: Final[bool]
    oxygen: Final[bool]
    device: Final[str]
    """Class of the device: `none` `nasal` `blow_by` `mask` `noninvasive` `invasive`."""
    fio2: Final[tuple[float, float] | None]
    """Lowest and highest fraction it can be; equal where charted."""
    nasal_flow: Final[float | None]
    """L/min through a nasal cannula; 0 where there is none."""
    creatinine: Final[int]
    transaminase: Final[int]
    bilirubin: Final[int]
    neutropenia: Final[bool]
    admitted: Final[bool | None]
    admitted_for_crs: Final[bool]
    iv_therapy: Final[bool]
    clotting_products: Final[bool]
    death: Final[bool]

    def __init__(
        self,
        crs: bool,
        fever: bool,
        support: bool,
        fever_rule: bool,
        hypotension: bool,
        boluses: int,
        pressors: int,
        pressors_without_vasopressin: int,
        pressor_long: bool,
        high_doses: tuple[tuple[str, bool | None], ...],
        hypoxia: bool,
        oxygen: bool,
        device: str,
        fio2: tuple[float, float] | None,
        nasal_flow: float | None,
        creatinine: int,
        transaminase: int,
        bilirubin: int,
        neutropenia: bool,
        admitted: bool | None,
        admitted_for_crs: bool,
        iv_therapy: bool,
        clotting_products: bool,
        death: bool,
    ) -> None:
        self.crs = crs
        self.fever = fever
        self.support = support
        self.fever_rule = fever_rule
        self.hypotension = hypotension
        self.boluses = boluses
        self.pressors = pressors
        self.pressors_without_vasopressin = pressors_without_vasopressin
        self.pressor_long = pressor_long
        self.high_doses = high_doses
        self.hypoxia = hypoxia
        self.oxygen = oxygen
        self.device = device
        self.fio2 = fio2
        self.nasal_flow = nasal_flow
        self.creatinine = creatinine
        self.transaminase = transaminase
        self.bilirubin = bilirubin
        self.neutropenia = neutropenia
        self.admitted = admitted
        self.admitted_for_crs = admitted_for_crs
        self.iv_therapy = iv_therapy
        self.clotting_products = clotting_products
        self.death = death

    def key(self) -> tuple[object, ...]:
        """All of it: equal where the signs are, and hashable."""
        return (
            self.crs,
            self.fever,
            self.support,
            self.fever_rule,
            self.hypotension,
            self.boluses,
            self.pressors,
            self.pressors_without_vasopressin,
            self.pressor_long,
            self.high_doses,
            self.hypoxia,
            self.oxygen,
            self.device,
            self.fio2,
            self.nasal_flow,
            self.creatinine,
            self.transaminase,
            self.bilirubin,
            self.neutropenia,
            self.admitted,
            self.admitted_for_crs,
            self.iv_therapy,
            self.clotting_products,
            self.death,
        )

    @property
    def organ(self) -> int:
        """The worst organ but for transaminases, which scales treat apart."""
        return max(self.creatinine, self.bilirubin)

    @property
    def liver(self) -> int:
        """The worse of transaminases and bilirubin."""
        return max(self.transaminase, self.bilirubin)

    def high(self, table: str) -> bool | None:
        """Whether vasopressors run at a high dose by a table; None: a dose is not known."""
        for name, verdict in self.high_doses:
            if name == table:
                return verdict
        return False


SIGN_NAMES: Final = frozenset(
    {*(each.name for each in fields(Signs)), "organ", "liver", "high_dose"}
) - {"high_doses"}
"""What a condition may speak of."""


def signs_of(fold: Fold, time: Micros, context: Context, axes: Axes, ran: Micros) -> Signs:
    """The signs at `time`; running times count up to `ran` (see `axes.measure`)."""
    rules = context.rules
    pressors = without = 0
    high: tuple[tuple[str, bool | None], ...] = ()
    # what ran while it was attributed to another cause starts no clock
    floor = context.attributed_until("vasopressor", time)
    if axes.pressors:
        pressors = _together(fold, rules, ran, ("vasopressor", "vasopressin"))
        without = _together(fold, rules, ran, ("vasopressor",))
        high = tuple(
            (name, _high(fold, name, table.held, ran, floor))
            for name, table in rules.pressor_tables.items()
        )
    counted = fold.device is not None and not on_air(fold, rules)
    counted = counted and axes.hypoxia > 0 and fold.device_reason not in EXCLUDED
    device, fio2, flow = "none", None, 0.0 if not counted else fold.flow_lpm
    if counted:
        assert fold.device is not None
        device = rules.devices[fold.device].support
        fio2 = _fio2(fold, rules)
        if device != "nasal":
            flow = 0.0
    creatinine, transaminase, bilirubin = organ_grades(fold, rules)
    anc = fold.labs.get("anc")
    return Signs(
        crs=fold.episode is not None,
        fever=axes.fever,
        support=axes.support > 0,
        fever_rule=fold.support_ok,
        hypotension=axes.hypotension > 0,
        boluses=_boluses(fold, rules) if axes.hypotension else 0,
        pressors=pressors,
        pressors_without_vasopressin=without,
        pressor_long=pressors > 0 and ran - max(fold.pressor_since, floor) >= rules.pressor_long,
        high_doses=high,
        hypoxia=axes.hypoxia > 0,
        oxygen=counted,
        device=device,
        fio2=fio2 if counted else (0.0, 0.0),
        nasal_flow=flow,
        creatinine=creatinine,
        transaminase=transaminase,
        bilirubin=bilirubin,
        neutropenia=anc is not None and anc.value < rules.neutropenia_anc,
        admitted=_admitted(fold, rules),
        admitted_for_crs=bool(fold.hospitalised_for_crs),
        iv_therapy=_counts(fold.iv_therapy_at, time, rules),
        clotting_products=_counts(fold.clotting_at, time, rules),
        death=fold.death_crs,
    )


def _counts(given: Micros, time: Micros, rules: Ruleset) -> bool:
    return given != NEVER and time - given < rules.treatment_counts


def _together(fold: Fold, rules: Ruleset, ran: Micros, classes: tuple[str, ...]) -> int:
    """Agents that run together for as long as a change of agents may take; one if any runs."""
    runs = [run for a, run in fold.running.items() if rules.agent_class.get(a) in classes]
    settled = sum(1 for run in runs if ran - run.since >= rules.overlap)
    return max(settled, 1) if runs else 0


def _high(fold: Fold, table: str, held: Micros, ran: Micros, floor: Micros) -> bool | None:
    since, perhaps = fold.high_dose.get(table, (NEVER, NEVER))
    if since != NEVER and ran - max(since, floor) >= held:
        return True
    return None if perhaps != NEVER and ran - max(perhaps, floor) >= held else False


def _boluses(fold: Fold, rules: Ruleset) -> int:
    """Boluses from just before the pressure was first found low until now."""
    if fold.low_since is None:
        return 0
    return sum(1 for at in fold.boluses if at >= fold.low_since - rules.bp_bolus)


def _fio2(fold: Fold, rules: Ruleset) -> tuple[float, float] | None:
    """The charted fraction; else what the device is known to give; None where neither says."""
    if fold.fio2 is not None:
        return fold.fio2, fold.fio2
    assert fold.device is not None
    estimate = rules.devices[fold.device].fio2
    if estimate is None or estimate.per_lpm == 0:
        return None if estimate is None else (estimate.low, estimate.high)
    if fold.flow_lpm is None:
        return None
    value = min(estimate.high, estimate.low + estimate.per_lpm * fold.flow_lpm)
    return value - rules.fio2_margin, value + rules.fio2_margin


def _admitted(fold: Fold, rules: Ruleset) -> bool | None:
    if fold.hospitalised_for_crs is not None:
        return fold.hospitalised_for_crs
    return None if fold.location is None else not outpatient(fold.location, rules)


def outpatient(location: str | None, rules: Ruleset) -> bool:
    """The location says that the patient is not in hospital, and nothing that they are."""
    words = set((location or "").casefold().replace("/", " ").replace(",", " ").split())
    return not words.isdisjoint(rules.outpatient_words) and words.isdisjoint(rules.inpatient_words)
