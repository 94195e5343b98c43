"""What would switch grading off is refused in a site's overrides; what is as safe is taken."""

from __future__ import annotations

import pytest

from tests.rules.site_overrides import POLICY, parameter, problems, site, table

PREVAILS = "Clinician judgement required; local policy prevails."


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        # ventilation that counts as air, a pressor that counts as nothing
        (
            table("devices", "invasive_ventilation = { kind = 'air' }"),
            "devices.invasive_ventilation.kind cannot be changed",
        ),
        (table("devices", "ecmo = { support = 'none' }"), "devices.ecmo.support cannot be changed"),
        (table("devices", "non_rebreather = { grade = 2 }"), "masks are grade 3 as published"),
        (
            table("agents", "inotrope = ['dobutamine', 'norepinephrine']"),
            "agents.inotrope cannot be changed",
        ),
        (
            table("dose_limits", "vasopressin = { unit = 'U/h' }"),
            "dose_limits.vasopressin.unit can",
        ),
        # lists that forget a medicine, or take one of another sort
        (
            parameter("masking_agents", "['ibuprofen']"),
            "= ['ibuprofen']: expected 'acetaminophen' in the list too: words can only be added",
        ),
        (
            parameter("bolus_agents", "['acetaminophen']"),
            "parameters.bolus_agents = ['acetaminophen']: expected 'fluid_bolus' in the list too",
        ),
        (
            parameter("bolus_agents", "['fluid_bolus', 'acetaminophen']"),
            "expected only fluid_bolus, not 'acetaminophen'; only fluid confirms a low reading",
        ),
        (
            parameter("anti_il6_agents", "['tocilizumab', 'siltuximab', 'acetaminophen']"),
            "expected only tocilizumab, siltuximab, not 'acetaminophen'",
        ),
        (parameter("antipyretic_agents", "['ibuprofen']"), "expected 'acetaminophen' in the list"),
        (parameter("near_fever_sites", "[]"), "expected 'axillary' in the list too"),
        (parameter("outpatient_words", "['ward']"), "expected 'outpatient' in the list too"),
        ("[prompts.intensive_care]\nsource = 'x'\nrising = []", "expected 'lactate' in the list"),
        # real values set aside as artefacts
        (
            table("plausible", "temperature = [30, 38.1]"),
            "expected 20 to 50 Cel, from at most 30 to at least 43; outside it is another unit",
        ),
        (table("plausible", "systolic_bp = [89, 300]"), "from at most 50 to at least 250"),
        (
            table("plausible", "spo2 = [89, 100]"),
            "plausible.spo2 = [89, 100]: expected 0 to 100 %, ",
        ),
        (table("plausible", "spo2 = []"), "plausible.spo2 = []: expected 0 to 100 %, from at most"),
        (
            table("labs.crp", "plausible = [0, 1]"),
            "expected a range that holds the packaged one (0 ",
        ),
        (table("labs.ferritin", "upper_limit = 30000"), "expected 150 to 600 (packaged: 300)"),
        (table("labs.crp", "same = ['mg/L']"), "labs.crp.same cannot be changed"),
        ("[scores.news2]\nsource = 'x'\nbands = [{ name = 'high', at_least = 999 }]", "3.5 to 14"),
        # loudness
        (
            table("priorities", "grade = { 3 = 'medium', 4 = 'medium', 5 = 'medium' }"),
            "least 'high'",
        ),
        (
            table("priorities", "grade = { 1 = 'information' }"),
            "priorities.grade.1 = 'information': expected at least 'medium'; an onset waits",
        ),
        (
            table("priorities", "candidate = { 2 = 'low' }"),
            "expected at least 'medium'; a candidate",
        ),
        (
            table("priorities", "icans = { 3 = 'medium' }"),
            "priorities.icans.3 = 'medium': expected at least 'high'; severe neurotoxicity",
        ),
        (table("priorities", "icans = { 1 = 'information' }"), "expected at least 'low'; neurot"),
        (
            table("iec_hs", "priority = 'information'"),
            "iec_hs.priority = 'information': expected at",
        ),
        # numbers that fit their limits and defeat each other
        (
            parameter("pair_min_gap_s", "100") + "\n" + parameter("bp_pair_s", "900"),
            "parameters.pair_min_gap_s = 100: expected at most 0.1 of parameters.bp_pair_s (900)",
        ),
        (parameter("pair_min_gap_s", "100"), "at most 0.1 of parameters.spo2_pair_s (900)"),
        (parameter("bp_pair_s", "300"), "parameters.bp_pair_s = 300: expected 900 to 7200 s"),
        (parameter("spo2_pair_s", "300"), "parameters.spo2_pair_s = 300: expected 900 to 3600 s"),
        (
            parameter("child_limits", "[{ below_years = 18, base_mmhg = 50, per_year_mmhg = 0 }]"),
            "child_limits: 50 mm[Hg] at 10 years: expected at least 85; a lower limit misses shock",
        ),
        (
            parameter("site_rank", "{ core = 1, skin = 9 }"),
            "parameters.site_rank.core = 1: expected above parameters.site_rank.oral (5)",
        ),
        (
            parameter("site_rank", "{ skin = 9 }"),
            "parameters.site_rank.axillary = 2: expected above parameters.site_rank.skin (9)",
        ),
        (parameter("site_rank", "{ unknown = 6 }"), "site_rank.unknown = 6: expected at most"),
        (
            table("stale", "spo2 = { usual_s = 43200 }"),
            "expected 300 to 7200 s; with less every gap",
        ),
        (
            table("stale", "spo2 = { usual_s = 7200, tight_s = 7200 }"),
            "stale.spo2.tight_s = 7200: expected 300 to 3600 s",
        ),
        (table("stale", "blood_pressure = { usual_s = 43200 }"), "expected 300 to 21600 s"),
        (table("stale", "blood_pressure = { tight_s = 14400 }"), "expected 300 to 7200 s"),
        (table("stale", "temperature = { tight_s = 28800 }"), "expected 3600 to 14400 s"),
        (table("stale", "spo2 = { flag = 'STALE_T' }"), "stale.spo2.flag cannot be changed"),
        # texts that order, and published times that wander
        (
            table("timers.K2", "text = 'Give 800 mg of tocilizumab now.'"),
            "timers.K2.text = 'Give 800 mg of tocilizumab now.': expected what is published",
        ),
        (
            table("timers.K2", "text = 'The interval is over.'"),
            f"= 'The interval is over.': expected a text that ends with '{PREVAILS}'",
        ),
        (
            table("prompts.intensive_care", f"text = 'Transfer the patient. {PREVAILS}'"),
            "not an order: without 'Transfer'",
        ),
        (
            table("products.tarlatamab", "monitoring = 'Admit for 48 h'"),
            "products.tarlatamab.monitoring = 'Admit for 48 h': expected what is published",
        ),
        (
            "[products.tarlatamab.windows.later]\nsource = 'x'\ntext = 'You must stay'",
            "products.tarlatamab.windows.later.text = 'You must stay'",
        ),
        (
            table("timers.K1", "after_s = 604800"),
            "= 604800: expected 172800 to 259200 s; published",
        ),
        (table("timers.K2", "after_s = 7200"), "timers.K2.after_s = 7200: expected 28800 to 43200"),
        (
            table("timers.K8", "after_s = 86400"),
            "timers.K8.after_s = 86400: expected 3600 to 43200",
        ),
        (
            table("timers.K4", "most_in_all = 8"),
            "timers.K4.most_in_all = 8: expected a whole number",
        ),
        (table("timers.K5", "products = ['tarlatamab']"), "timers.K5.products cannot be changed"),
        (table("timers.K3", "grade = 4"), "timers.K3.grade cannot be changed: whom published guid"),
    ],
)
def test_nothing_switches_grading_off(toml: str, says: str) -> None:
    assert says in site(toml)


