"""How the bytes of records that are worked off are known to be free again."""

from __future__ import annotations


class Held:
    """A token that all records of a chunk hold: it lives as long as any of them does.

    A module of its own, and not compiled: weak references are kept to it.
    """

    __slots__ = ("__weakref__",)
