"""CLIF folders with cells, types and columns of any kind: events, refusals, or a word why not."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stream.gateways.clif import ClifError, read_clif
from stream.gateways.clif_deadletter import dead_letter
from stream.gateways.clif_tables import COLUMNS, is_time
from stream.gateways.jsonl import encode
from stream.intake import decode

if TYPE_CHECKING:
    from pathlib import Path

    from stream.gateways.clif import Refusal

IDS = {"hospitalization_id", "patient_id", "med_order_id"}
NUMBERS = {"vital_value", "med_dose", "lab_value_numeric", "fio2_set", "lpm_set", "peep_set"}
NUMBERS |= {"peep_obs", "age_at_admission"}
WORDS = [
    "Expired", "sbp", "temp_c", "weight_kg", "norepinephrine", "IMV", "nasal cannula", "start",
    "stop", "given", "mcg/kg/min", "creatinine", "mg/dl", "tocilizumab", "sodium_chloride", "mg",
    "", "\x00", "\ufeff", "é" * 200, "x" * 3000,
]  # fmt: skip
KINDS: dict[str, tuple[Any, list[Any]]] = {
    "text": (pa.large_string(), WORDS),
    "float": (pa.float64(), [0.0, 1.5, -1, math.nan, math.inf, 1e308, 70.0, 98.6, 2e9]),
    "single": (pa.float32(), [0.05, 7.5, math.nan, -math.inf]),
    "whole": (pa.int64(), [0, 1, -1, 2**62, -(2**62), 70]),
    "truth": (pa.bool_(), [True, False]),
    "bytes": (pa.binary(), [b"\xff\xfe", b""]),
    "list": (pa.list_(pa.float64()), [[], [math.nan]]),
    "time": (
        pa.timestamp("us", "UTC"),
        [0, 2**62, -(2**62), 5_680_281_600_000_000, 5_680_285_200_000_000, 32_503_680_000_000_000],
    ),
}


def _kind(column: str, dice: random.Random) -> str:
    if dice.random() < 0.05:
        return dice.choice(list(KINDS))
    if is_time(column):
        return "time"
    if column in NUMBERS:
        return dice.choice(["float", "float", "float", "single", "whole"])
    return "truth" if column == "tracheostomy" else "text"


def _column(column: str, rows: int, dice: random.Random) -> Any:
    if column in IDS:
        return pa.array([dice.choice(["100", "7", "", None]) for _ in range(rows)])
    type_, values = KINDS[_kind(column, dice)]
    return pa.array([dice.choice([*values, None]) for _ in range(rows)], type_)


@pytest.mark.parametrize("seed", range(60))
def test_a_folder_of_anything(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    for name, (needed, optional) in COLUMNS.items():
        rows = dice.randint(0, 6)
        columns = [*needed, *(column for column in optional if dice.random() < 0.8)]
        table = pa.table({column: _column(column, rows, dice) for column in columns})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    refused: list[Refusal] = []
    try:
        feed = read_clif(tmp_path, on_refused=refused.append)
    except ClifError as error:
        assert str(error)
        return
    for event in feed.events:
        assert decode(encode(event)).event is not None
    assert feed.counts.add_up
    for refusal in refused:
        dead_letter(refusal)
