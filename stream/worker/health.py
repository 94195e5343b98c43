"""The answers of /livez and /readyz: one line for each check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.worker.progress import Standing


@dataclass(frozen=True, slots=True)
class Check:
    """One question; `detail` says why it failed, or with what figures it passed."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one probe."""

    probe: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def text(self, *, verbose: bool = False) -> str:
        """One line a check, as Kubernetes writes them; details of passed checks if verbose."""
        lines = []
        for check in self.checks:
            word = f"[+]{check.name} ok" if check.passed else f"[-]{check.name} failed"
            told = check.detail and (verbose or not check.passed)
            lines.append(f"{word}: {check.detail}" if told else word)
        lines.append(f"{self.probe} check {'passed' if self.passed else 'failed'}")
        return "\n".join(lines) + "\n"


def check_of(standing: Standing) -> Check:
    """How a part stands, as a check of /livez."""
    detail = f"{standing.still_s:.0f} s without progress, limit {standing.limit_s:g} s"
    if standing.about:
        detail += f" ({standing.about})"
    return Check(standing.part.value, not standing.stuck, detail)
