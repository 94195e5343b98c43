"""Published guidance: which rows speak of a patient, and which tables are refused."""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from importlib import resources
from typing import Any

import pytest

from stream.engine.guidance import TOPICS, GuidanceRow, rows_for
from stream.engine.products import Catalogue
from stream.engine.ruleset import HOUR
from stream.rules.errors import RulesetError
from stream.rules.guidance import build_guidance
from stream.rules.products import build_products

Table = dict[str, Any]


def packaged(name: str) -> Table:
    return tomllib.loads(resources.files("stream.rules").joinpath(name).read_text())


PRODUCTS: Catalogue = build_products(packaged("products.toml"))
ROWS = build_guidance(packaged("guidance.toml"), PRODUCTS)
BY_ID = {row.id: row for row in ROWS}


def shown(product: str, grade: int, highest: int | None = None, therapy: str = "") -> list[str]:
    """The ids for a product as charted, at a grade in an episode that reached the highest."""
    found = PRODUCTS.find(product, therapy)
    top = grade if highest is None else highest
    return [row.id for row in rows_for(ROWS, found, therapy, grade, top)]


def test_asco_for_car_t_grade_2() -> None:
    ids = shown("axi-cel", 2)
    for name in ("supportive", "tocilizumab", "dexamethasone", "monitoring"):
        assert f"asco-2021-car-t-g2-{name}" in ids
    row = BY_ID["asco-2021-car-t-g2-tocilizumab"]
    assert (row.interval, row.most_in_day, row.most_in_all) == (8 * HOUR, 3, 4)
    assert (row.dose, row.agents) == ("tocilizumab_dose", ("tocilizumab",))


def test_cartox_stands_beside_asco_with_its_own_interval() -> None:
    ids = shown("tisa-cel", 3)
    assert {"asco-2021-car-t-g3-tocilizumab", "cartox-2018-tocilizumab"} <= set(ids)
    assert BY_ID["cartox-2018-tocilizumab"].interval == 6 * HOUR


def test_rows_of_the_product_come_before_those_of_the_class() -> None:
    steroid = [name for name in shown("axi-cel", 2) if BY_ID[name].topic == "steroid"]
    assert steroid[:2] == [
        "axi-brexu-cel-labels-earlier-steroid",
        "asco-2021-car-t-g2-dexamethasone",
    ]


@pytest.mark.parametrize("grade", [1, 2, 3, 4])
@pytest.mark.parametrize("product", [*PRODUCTS.products, *PRODUCTS.classes])
def test_each_therapy_has_guidance_for_each_grade_in_the_order_of_topics(
    product: str, grade: int
) -> None:
    known = PRODUCTS.products.get(product) or PRODUCTS.classes[product]
    rows = rows_for(ROWS, known, known.therapy_class, grade, grade)
    order = [TOPICS.index(row.topic) for row in rows]
    assert rows
    assert order == sorted(order)


@pytest.mark.parametrize("therapy", PRODUCTS.classes)
@pytest.mark.parametrize("grade", [3, 4])
def test_grades_3_and_4_speak_of_intensive_care(therapy: str, grade: int) -> None:
    topics = {BY_ID[name].topic for name in shown("a trial product", grade, therapy=therapy)}
    assert "intensive_care" in topics


@pytest.mark.parametrize("grade", [0, 5])
@pytest.mark.parametrize("product", ["axi-cel", "tarlatamab", "lifileucel", "nivolumab"])
def test_nothing_for_grade_5_and_nothing_before_the_syndrome(product: str, grade: int) -> None:
    assert shown(product, grade) == []


def test_after_the_episode_the_highest_grade_decides() -> None:
    assert shown("tarlatamab", 0, 4) == ["tarlatamab-g4-stop"]
    assert shown("tarlatamab", 0, 2)[:2] == ["tarlatamab-resume", "tarlatamab-g2-next-dose"]
    assert "tarlatamab-hold" not in shown("tarlatamab", 0, 2)


def test_the_highest_grade_is_never_below_the_grade_now() -> None:
    assert "tarlatamab-g4-stop" in shown("tarlatamab", 4, 1)


