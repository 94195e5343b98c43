"""Cuts some stays out of a CLIF folder: `python cut.py FOLDER ID [ID ...]`, into this folder."""

import sys
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

TABLES = (
    "adt",
    "hospitalization",
    "labs",
    "medication_admin_continuous",
    "medication_admin_intermittent",
    "patient",
    "respiratory_support",
    "vitals",
)


def cut(source: Path, target: Path, stays: list[str]) -> None:
    """Write the rows of these hospitalizations, all columns, in the order of the source."""
    stay_table = pq.read_table(source / "hospitalization.parquet")
    of_stays = pc.is_in(stay_table["hospitalization_id"], pc.cast(stays, "large_string"))
    people = stay_table.filter(of_stays)["patient_id"]
    for name in TABLES:
        table = pq.read_table(source / f"{name}.parquet")
        wanted, key = (people, "patient_id") if name == "patient" else (stays, "hospitalization_id")
        if key == "hospitalization_id":
            wanted = pc.cast(wanted, "large_string")
        rows = table.filter(pc.is_in(table[key], wanted)).replace_schema_metadata(None)
        pq.write_table(rows, target / f"{name}.parquet", compression="zstd", compression_level=19)


if __name__ == "__main__":
    cut(Path(sys.argv[1]), Path(__file__).parent, sys.argv[2:])
