"""One document of tables -> `stream.engine.Ruleset`, or a `RulesetError` that names the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.engine.ruleset import (
    SECOND,
    DeviceRule,
    OxygenFraction,
    PressureLimit,
    Ruleset,
    StaleLimit,
)
from stream.rules.documents import content_hash, loaded, reference, reference_values
from stream.rules.errors import RulesetError
from stream.rules.faults import UNBUILT, faults, sentences
from stream.rules.floors import lower_for_children, weakened
from stream.rules.guidance import build_guidance
from stream.rules.labs import build_labs, check_units
from stream.rules.ladders import build_ladders
from stream.rules.limits import beyond
from stream.rules.products import build_products
from stream.rules.rows import Rows, cells, entries
from stream.rules.safety import contradictions
from stream.rules.scales import build_organs, build_pressor_tables, build_scales
from stream.rules.scores import build_scores
from stream.rules.texts import wrong_texts
from stream.rules.timers import build_iec_hs, build_timers, build_worsening

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def load_ruleset(path: Path | None = None) -> Ruleset:
    """Load and validate a parameter set; None means the packaged P0.

    The file is a full set or a site's override of the packaged one, see `stream.rules.overrides`.

    Raises:
        RulesetError: a row is missing, has no source, or has a value that cannot be.
    """
    found = loaded(path)
    return build(found.document, found.problems)


def build(document: dict[str, Any], problems: Iterable[str] = ()) -> Ruleset:
    """The ruleset of a whole document; RulesetError with every problem, one a line."""
    told = [*problems, *_unsafe(document)]
    try:
        rules = _ruleset(document)
        told += _unfit(rules)
    except UNBUILT as error:
        _explain(told, document, error)
    else:
        if not told:
            return rules
    raise RulesetError("\n".join(dict.fromkeys(told)))


def _unsafe(document: dict[str, Any]) -> list[str]:
    """Values beyond their limits, weaker than they may be, and texts that order."""
    every = list(cells(document))
    told = [problem for cell in every if (problem := beyond(cell))]
    if document is not reference():
        told += weakened(every, reference_values())
    return [*told, *wrong_texts(every)]


def _unfit(rules: Ruleset) -> list[str]:
    return [*contradictions(rules), *lower_for_children(rules, reference())]


def _explain(told: list[str], document: dict[str, Any], error: Exception) -> None:
    """Adds every row that cannot be built, and what else does not fit together without them.

    What was told of a row already, mostly its limits, is not told again in weaker words.
    """
    wrong, repaired, names = faults(document, reference(), _ruleset)
    try:
        fit = _unfit(_ruleset(repaired))
    except UNBUILT as other:
        fit, wrong = [], [*wrong, *sentences(other)]
    if not wrong:
        wrong = sentences(error)
    known = {line.partition(" = ")[0] for line in told if ": expected " in line}
    told += [line for line in wrong if line.partition(" = ")[0] not in known]
    told += [line for line in fit if not any(name in line for name in names)]


_SIGNS = (
    "fever",
    "hypotension",
    "one_vasopressor",
    "multiple_vasopressors",
    "hypoxia_on_air",
    "death",
    "relative_hypotension_candidate",
    "push_dose_candidate",
)


def _grades(table: dict[str, Any]) -> dict[str, int]:
    for sign in _SIGNS:
        if table[sign] not in (1, 2, 3, 4, 5):
            raise RulesetError(f"grades.{sign} = {table[sign]!r}: expected 1 to 5")
    return {sign: int(table[sign]) for sign in _SIGNS}


def _agents(table: dict[str, Any]) -> dict[str, str]:
    classes: dict[str, str] = {}
    for name in ("vasopressor", "vasopressin", "inotrope", "adjunct"):
        for agent in table[name]:
            if agent in classes:
                raise RulesetError(f"agents: {agent} stands in {classes[agent]} and in {name}")
            classes[agent] = name
    return classes


def _device(name: str, row: dict[str, Any]) -> DeviceRule:
    fraction = row.get("fio2")
    estimate = None
    if fraction is not None:
        low, high = float(fraction[0]), float(fraction[1])
        if not low <= high:
            raise RulesetError(f"devices.{name}.fio2 = {fraction}: expected [lowest, highest]")
        estimate = OxygenFraction(low, high, float(row.get("per_lpm", 0)))
    return DeviceRule(
        row["kind"],
        int(row["grade"]),
        mapped=bool(row.get("mapped", False)),
        support=row.get("support", "none"),
        fio2=estimate,
    )


def _range(name: str, pair: list[float]) -> tuple[float, float]:
    low, high = float(pair[0]), float(pair[1])
    if not low < high:
        raise RulesetError(f"plausible.{name} = {pair}: expected [low, high]")
    return low, high


def _ruleset(document: dict[str, Any]) -> Ruleset:
    rows = Rows(document["parameters"])
    head, icans, priorities = document["ruleset"], document["icans"], document["priorities"]
    boundary = rows.value("flow_boundary", str)
    if boundary not in ("ASTCT", "LABEL_GE6"):
        raise RulesetError(f"parameters.flow_boundary = {boundary!r}: expected ASTCT or LABEL_GE6")
    scores = build_scores(document["scores"])
    labs = build_labs(document["labs"])
    check_units(scores, labs)
    products = build_products(document["products"])
    guidance = build_guidance(document["guidance"], products)
    return Ruleset(
        name=head["name"],
        version=head["version"],
        hash=content_hash(document),
        scale=head["scale"],
        grades=_grades(document["grades"]),
        fever_c=rows.number("fever_c"),
        near_fever_c=rows.number("near_fever_c"),
        near_fever_sites=rows.names("near_fever_sites"),
        site_rank=dict(rows.value("site_rank", dict)),
        site_window=rows.micros("site_window"),
        patch_window=rows.micros("patch_window"),
        lookback=rows.micros("lookback"),
        temp_stale=rows.micros("temp_stale"),
        bp_stale=rows.micros("bp_stale"),
        bp_pair=rows.micros("bp_pair"),
        bp_bolus=rows.micros("bp_bolus"),
        pair_min_gap=rows.micros("pair_min_gap"),
        arterial_min=rows.micros("arterial_min"),
        arterial_preferred=rows.micros("arterial_preferred"),
        arterial_pulse_pressure_mmhg=rows.number("arterial_pulse_pressure_mmhg"),
        arterial_flush_mmhg=rows.number("arterial_flush_mmhg"),
        source_conflict_mmhg=rows.number("source_conflict_mmhg"),
        source_conflict=rows.micros("source_conflict"),
        adult_years=rows.number("adult_years"),
        adult_systolic_mmhg=rows.number("adult_systolic_mmhg"),
        adult_mean_mmhg=rows.number("adult_mean_mmhg"),
        child_limits=tuple(
            PressureLimit(row["below_years"], row["base_mmhg"], row["per_year_mmhg"])
            for row in rows.value("child_limits", list)
        ),
        relative_drop_mmhg=rows.number("relative_drop_mmhg"),
        relative_drop_fraction=rows.number("relative_drop_fraction"),
        baseline_from=rows.micros("baseline_from"),
        baseline_to=rows.micros("baseline_to"),
        baseline_min_readings=rows.count("baseline_min_readings"),
        critical_mean_mmhg=rows.number("critical_mean_mmhg"),
        agent_class=_agents(document["agents"]),
        base_of_salt={
            str(agent): float(share) for agent, share in rows.value("base_of_salt", dict).items()
        },
        overlap=rows.micros("overlap"),
        push_dose_agents=rows.names("push_dose_agents"),
        push_dose=rows.micros("push_dose"),
        oral_pressor_agents=rows.names("oral_pressor_agents"),
        oral_pressor=rows.micros("oral_pressor"),
        dose_limits={
            agent: (float(row["limit"]), str(row["unit"]))
            for agent, row in entries(document["dose_limits"]).items()
        },
        ceiling_weight_kg=rows.number("ceiling_weight_kg"),
        devices={name: _device(name, row) for name, row in entries(document["devices"]).items()},
        flow_boundary_lpm=rows.number("flow_boundary_lpm"),
        flow_boundary_inclusive=boundary == "LABEL_GE6",
        flow_low_grade=rows.count("flow_low_grade"),
        flow_high_grade=rows.count("flow_high_grade"),
        flow_max_lpm=rows.number("flow_max_lpm"),
        spo2_low=rows.number("spo2_low"),
        spo2_pair=rows.micros("spo2_pair"),
        spo2_continuous_min=rows.micros("spo2_continuous_min"),
        sao2_override=rows.micros("sao2_override"),
        o2_need_spo2=rows.number("o2_need_spo2"),
        o2_need_window=rows.micros("o2_need"),
        masking_agents=rows.names("masking_agents"),
        bolus_agents=rows.names("bolus_agents"),
        premedication=rows.micros("premedication"),
        down=rows.micros("down"),
        quiet=rows.micros("quiet"),
        late_onset=rows.micros("late_onset"),
        plausible={
            name: _range(name, pair) for name, pair in entries(document["plausible"]).items()
        },
        stale={
            name: StaleLimit(
                int(row["usual_s"] * SECOND), int(row["tight_s"] * SECOND), row["flag"]
            )
            for name, row in entries(document["stale"]).items()
        },
        device_stale=rows.micros("device_stale"),
        tight_from_grade=rows.count("tight_from_grade"),
        ice_floor=tuple((int(floor), int(grade)) for floor, grade in icans["ice_floor"]),
        capd_floor=tuple((int(floor), int(grade)) for floor, grade in icans["capd_floor"]),
        icans_domains={
            domain: {word: int(grade) for word, grade in icans[domain].items()}
            for domain in ("consciousness", "seizure", "cerebral_oedema")
        },
        motor_weakness_grade=int(icans["motor_weakness"]),
        aphasia_grade=int(icans["aphasia"]),
        capd_below_years=rows.number("capd_below_years"),
        scales=build_scales(document["scales"]),
        pressor_tables=build_pressor_tables(document["scales"]),
        fio2_margin=rows.number("fio2_margin"),
        pressor_long=rows.micros("pressor_long"),
        treatment_counts=rows.micros("treatment_counts"),
        clotting_agents=rows.names("clotting_agents"),
        nutrition_agents=rows.names("nutrition_agents"),
        intravenous_routes=rows.names("intravenous_routes"),
        outpatient_words=rows.names("outpatient_words"),
        inpatient_words=rows.names("inpatient_words"),
        neutropenia_anc=rows.number("neutropenia_anc"),
        organs=build_organs(document["scales"]),
        iec_hs=build_iec_hs(document["iec_hs"], labs),
        labs=labs,
        scores=scores,
        announced=tuple(score for score in scores.values() if score.announce),
        score_sample=rows.micros("score_sample"),
        products=products,
        guidance=guidance,
        followed_agents=frozenset(
            agent
            for agents in (
                *(row.agents for row in guidance),
                *(lab.restarts_after for lab in labs.values()),
                rows.names("masking_agents"),
                rows.names("bolus_agents"),
            )
            for agent in agents
        ),
        antipyretic_agents=rows.names("antipyretic_agents"),
        same_dose=rows.micros("same_dose"),
        anti_il6_agents=rows.names("anti_il6_agents"),
        timers=build_timers(document["timers"], products),
        worsening=build_worsening(document["prompts"], scores, labs),
        ladders=build_ladders(document["ladders"]),
        grade_priority={int(grade): word for grade, word in priorities["grade"].items()},
        candidate_priority={int(grade): word for grade, word in priorities["candidate"].items()},
        icans_priority={int(grade): word for grade, word in priorities["icans"].items()},
        horizon=rows.micros("horizon"),
        keep_facts=rows.count("keep_facts"),
        max_facts=rows.count("max_facts"),
        fold_slack=rows.count("fold_slack"),
        fold_stride=rows.micros("fold_stride"),
        dense_per_minute=rows.count("dense_per_minute"),
    )