@pytest.mark.parametrize(
    ("highest", "row"),
    [
        (0, "obe-cel-g1-second-part"),
        (1, "obe-cel-g1-second-part"),
        (2, "obe-cel-g2-second-part"),
        (3, "obe-cel-g3-no-second-part"),
        (4, "obe-cel-g3-no-second-part"),
    ],
)
def test_the_second_part_of_obe_cel(highest: int, row: str) -> None:
    assert shown("obe-cel", 0, highest) == [row]


def test_the_suicide_gene_is_for_its_carriers_alone() -> None:
    row = "emerging-suicide-gene-ic9"
    assert row in shown("iC9-CAR19", 4)
    carriers = [name for name in PRODUCTS.products if row in shown(name, 4)]
    assert carriers == ["ic9_car19"]
    assert row not in shown("a trial product", 4, therapy="car_t")
    lower = [GuidanceRow(**{**fields(BY_ID[row]), "suicide_gene": "ic9"})]
    assert rows_for(lower, PRODUCTS.products["ic9_car19"], "car_t", 4, 4) == tuple(lower)


def fields(row: GuidanceRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in GuidanceRow.__dataclass_fields__}


def test_a_row_of_a_product_is_not_for_its_class() -> None:
    assert not [
        name for name in shown("another engager", 3, therapy="bispecific") if BY_ID[name].products
    ]


def test_a_known_product_keeps_its_class_however_it_was_charted() -> None:
    assert shown("tarlatamab", 3, therapy="car_t") == shown("tarlatamab", 3, therapy="bispecific")
    assert not [
        name for name in shown("tarlatamab", 3, therapy="car_t") if "asco-2021-car-t" in name
    ]


@pytest.mark.parametrize("grade", [1, 2, 3, 4])
@pytest.mark.parametrize("therapy", ["bispecific", "other_effector_cell"])
def test_a_class_without_a_guideline_is_told_so(therapy: str, grade: int) -> None:
    rows = [BY_ID[name] for name in shown("a trial product", grade, therapy=therapy)]
    (design, *_) = [row for row in rows if row.topic == "supportive"]
    assert design.status == "DESIGN"
    assert "no guideline with steps for each grade was found" in design.text


def test_the_review_of_solid_tumours_is_not_shown_for_blood_cancers() -> None:
    for name, product in PRODUCTS.products.items():
        review = [row for row in shown(name, 3) if row.startswith("synnott-2025")]
        assert bool(review) is product.solid_tumour, name
        assert all(BY_ID[row].text.startswith("in solid tumours, ") for row in review)


def test_the_weight_rule_of_one_label_is_not_shown_as_a_guideline() -> None:
    row = "tisa-cel-label-tocilizumab-below-30-kg"
    assert [name for name in PRODUCTS.products if row in shown(name, 3)] == ["tisagenlecleucel"]
    assert row not in shown("a trial product", 3, therapy="car_t")


def test_a_review_of_car_t_says_so() -> None:
    jain = [row for row in ROWS if row.citation.startswith("Jain MD")]
    assert len(jain) == 6
    assert all(row.text.startswith("after CAR-T cells, ") for row in jain)


def test_emerging_rows_say_their_evidence_and_who_calls_them_emerging() -> None:
    emerging = [row for row in ROWS if row.topic == "emerging"]
    agents = {agent for row in emerging for agent in row.agents}
    assert {"siltuximab", "anakinra", "ruxolitinib", "emapalumab", "plasma_exchange"} <= agents
    assert all(row.evidence for row in emerging)
    assert any("10.1002/cncr.70069" in row.citation for row in emerging)
    assert min(grade for row in emerging for grade in row.grades) == 3


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_no_row_orders_and_each_says_where_it_is_from(row: GuidanceRow) -> None:
    assert not re.search(r"\b(give|gives|administer|must|should|order)\b", row.text, re.IGNORECASE)
    assert row.text[0] == row.text[0].lower() or row.text.split()[0].isupper()
    assert row.text.endswith(".")
    assert row.citation
    assert row.version
    assert row.status in ("checked", "mem", "DESIGN")
    assert "from memory" not in row.version or row.status == "mem"


