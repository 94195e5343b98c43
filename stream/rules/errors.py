"""What is raised for data that cannot be used."""

from __future__ import annotations


class RulesetError(ValueError):
    """The parameter set cannot be used; the text names the row, the value and what is expected."""
