"""A CLIF folder as Arrow tables, cut into stays: columns stay columnar until a stay is wanted.

Needs `pyarrow` (extra `clif`). A table is `<name>.parquet` or `clif_<name>.parquet`. Times become
microseconds since the Unix epoch, UTC; a time column without a zone is kept unread (`naive`), since
its instants cannot be known.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAY = "hospitalization_id"

# Columns read of each table: the needed ones, then those that may be absent.
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "hospitalization": (
        ("patient_id", STAY, "admission_dttm", "discharge_dttm"),
        ("age_at_admission", "discharge_category"),
    ),
    "patient": (("patient_id",), ("death_dttm",)),
    "adt": ((STAY, "in_dttm"), ("location_name", "location_category")),
    "vitals": (
        (STAY, "recorded_dttm", "vital_category", "vital_value"),
        ("vital_name", "meas_site_name"),
    ),
    "respiratory_support": (
        (STAY, "recorded_dttm", "device_category"),
        (
            "device_name",
            "mode_name",
            "mode_category",
            "tracheostomy",
            "fio2_set",
            "lpm_set",
            "peep_set",
            "peep_obs",
        ),
    ),
    "medication_admin_continuous": (
        (STAY, "admin_dttm", "med_category", "med_dose", "med_dose_unit"),
        (
            "med_name",
            "med_order_id",
            "mar_action_name",
            "mar_action_category",
            "med_route_category",
        ),
    ),
    "medication_admin_intermittent": (
        (STAY, "admin_dttm", "med_category", "med_dose", "med_dose_unit"),
        (
            "med_name",
            "med_order_id",
            "mar_action_name",
            "mar_action_category",
            "med_route_name",
            "med_route_category",
        ),
    ),
    "labs": (
        (STAY, "lab_collect_dttm", "lab_category", "lab_value_numeric", "reference_unit"),
        ("lab_result_dttm", "lab_value", "lab_name"),
    ),
}
TABLES = tuple(COLUMNS)


class ClifError(ValueError):
    """The folder is not one that can be read as CLIF; the text says what to do."""


def is_time(column: str) -> bool:
    """Whether a column of CLIF holds instants."""
    return column.endswith("_dttm")


def shortest(value: float) -> float:
    """The decimal number that a 32-bit float was written for (0.05, not 0.05000000074505806)."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 (not a number)
        return value
    packed = struct.pack("f", value)
    for digits in range(6, 10):
        text = float(f"{value:.{digits}g}")
        if struct.pack("f", text) == packed:
            return text
    return value  # pragma: no cover - nine digits always tell 32-bit floats apart


@dataclass(slots=True)
class ClifTable:
    """One table: rows sorted by stay (ties in the order of the file), and where each stay is."""

    name: str
    data: Any
    """`pyarrow.Table`."""
    naive: frozenset[str]
    single: tuple[str, ...]
    """Columns of 32-bit floats."""
    spans: dict[str, tuple[int, int]]
    """First row and number of rows of each stay (of each patient, in `patient`)."""

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return int(self.data.num_rows)

    def of(self, key: str) -> list[dict[str, Any]]:
        """The rows of one stay (or patient) as dictionaries, in the order of the file."""
        first, count = self.spans.get(key, (0, 0))
        rows: list[dict[str, Any]] = self.data.slice(first, count).to_pylist()
        for column in self.single:
            for row in rows:
                if row[column] is not None:
                    row[column] = shortest(row[column])
        return rows

    def earliest(self) -> Iterator[tuple[str, int]]:
        """For each stay, the earliest instant of any time column."""
        times = [c for c in self.data.column_names if is_time(c) and c not in self.naive]
        if not times or not self.rows:
            return
        key = self.data.column_names[0]
        least = self.data.group_by(key).aggregate([(column, "min") for column in times])
        for row in least.to_pylist():
            known = [row[f"{column}_min"] for column in times if row[f"{column}_min"] is not None]
            if known:
                yield row[key], min(known)


def _path(folder: Path, name: str) -> Path | None:
    for candidate in (folder / f"{name}.parquet", folder / f"clif_{name}.parquet"):
        if candidate.is_file():
            return candidate
    return None


def read_table(folder: Path, name: str) -> ClifTable | None:
    """One table of a CLIF folder, None where there is no such file.

    Raises `ClifError` for a file that is not Parquet, a needed column that is missing, or a time
    column that is not one.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 (an extra; the package must import without it)
        import pyarrow.compute as pc  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise ClifError(
            'reading CLIF needs pyarrow: install it with `pip install "stormwatch[clif]"`'
        ) from error

    path = _path(folder, name)
    if path is None:
        return None
    needed, optional = COLUMNS[name]
    key = "patient_id" if name == "patient" else STAY
    order = [key, *(c for c in (*needed, *optional) if c != key)]
    try:
        present = set(pq.read_schema(path).names)
        if absent := [column for column in needed if column not in present]:
            raise ClifError(
                f"{path.name} lacks the CLIF column(s) {', '.join(absent)}; is it CLIF 2.1?"
            )
        data = pq.read_table(path, columns=[c for c in order if c in present])
    except (pa.ArrowInvalid, OSError) as error:
        raise ClifError(f"{path.name} cannot be read as Parquet: {error}") from error

    naive, single, arrays = set(), [], []
    for column in order:
        if column not in present:
            arrays.append(pa.nulls(data.num_rows))
            continue
        values = data[column]
        if column in (STAY, "patient_id", "med_order_id"):
            values = values.cast(
                pa.string()
            )  # ids are texts, whatever a site's export made of them
            if column == key:
                values = values.fill_null("")  # rows without one are refused together
        elif is_time(column):
            if not pa.types.is_timestamp(values.type):
                raise ClifError(f"{path.name}: {column} holds {values.type}, not timestamps")
            if values.type.tz is None:
                naive.add(column)
            values = values.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
        elif pa.types.is_temporal(values.type):
            raise ClifError(f"{path.name}: {column} holds {values.type}, which is no such column's")
        elif pa.types.is_float32(values.type):
            single.append(column)
        arrays.append(values)
    data = pa.table(arrays, names=order)
    row = pa.array(range(data.num_rows), pa.int64())
    data = data.take(
        pc.sort_indices(
            pa.table({"key": data[key], "row": row}),
            sort_keys=[("key", "ascending"), ("row", "ascending")],
        )
    ).combine_chunks()

    spans, first = {}, 0
    for group in pc.value_counts(data[key].combine_chunks() if data.num_rows else data[key]):
        stay, count = group["values"].as_py(), group["counts"].as_py()
        spans[stay] = (first, count)
        first += count
    return ClifTable(name, data, frozenset(naive), tuple(single), spans)