@pytest.mark.parametrize(
    "row",
    [
        *("ebmt-eha-2022-dexamethasone", "sitc-2020-steroid", "nccn-link"),
        *("myeloma-bispecifics-hold", "tarlatamab-g3-recurrent", "emerging-plasma-exchange"),
    ],
)
def test_what_is_from_memory_stays_unverified(row: str) -> None:
    assert BY_ID[row].status == "mem"


def one(**changes: Any) -> Table:
    """A table of one good row with changes; None removes a field."""
    row = {
        "id": "a-row",
        "topic": "steroid",
        "grades": [2, 3],
        "therapy_classes": ["car_t"],
        "text": "dexamethasone may be considered.",
        "citation": "A et al. J 2024;1:1",
        "version": "2024",
        "date": "2024",
        "status": "mem",
        **changes,
    }
    return {"rows": [{key: value for key, value in row.items() if value is not None}]}


@pytest.mark.parametrize("status", ["checked", "mem", "DESIGN", "site"])
def test_each_status(status: str) -> None:
    (row,) = build_guidance(one(status=status), PRODUCTS)
    assert row.status == status


def test_a_table_of_one_row() -> None:
    table = one(agents=["dexamethasone"], interval_s=21600)
    before = deepcopy(table)
    (row,) = build_guidance(table, PRODUCTS)
    assert (row.id, row.grades, row.interval) == ("a-row", (2, 3), 6 * HOUR)
    assert table == before


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (one(colour="blue"), "colour is no field"),
        (one(topic="advice"), "guidance.a-row.topic = 'advice': expected one of supportive"),
        (one(grades=[]), "guidance.a-row.grades = []: expected grades from 0 to 5"),
        (one(grades=[6]), "grades = [6]: expected grades from 0 to 5"),
        (one(grades=[-1]), "grades = [-1]: expected grades from 0 to 5"),
        (one(grades=[3, 2]), "grades = [3, 2]: expected grades from 0 to 5, ascending"),
        (one(grades=[True]), "grades = [True]: expected grades"),
        (one(citation=None), "guidance.a-row.citation is missing"),
        (one(citation=" "), "guidance.a-row.citation = ' ': expected a text"),
        (one(version=None), "guidance.a-row.version is missing"),
        (one(date="soon"), "guidance.a-row.date = 'soon': expected a date"),
        (one(status="true"), "guidance.a-row.status = 'true': expected one of checked"),
        (one(id=None), "guidance.rows[1].id is missing"),
        (one(id="A row"), "guidance.rows[1].id = 'A row': expected words in lower case"),
        ({"rows": one()["rows"] * 2}, "guidance.rows[2].id = 'a-row': expected an id of its own"),
        ({"row": []}, "guidance.row is no field; did you mean rows?"),
        ({"rows": {}}, "guidance.rows = {}: expected a list of tables"),
        (one(therapy_classes=["cart"]), "'cart' is not known; did you mean car_t?"),
        (one(products=["axi-cel"]), "guidance.a-row.products: 'axi-cel' is not known"),
        (one(products=["tarlatamab"]), "expected bispecific, the class of tarlatamab"),
        (one(interval_s=3600), "guidance.a-row.agents is missing: limits of doses"),
        (one(agents=["x"], most_in_day=0), "most_in_day = 0: expected a whole number from 1"),
        (one(agents=["x"], interval_s=float("inf")), "interval_s = inf: expected seconds"),
        (one(agents=["x"], interval_s=float("nan")), "interval_s = nan: expected seconds"),
        (one(text="Give dexamethasone."), "expected what is published, not an order"),
        (one(text="administer dexamethasone."), "without 'administer'"),
        (one(text="here you must act."), "without 'you must'"),
        (one(text="order an echocardiogram."), "without 'order'"),
    ],
)
def test_refused(table: Table, says: str) -> None:
    with pytest.raises(RulesetError) as error:
        build_guidance(table, PRODUCTS)
    assert says in str(error.value)
