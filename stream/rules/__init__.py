"""Rulesets: data with a source per row, validated when loaded, hashed into every alert."""

from __future__ import annotations

from stream.rules.loader import DEFAULT_RULESET, RulesetError, load_ruleset

__all__ = ["DEFAULT_RULESET", "RulesetError", "load_ruleset"]
