"""`stormwatch guidance`: what is published, with citations, and never an order."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from types import SimpleNamespace
from typing import Any

import pytest

from stream.cli import guidance as command
from stream.cli.exits import USAGE, CommandError
from stream.engine.guidance import PREVAILS, SAYS, TOPICS
from stream.rules.guidance import build_guidance
from stream.rules.products import build_products

PREVAIL_LINE = "Clinician judgement required; local policy prevails."


def packaged(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("stream.rules").joinpath(name).read_text())


PRODUCTS = build_products(packaged("products.toml"))
RULES = SimpleNamespace(
    products=PRODUCTS, guidance=build_guidance(packaged("guidance.toml"), PRODUCTS)
)


@pytest.fixture(autouse=True)
def rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ruleset_from", lambda _path: RULES)


def said(capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    command.guidance(**options)
    return capsys.readouterr().out


def ids(capsys: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    return [json.loads(line)["id"] for line in said(capsys, as_json=True, **options).splitlines()]


def test_a_row_has_its_citation_version_and_date(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, product="axi-cel", grade=2, topic="anticytokine")
    first, *_ = text.split("\n\n")
    words = " ".join(first.split())
    assert words.startswith("anticytokine, grade 2: asco-2021-car-t-g2-tocilizumab")
    assert SAYS + "tocilizumab 8 mg/kg" in words
    assert "10.1200/JCO.21.01992" in words
    assert words.endswith("ASCO guideline 2021; 2021")


def test_it_ends_with_whose_judgement_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert PREVAILS == PREVAIL_LINE
    assert said(capsys).endswith(f"\n\n{PREVAIL_LINE}\n")
    nothing = said(capsys, product="axi-cel", grade=5)
    assert nothing == f"Nothing is on record for this.\n\n{PREVAIL_LINE}\n"


def test_what_is_from_memory_is_unverified(capsys: pytest.CaptureFixture[str]) -> None:
    heads = [line for line in said(capsys).splitlines() if line and not line.startswith(" ")]
    marked = {line.split(": ")[1].split()[0] for line in heads if line.endswith("[unverified]")}
    assert marked == {row.id for row in RULES.guidance if row.status == "mem"}


def test_what_is_our_choice_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    first = said(capsys, therapy_class="other_effector_cell", grade=2).splitlines()[0]
    assert first == "supportive, grade 1, 2, 3, 4: other-effector-cell-supportive  [DESIGN]"


def test_everything_is_listed_by_topic(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in said(capsys, as_json=True).splitlines()]
    assert sorted(row["id"] for row in rows) == sorted(row.id for row in RULES.guidance)
    order = [TOPICS.index(row["topic"]) for row in rows]
    assert order == sorted(order)


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    (line, *_) = said(
        capsys, as_json=True, product="tisa-cel", grade=2, topic="anticytokine"
    ).split("\n")
    row = json.loads(line)
    assert row["interval_s"] == 8 * 3600
    assert (row["most_in_day"], row["most_in_all"], row["verified"]) == (3, 4, True)
    assert row["note"] == PREVAIL_LINE


def test_a_class_leaves_out_what_is_for_named_products(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engagers = ids(capsys, therapy_class="bispecific")
    assert "engagers-supportive" in engagers
    assert "tarlatamab-hold" not in engagers
    assert "tarlatamab-hold" in ids(capsys, product="Imdelltra")
    assert ids(capsys, product="car_t") == ids(capsys, therapy_class="car_t")


def test_the_suicide_gene_needs_its_product(capsys: pytest.CaptureFixture[str]) -> None:
    assert "emerging-suicide-gene-ic9" in ids(capsys, product="iC9-CAR19", topic="emerging")
    assert "emerging-suicide-gene-ic9" not in ids(capsys, product="axi-cel", topic="emerging")
    assert "carrying iC9" in said(capsys, product="iC9-CAR19", topic="emerging")


def test_grade_0_is_the_dose_that_went_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert ids(capsys, grade=0) == ["obe-cel-g1-second-part"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"product": "tarlatamb"}, "no product 'tarlatamb'; did you mean tarlatamab"),
        ({"therapy_class": "cart"}, "--class cart: did you mean car_t?"),
        ({"topic": "steroids"}, "--topic steroids: did you mean steroid?"),
        ({"topic": "x"}, "--topic x: there are supportive, anticytokine"),
        ({"product": "axi-cel", "therapy_class": "car_t"}, "--product or --class, not both"),
    ],
)
def test_what_is_not_there(options: dict[str, Any], says: str) -> None:
    with pytest.raises(CommandError) as error:
        command.guidance(**options)
    assert error.value.code == USAGE
    assert says in error.value.message
