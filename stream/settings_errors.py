"""Settings that cannot be used, each named with where it came from (`stream.settings`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot be used: which, where it came from, and what was expected."""

    setting: str
    origin: str
    text: str

    def __str__(self) -> str:
        return f"{self.setting} ({self.origin}): {self.text}"


class SettingsError(ValueError):
    """The settings cannot be used; `problems` says why, one by one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
