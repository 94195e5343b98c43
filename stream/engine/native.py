"""What the compiler is told about a class; nothing where the engine is interpreted.

`@mypyc_attr(acyclic=True)`: nothing that an instance holds leads back to it, so that Python's
collector of cycles never looks at it. A patient's state is a few hundred such objects, which its
reference counts free. Not for a class that somebody may tie into a cycle: that would never be
freed. Not compiled itself; `mypy_extensions` is known to mypyc, and not needed to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["mypyc_attr"]

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**_told: bool) -> Callable[[type], type]:
        """Leave the class as it is."""
        return lambda told_of: told_of