@pytest.mark.parametrize(
    "toml",
    [
        parameter("near_fever_sites", "['axillary', 'temporal', 'skin', 'tympanic']"),
        parameter("outpatient_words", "['outpatient', 'home', 'clinic', 'hotel', 'day unit']"),
        table("plausible", "temperature = [28, 44]"),
        table("labs.crp", "upper_limit = 0.8"),
        table("priorities", "icans = { 1 = 'low', 2 = 'low' }\ngrade = { 2 = 'high' }"),
        table("stale", "spo2 = { usual_s = 900, tight_s = 600 }"),
        table("timers.K8", "after_s = 21600"),
        table("timers.K2", f"text = 'The interval of 8 h is over. {PREVAILS}'"),
        table(
            "products.tarlatamab", "monitoring = 'On ward 12 for 48 h, as agreed with the clinic'"
        ),
    ],
)
def test_what_is_at_least_as_safe_is_taken(toml: str) -> None:
    assert site(toml) == ""


def test_a_site_changes_bands_of_a_score_but_not_its_points() -> None:
    band = {"name": "high", "at_least": 9}
    assert problems({"scores": {"news2": {"source": POLICY, "bands": [band]}}}) == ""
    step = {"name": "heart_rate", "steps": [{"points": 1}]}
    said = problems({"scores": {"news2": {"source": POLICY, "inputs": [step]}}})
    assert "scores.news2.inputs.heart_rate.steps cannot be changed: a published score" in said
