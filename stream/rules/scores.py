"""Loads `scores.toml`: every score with its thresholds, points, units and source."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from stream.engine.scores import Band, ScoreDefinition, ScoreInput, Step

if TYPE_CHECKING:
    from collections.abc import Mapping

SCORES_FILE = Path(__file__).with_name("scores.toml")


@cache
def load_scores() -> Mapping[str, ScoreDefinition]:
    """The packaged definitions by name, in the order of the file."""
    document = tomllib.loads(SCORES_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({name: _definition(name, table) for name, table in document.items()})


def _definition(name: str, table: dict[str, Any]) -> ScoreDefinition:
    inputs = tuple(_input(item) for item in table.pop("inputs"))
    bands = tuple(Band(**item) for item in table.pop("bands", ()))
    return ScoreDefinition(name=name, inputs=inputs, bands=bands, **table)


def _input(table: dict[str, Any]) -> ScoreInput:
    kind = table.pop("kind", "number")
    steps = tuple(Step(**step) for step in table.pop("steps", ()))
    divisors = tuple(table.pop("divisors", {}).items())
    choices = tuple(table.pop("choices", ()))
    return ScoreInput(kind=kind, steps=steps, divisors=divisors, choices=choices, **table)
