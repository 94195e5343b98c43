"""`stormwatch products`: the catalogue as a table, as JSON, and one product in full."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from types import SimpleNamespace
from typing import Any

import pytest

from stream.cli import products as command
from stream.cli.exits import USAGE, CommandError
from stream.engine.products import Catalogue
from stream.engine.ruleset import HOUR, MINUTE
from stream.rules.products import build_products

CATALOGUE: Catalogue = build_products(
    tomllib.loads(resources.files("stream.rules").joinpath("products.toml").read_text())
)


@pytest.fixture(autouse=True)
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = SimpleNamespace(products=CATALOGUE)
    monkeypatch.setattr(command, "ruleset_from", lambda _path: rules)


def said(capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    command.products(**options)
    return capsys.readouterr().out


def test_the_table_has_a_line_for_each_product_and_class(
    capsys: pytest.CaptureFixture[str],
) -> None:
    header, *rows = said(capsys).splitlines()
    assert header.split()[:4] == ["product", "brand", "class", "target"]
    assert len(rows) == len(CATALOGUE.products) + len(CATALOGUE.classes)
    cells = {row.split()[0]: row for row in rows}
    for word in ("Imdelltra", "bispecific", "DLL3", "57 / 1.9", "median 16 h", "48 h", "2024"):
        assert word in cells["tarlatamab"]
    assert cells["afamitresgene_autoleucel"].endswith("checked")
    assert cells["tarlatamab"].endswith("mem")
    assert cells["idecabtagene_vicleucel"].endswith("mem")
    assert ">=G2 77 / -" in cells["tebentafusp"]
    assert sum(row.startswith("any other ") for row in rows) == len(CATALOGUE.classes)


def test_one_product_in_full_with_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, name="Axi-Cel")
    product = CATALOGUE.products["axicabtagene_ciloleucel"]
    assert text.startswith("axicabtagene_ciloleucel (Yescarta)\n")
    assert product.source in text
    assert all(window.source in text for window in product.windows)
    assert "94 % by lee-2014 (checked)" in text
    assert "checks at least every 24 h" in text
    schedule = said(capsys, name="obe-cel")
    assert CATALOGUE.products["obecabtagene_autoleucel"].schedule_source in schedule
    assert "dose 2  day 10  second part" in schedule
    assert "the syndrome over for 3 d" in said(capsys, name="glofitamab")


def test_a_class_says_that_it_stands_in(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, name="til")
    assert text.startswith("any other til\n")
    assert "DESIGN: stands in for products without a row" in text


def test_json_has_spans_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in said(capsys, as_json=True).splitlines()]
    by_name = {row["name"]: row for row in lines if not row["stands_in_for_class"]}
    assert list(by_name) == list(CATALOGUE.products)
    glofitamab = by_name["glofitamab"]
    assert glofitamab["resolved_for_s"] == 72 * 3600
    assert glofitamab["windows"][0]["end_s"] == 24 * 3600
    assert [dose["after_s"] for dose in glofitamab["schedule"]][:2] == [0, 7 * 86400]
    assert by_name["tarlatamab"]["resolved_for_s"] is None
    (one,) = said(capsys, name="tarlatamab", as_json=True).splitlines()
    assert json.loads(one) == by_name["tarlatamab"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tarlatamb", "no product 'tarlatamb'; did you mean tarlatamab"),
        ("Yescata", "did you mean axicabtagene_ciloleucel?"),
        ("bispecifc", "did you mean bispecific?"),
        ("water", "no product 'water'; none is near. `stormwatch products` lists them"),
    ],
)
def test_a_name_that_is_none(name: str, says: str) -> None:
    with pytest.raises(CommandError) as error:
        command.products(name=name)
    assert error.value.code == USAGE
    assert says in error.value.message


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (14 * 24 * HOUR, "14 d"),
        (48 * HOUR, "48 h"),
        (72 * HOUR, "3 d"),
        (36 * HOUR + 30 * MINUTE, "36.5 h"),
        (30 * MINUTE, "30 min"),
    ],
)
def test_spans(time: int, text: str) -> None:
    assert command.span(time) == text
