"""The catalogue of products: what is in it, and which tables are refused."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from importlib import resources
from typing import Any

import pytest

from stream.engine.products import Catalogue, spelled
from stream.engine.ruleset import HOUR, MINUTE
from stream.rules.errors import RulesetError
from stream.rules.products import THERAPY_CLASSES, build_products

DAY = 24 * HOUR
Table = dict[str, Any]


def packaged() -> Table:
    return tomllib.loads(resources.files("stream.rules").joinpath("products.toml").read_text())


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return build_products(packaged())


REFERENCE = (
    *("tebentafusp", "tarlatamab", "afamitresgene_autoleucel", "lifileucel"),
    *("nivolumab", "pembrolizumab", "ipilimumab", "atezolizumab", "durvalumab", "cemiplimab"),
    *("axicabtagene_ciloleucel", "tisagenlecleucel", "brexucabtagene_autoleucel"),
    *("idecabtagene_vicleucel", "ciltacabtagene_autoleucel", "lisocabtagene_maraleucel"),
    *("obecabtagene_autoleucel", "teclistamab", "talquetamab", "elranatamab"),
    *("epcoritamab", "glofitamab", "mosunetuzumab", "blinatumomab"),
)


def test_all_products_are_there_solid_tumours_first(catalogue: Catalogue) -> None:
    names = list(catalogue.products)
    assert [name for name in names if name in REFERENCE] == list(REFERENCE)
    solid = [catalogue.products[name].solid_tumour for name in names]
    assert solid == sorted(solid, reverse=True)
    assert set(catalogue.classes) == set(THERAPY_CLASSES)


def test_the_file_is_left_as_it_is() -> None:
    table = packaged()
    build_products(table)
    assert table == packaged()


@pytest.mark.parametrize(
    ("charted", "name"),
    [
        ("axicabtagene_ciloleucel", "axicabtagene_ciloleucel"),
        ("Axicabtagene ciloleucel", "axicabtagene_ciloleucel"),
        ("axi-cel", "axicabtagene_ciloleucel"),
        ("AXI CEL", "axicabtagene_ciloleucel"),
        ("Yescarta", "axicabtagene_ciloleucel"),
        ("tarlatamab-dlle", "tarlatamab"),
        ("AMG757", "tarlatamab"),
        ("Keytruda", "pembrolizumab"),
        ("iC9.CAR19", "ic9_car19"),
    ],
)
def test_spellings(catalogue: Catalogue, charted: str, name: str) -> None:
    found = catalogue.find(charted, "other_effector_cell")
    assert found is not None
    assert found.name == name


def test_a_class_stands_in_for_what_has_no_row(catalogue: Catalogue) -> None:
    found = catalogue.find("trial product 7", "bispecific")
    assert found is not None
    assert (found.name, found.status) == ("bispecific", "DESIGN")
    assert catalogue.find("trial product 7", "chemotherapy") is None
    assert all(row.status == "DESIGN" for row in catalogue.classes.values())


@pytest.mark.parametrize(
    ("name", "dose", "end"),
    [
        ("tarlatamab", 1, 48 * HOUR),
        ("tarlatamab", 2, 48 * HOUR),
        ("teclistamab", 3, 48 * HOUR),
        ("axicabtagene_ciloleucel", None, 14 * DAY),
        ("afamitresgene_autoleucel", 1, 7 * DAY),
        ("blinatumomab", 1, 9 * DAY),
        ("blinatumomab", 2, 2 * DAY),
        ("nivolumab", 30, 31 * DAY),
    ],
)
def test_windows(catalogue: Catalogue, name: str, dose: int | None, end: int) -> None:
    window = catalogue.products[name].window(dose)
    assert window is not None
    assert window.end == end


def test_tebentafusp_is_watched_longer_after_the_first_three_infusions(
    catalogue: Catalogue,
) -> None:
    product = catalogue.products["tebentafusp"]
    first, later = product.window(3), product.window(4)
    assert first is not None
    assert later is not None
    assert first.end >= 16 * HOUR > later.end >= 30 * MINUTE


def test_no_window_is_published_after_the_step_up_of_teclistamab(catalogue: Catalogue) -> None:
    assert catalogue.products["teclistamab"].window(4) is None


def test_the_subcutaneous_form_of_mosunetuzumab_is_not_dosed_as_the_intravenous_one(
    catalogue: Catalogue,
) -> None:
    found = catalogue.find("Lunsumio Velo", "bispecific")
    assert found is not None
    assert found.schedule == ()


def test_late_onset_and_no_window_that_outlasts_it(catalogue: Catalogue) -> None:
    late = {name: row.late_onset for name, row in catalogue.products.items()}
    assert late["tarlatamab"] == 15 * DAY
    assert late["durvalumab"] == 31 * DAY
    cells = {"car_t", "tcr_t", "til"}
    assert {
        row.late_onset for row in catalogue.products.values() if row.therapy_class in cells
    } == {14 * DAY}
    for row in catalogue.products.values():
        assert all(window.end <= row.late_onset for window in row.windows), row.name


@pytest.mark.parametrize(
    ("name", "number", "days"),
    [
        ("tarlatamab", 1, 7),
        ("obecabtagene_autoleucel", 1, 9),
        ("tebentafusp", 2, 7),
        ("obecabtagene_autoleucel", 2, None),
        ("axicabtagene_ciloleucel", 1, None),
    ],
)
def test_the_next_dose(catalogue: Catalogue, name: str, number: int, days: int | None) -> None:
    expected = None if days is None else days * DAY
    assert catalogue.products[name].next_dose_after(number) == expected


def test_what_precedes_the_next_dose(catalogue: Catalogue) -> None:
    assert catalogue.products["glofitamab"].resolved_for == 72 * HOUR
    assert {row.ask_from_grade for row in catalogue.products.values()} == {2}
    carriers = [row.name for row in catalogue.products.values() if row.suicide_gene]
    assert carriers == ["ic9_car19"]


def test_rates_are_those_published(catalogue: Catalogue) -> None:
    rates = {
        (name, rate.at_least, rate.scale): rate.percent
        for name, row in catalogue.products.items()
        for rate in row.rates
    }
    assert rates["tarlatamab", 1, ""] == (57, 57)
    assert rates["tarlatamab", 3, ""] == (1.9, 1.9)
    assert rates["axicabtagene_ciloleucel", 1, "lee-2014"] == (94, 94)
    assert rates["tisagenlecleucel", 3, "penn-2018"] == (23, 49)
    assert rates["tebentafusp", 2, ""] == (77, 77)
    assert rates["ciltacabtagene_autoleucel", 1, ""] == (84, 95)


def test_what_is_from_memory_is_never_called_checked(catalogue: Catalogue) -> None:
    memory = {"idecabtagene_vicleucel", "ciltacabtagene_autoleucel", "lisocabtagene_maraleucel"}
    memory |= {"obecabtagene_autoleucel", "talquetamab", "elranatamab", "blinatumomab"}
    memory |= {"tarlatamab", "axicabtagene_ciloleucel", "tisagenlecleucel"}
    memory |= {"brexucabtagene_autoleucel"}
    assert {catalogue.products[name].status for name in memory} == {"mem"}
    every = [*catalogue.products.values(), *catalogue.classes.values()]
    statuses = {row.status for row in every} | {w.status for row in every for w in row.windows}
    assert statuses <= {"checked", "mem", "DESIGN"}
    for row in catalogue.products.values():
        if "from memory" in row.onset + row.duration + row.monitoring:
            assert row.status == "mem", row.name
    for row in every:
        for window in row.windows:
            assert window.status != "checked" or "DESIGN" not in window.source, row.name


def changed(path: str, value: Any) -> Table:
    """The packaged table with one field at a dotted path replaced, or removed by None."""
    table: Any = deepcopy(packaged())
    *tables, last = path.split(".")
    row = table
    for key in tables:
        row = row[int(key)] if key.isdigit() else row[key]
    if value is None:
        del row[last]
    else:
        row[last] = value
    return dict(table)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("tarlatamab.colour", "blue", "products.tarlatamab.colour is no field"),
        ("tarlatamab.late_onset", 9, "did you mean late_onset_s"),
        ("tarlatamab.source", None, "products.tarlatamab.source is missing"),
        ("tarlatamab.status", None, "products.tarlatamab.status is missing"),
        ("tarlatamab.status", "sure", "status = 'sure': expected one of checked, mem, DESIGN"),
        ("tarlatamab.label_date", None, "products.tarlatamab.label_date is missing"),
        ("tarlatamab.label_date", "last May", "label_date = 'last May': expected a date"),
        ("tarlatamab.therapy_class", "antibody", "therapy_class = 'antibody': expected one of"),
        ("tarlatamab.late_onset_s", 0, "late_onset_s = 0: expected seconds, more than 0"),
        ("tarlatamab.late_onset_s", "2 weeks", "late_onset_s = '2 weeks': expected seconds"),
        ("tarlatamab.late_onset_s", True, "late_onset_s = True: expected seconds"),
        ("tarlatamab.ask_from_grade", 5, "ask_from_grade = 5: expected a whole number from 1 to 4"),
        ("tarlatamab.solid_tumour", "yes", "solid_tumour = 'yes': expected true or false"),
        ("tarlatamab.aliases", "Imdelltra", "aliases = 'Imdelltra': expected a list of texts"),
        ("tarlatamab.aliases", ["Yescarta"], "'Yescarta' is also a name of products."),
        ("tarlatamab.aliases", ["--"], "'--' has no letter or digit"),
        ("tarlatamab.schedule_source", None, "schedule_source is missing"),
        ("tarlatamab.schedule.1.after_s", 0, "schedule[2].after_s = 0: expected more than that"),
        ("tarlatamab.schedule.0.after_s", 60, "schedule[1].after_s = 60: expected 0"),
        ("tarlatamab.schedule.1.number", 3, "schedule[2].number = 3: expected 2"),
        ("tarlatamab.rates.0.percent", [57, 157], "rates[1].percent = [57, 157]: expected"),
        ("tarlatamab.rates.0.percent", [57, 50], "expected [lowest, highest], ascending"),
        ("tarlatamab.rates.0.status", None, "products.tarlatamab.rates[1].status is missing"),
        (
            "tarlatamab.windows.first_two.end_s",
            3600,
            "products.tarlatamab.windows.first_two.end_s = 3600: expected more than 0 and not less",
        ),
        ("tarlatamab.windows.first_two.peak_to_s", 0, "peak_to_s = 0: expected not less than peak"),
        ("tarlatamab.windows.first_two.source", None, "windows.first_two.source is missing"),
        ("tarlatamab.windows.first_two.to_dose", 3, "windows.later.from_dose = 3: expected 4"),
        ("tarlatamab.windows.first_two.to_dose", 1, "windows.later.from_dose = 3: expected 2"),
        ("tarlatamab.windows.first_two.from_dose", 2, "from_dose = 2: expected 1"),
        ("tarlatamab.windows.first_two.to_dose", None, "an earlier window is for all later ones"),
        ("nivolumab.like", "antibody", "products.nivolumab.like = 'antibody': expected a class"),
        ("classes.til", None, "products.classes.til is missing: every class has a row"),
        ("classes.til.brand", "Amtagvi", "products.classes.til.brand is no field"),
        ("classes.antibody", {}, "products.classes.antibody is no field"),
        ("tarlatamab", "Imdelltra", "products.tarlatamab = 'Imdelltra': expected a table"),
        ("Tarlatamab II", {}, "products.Tarlatamab II: expected a name in lower case"),
    ],
)
def test_refused(path: str, value: Any, says: str) -> None:
    with pytest.raises(RulesetError) as error:
        build_products(changed(path, value))
    assert says in str(error.value)


def test_a_product_like_a_class_takes_what_it_does_not_say() -> None:
    table = changed("classes.checkpoint_inhibitor.late_onset_s", 40 * 86400)
    table["nivolumab"]["late_onset_s"] = 35 * 86400
    built = build_products(table).products
    assert built["pembrolizumab"].late_onset == 40 * DAY
    assert built["nivolumab"].late_onset == 35 * DAY
    assert built["nivolumab"].target == "PD-1"


def test_a_name_without_case_and_signs() -> None:
    assert spelled("Axi-Cel") == spelled("axi cel") == "axicel"
