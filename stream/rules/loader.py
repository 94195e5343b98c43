"""TOML parameter set -> `stream.engine.Ruleset`, or a `RulesetError` that names the row."""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

from stream.engine.ruleset import SECOND, DeviceRule, PressureLimit, Ruleset, StaleLimit

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_RULESET = "astct_2019_p0.toml"


class RulesetError(ValueError):
    """The parameter set cannot be used; the text names the row, the value and what is expected."""


def load_ruleset(path: Path | None = None) -> Ruleset:
    """Load and validate a parameter set; None means the packaged P0.

    Raises:
        RulesetError: a row is missing, has no source, or has a value that cannot be.
    """
    if path is None:
        text = resources.files("stream.rules").joinpath(DEFAULT_RULESET).read_text("utf-8")
    else:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RulesetError(f"cannot read the ruleset {path}: {error}") from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesetError(f"the ruleset is not TOML: {error}") from error
    return _build(document)


def content_hash(document: dict[str, Any]) -> str:
    """SHA-256 over the canonical content (comments and order do not matter), 16 hex digits."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class _Rows:
    """The `[parameters.*]` rows: each must have a source and a known status."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self.rows = rows
        for name, row in rows.items():
            if not isinstance(row, dict) or "value" not in row:
                raise RulesetError(
                    f"parameters.{name}: expected a table with value, source, status"
                )
            if not row.get("source") or row.get("status") not in ("checked", "mem", "DESIGN"):
                raise RulesetError(
                    f"parameters.{name}: needs a source and a status (checked, mem or DESIGN)"
                )

    def value(self, name: str, kind: type | tuple[type, ...]) -> Any:
        if name not in self.rows:
            raise RulesetError(f"parameters.{name} is missing")
        value = self.rows[name]["value"]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise RulesetError(f"parameters.{name} = {value!r}: expected {kind}")
        return value

    def number(self, name: str, *, low: float = 0.0, high: float = 1e12) -> float:
        value = float(self.value(name, (int, float)))
        if not low < value <= high:
            raise RulesetError(f"parameters.{name} = {value}: expected a number in ({low}, {high}]")
        return value

    def micros(self, name: str) -> int:
        return int(self.number(f"{name}_s") * SECOND)

    def count(self, name: str) -> int:
        return int(self.number(name))

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(str(item) for item in self.value(name, list))


def _build(document: dict[str, Any]) -> Ruleset:
    try:
        return _ruleset(document)
    except KeyError as error:
        raise RulesetError(f"the ruleset lacks the table or key {error}") from error
    except (TypeError, AttributeError, IndexError) as error:
        raise RulesetError(f"the ruleset has a row of the wrong shape: {error}") from error


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


def _range(name: str, pair: list[float]) -> tuple[float, float]:
    low, high = float(pair[0]), float(pair[1])
    if not low < high:
        raise RulesetError(f"plausible.{name} = {pair}: expected [low, high]")
    return low, high


def _ruleset(document: dict[str, Any]) -> Ruleset:
    rows = _Rows(document["parameters"])
    head, icans, priorities = document["ruleset"], document["icans"], document["priorities"]
    boundary = rows.value("flow_boundary", str)
    if boundary not in ("ASTCT", "LABEL_GE6"):
        raise RulesetError(f"parameters.flow_boundary = {boundary!r}: expected ASTCT or LABEL_GE6")
    reminder = document["reminders"]["K2"]
    return Ruleset(
        name=head["name"],
        version=head["version"],
        hash=content_hash(document),
        scale=head["scale"],
        grades=_grades(document["grades"]),
        fever_c=rows.number("fever_c", low=37.0, high=39.0),
        near_fever_c=rows.number("near_fever_c", low=36.0, high=39.0),
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
        relative_drop_fraction=rows.number("relative_drop_fraction", high=1.0),
        baseline_from=rows.micros("baseline_from"),
        baseline_to=rows.micros("baseline_to"),
        baseline_min_readings=rows.count("baseline_min_readings"),
        critical_mean_mmhg=rows.number("critical_mean_mmhg"),
        agent_class=_agents(document["agents"]),
        overlap=rows.micros("overlap"),
        push_dose_agents=rows.names("push_dose_agents"),
        push_dose=rows.micros("push_dose"),
        oral_pressor_agents=rows.names("oral_pressor_agents"),
        oral_pressor=rows.micros("oral_pressor"),
        dose_limits={
            agent: (float(row["limit"]), str(row["unit"]))
            for agent, row in document["dose_limits"].items()
            if agent != "source"
        },
        devices={
            name: DeviceRule(row["kind"], int(row["grade"]), bool(row.get("mapped", False)))
            for name, row in document["devices"].items()
            if name != "source"
        },
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
            name: _range(name, pair)
            for name, pair in document["plausible"].items()
            if name != "source"
        },
        stale={
            name: StaleLimit(
                int(row["usual_s"] * SECOND), int(row["tight_s"] * SECOND), row["flag"]
            )
            for name, row in document["stale"].items()
            if name != "source"
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
        tocilizumab_interval=int(reminder["after_s"] * SECOND),
        tocilizumab_count=int(reminder["count_s"] * SECOND),
        tocilizumab_text=reminder["text"],
        tocilizumab_citation=reminder["citation"],
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
