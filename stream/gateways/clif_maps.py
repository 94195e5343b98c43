"""The mapping tables of `data/clif.toml`, loaded and checked once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


def plain(text: object) -> str:
    """A text as the tables compare it: lower case, `_` and runs of blanks as one blank."""
    return "" if text is None else " ".join(str(text).replace("_", " ").lower().split())


@dataclass(frozen=True, slots=True)
class VitalRule:
    """What a vital_category is: a signal with its unit, a field of the profile, or not used."""

    signal: str = ""
    unit: str = ""
    profile: str = ""
    ignore: str = ""


@dataclass(frozen=True, slots=True)
class DeviceRule:
    """One line of the device table; None means that it does not matter."""

    category: tuple[str, ...]
    name: tuple[str, ...] = ()
    tracheostomy: bool | None = None
    pressure: bool | None = None
    device: str = ""
    refuse: str = ""
    note: str = ""

    def fits(self, *, category: str, name: str, tracheostomy: bool, pressure: bool) -> bool:
        """Whether a row with these texts and facts is what this line describes."""
        return (
            category in self.category
            and (not self.name or any(part in name for part in self.name))
            and self.tracheostomy in (None, tracheostomy)
            and self.pressure in (None, pressure)
        )


@dataclass(frozen=True, slots=True)
class ClifMaps:
    """All tables, keys in plain text (see `plain`)."""

    vitals: dict[str, VitalRule]
    pressure_methods: tuple[tuple[tuple[str, ...], str], ...]
    sites: dict[str, str]
    devices: tuple[DeviceRule, ...]
    idle_modes: frozenset[str]
    infusions: dict[str, str]
    infused_doses: dict[str, str]
    infusion_units: dict[str, str]
    actions_by_name: dict[str, str]
    actions_by_category: dict[str, str]
    doses: dict[str, str]
    fluids: frozenset[str]
    fluid_routes: tuple[str, ...]
    cell_therapies: dict[str, str]
    dose_units: dict[str, str]
    dose_actions: dict[str, str]
    routes: dict[str, str]
    labs: dict[str, str]
    lab_units: dict[str, str]
    labs_without_unit: dict[str, str]
    discharges: dict[str, str]

    def pressure_method(self, vital_name: str) -> str | None:
        """`cuff` or `arterial_line` from the site's own name, None where it does not say."""
        text = plain(vital_name)
        for parts, method in self.pressure_methods:
            if any(part in text for part in parts):
                return method
        return None

    def infusion_action(self, name: object, category: object) -> str | None:
        """`start`, `rate`, `stop`, `running`, `ignore:<reason>`, or None where nobody knows."""
        by_name = self.actions_by_name.get(plain(name))
        return by_name if by_name is not None else self.actions_by_category.get(plain(category))


@cache
def load_maps() -> ClifMaps:
    """The packaged tables."""
    text = (resources.files("stream.gateways") / "data" / "clif.toml").read_text("utf-8")
    raw: dict[str, Any] = tomllib.loads(text)

    def table(section: dict[str, str]) -> dict[str, str]:
        return {plain(key): value for key, value in section.items()}

    def texts(values: list[str]) -> tuple[str, ...]:
        return tuple(map(plain, values))

    return ClifMaps(
        vitals={plain(key): VitalRule(**rule) for key, rule in raw["vitals"].items()},
        pressure_methods=tuple(
            (texts(rule["contains"]), rule["method"]) for rule in raw["pressure_methods"]
        ),
        sites=table(raw["sites"]),
        devices=tuple(
            DeviceRule(
                **{
                    **rule,
                    "category": texts(rule["category"]),
                    "name": texts(rule.get("name", [])),
                }
            )
            for rule in raw["respiratory"]["devices"]
        ),
        idle_modes=frozenset(texts(raw["respiratory"]["idle_modes"])),
        infusions=table(raw["infusions"]),
        infused_doses=table(raw["infused_doses"]),
        infusion_units=table(raw["infusion_units"]),
        actions_by_name=table(raw["infusion_actions"]["name"]),
        actions_by_category=table(raw["infusion_actions"]["category"]),
        doses=table(raw["doses"]),
        fluids=frozenset(texts(raw["fluid_boluses"]["category"])),
        fluid_routes=texts(raw["fluid_boluses"]["route_contains"]),
        cell_therapies=table(raw["cell_therapies"]),
        dose_units=table(raw["dose_units"]),
        dose_actions=table(raw["dose_actions"]),
        routes=table(raw["routes"]),
        labs=table(raw["labs"]),
        lab_units=table(raw["lab_units"]),
        labs_without_unit=table(raw["labs_without_unit"]),
        discharges=table(raw["discharges"]),
    )
