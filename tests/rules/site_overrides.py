"""Overrides of a site, and what they are refused for."""

from __future__ import annotations

import tomllib
from typing import Any

from stream.rules import RulesetError
from stream.rules.loader import build
from stream.rules.overrides import overridden
from tests.rules.test_rulesets import PACKAGED

HEAD = {"based_on": "P0", "name": "ward-12", "version": "2026-03"}
POLICY = "Ward policy 12, 2026-03"


def problems(tables: dict[str, Any], head: dict[str, Any] | None = None) -> str:
    """What an override of these tables is refused for; empty where it is taken."""
    document = {"ruleset": HEAD if head is None else head, **tables}
    found = overridden(PACKAGED, document)
    try:
        build(found.document, found.problems)
    except RulesetError as error:
        return str(error)
    return ""


def site(toml: str) -> str:
    return problems(tomllib.loads(toml))


def parameter(name: str, value: str) -> str:
    return f"[parameters.{name}]\nvalue = {value}\nsource = 'x'"


def table(name: str, values: str) -> str:
    return f"[{name}]\nsource = 'x'\n{values}"
