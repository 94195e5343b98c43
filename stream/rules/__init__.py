"""Rulesets: data with a source per row, validated when loaded, hashed into every alert."""

from __future__ import annotations

from stream.rules.documents import DEFAULT_RULESET
from stream.rules.errors import RulesetError
from stream.rules.loader import load_ruleset

__all__ = ["DEFAULT_RULESET", "RulesetError", "load_ruleset"]
