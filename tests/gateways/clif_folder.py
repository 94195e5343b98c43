"""Small CLIF folders made for one test, what is read of them, and where the real ones are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stream.gateways.clif import read_clif
from stream.gateways.clif_tables import COLUMNS, is_time

FIXTURE = Path(__file__).parents[1] / "data" / "clif"
DEMO = Path(__file__).parents[3] / "shared" / "data" / "clif_demo"
ADMISSION = datetime(2150, 1, 1, 8, 0, tzinfo=UTC)
TEXTS = {"hospitalization_id", "patient_id", "med_order_id"}
NUMBERS = {
    "vital_value": pa.float64(),
    "med_dose": pa.float32(),
    "lab_value_numeric": pa.float64(),
    "fio2_set": pa.float64(),
    "lpm_set": pa.float64(),
    "peep_set": pa.float64(),
    "peep_obs": pa.float64(),
    "age_at_admission": pa.int64(),
    "tracheostomy": pa.bool_(),
}


def at(minutes: float) -> datetime:
    """Minutes after the admission of every made stay."""
    return ADMISSION + timedelta(minutes=minutes)


def column_type(column: str, zone: str | None) -> object:
    if is_time(column):
        return pa.timestamp("us", zone)
    return NUMBERS.get(column, pa.large_string())


class Folder:
    """A CLIF folder under construction; the stay `100` of the person `7` is there at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = {name: [] for name in COLUMNS}
        self.stay()

    def stay(self, stay="100", person="7", **cells) -> None:
        row = {
            "hospitalization_id": stay,
            "patient_id": person,
            "admission_dttm": ADMISSION,
            "discharge_dttm": at(3 * 24 * 60),
            "age_at_admission": 61,
            "discharge_category": "Home",
        }
        self.rows["hospitalization"].append(row | cells)

    def add(self, table: str, minutes: float = 0, stay: str = "100", **cells) -> None:
        moment = {
            "vitals": "recorded_dttm",
            "respiratory_support": "recorded_dttm",
            "medication_admin_continuous": "admin_dttm",
            "medication_admin_intermittent": "admin_dttm",
            "labs": "lab_collect_dttm",
            "adt": "in_dttm",
        }[table]
        self.rows[table].append({"hospitalization_id": stay, moment: at(minutes)} | cells)

    def write(
        self, zone: str | None = "UTC", prefix: str = "", naive: tuple[str, ...] = ()
    ) -> Path:
        for name, rows in self.rows.items():
            needed, optional = COLUMNS[name]
            if not rows and name != "hospitalization":
                continue
            columns = {}
            for column in (*needed, *optional):
                kind = column_type(column, None if name in naive else zone)
                values = [row.get(column) for row in rows]
                if is_time(column) and (name in naive or zone is None):
                    values = [v.replace(tzinfo=None) if v else None for v in values]
                columns[column] = pa.array(values, kind)
            pq.write_table(pa.table(columns), self.path / f"{prefix}{name}.parquet")
        return self.path


def play(folder, **options):
    """Events but for those of the stay itself; the feed; what was refused."""
    refused = []
    feed = read_clif(folder.path, on_refused=refused.append, **options)
    events = list(feed.events)
    assert feed.counts.add_up, feed.counts.missing()
    own = {"clif:hospitalization", "clif:adt"}
    kept = [e for e in events if e["source"] not in own and e["type"] != "therapy"]
    return kept, feed, refused
