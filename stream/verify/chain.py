"""The chain of one patient's alerts, checked link by link in the order of the log. Pure.

Each alert holds the hash of the one before it. A crash repeats the end of the chain with the same
bytes: that is counted and otherwise ignored. Whatever is missing, altered or moved leaves an alert
whose predecessor is not there (yet); what is missing at the end is known from the table's hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stream.verify.findings import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

Digest = bytes
"""SHA-256 of a record's value, 32 bytes."""

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain needs of one alert; `place` is its offset, or its line in a file.

    `previous` None: the first alert. `hashed` False: an alert of before there were hashes.
    """

    digest: Digest
    previous: Digest | None
    hashed: bool
    alert_id: str
    patient_id: str
    rules: tuple[Any, Any]
    """Hash of the ruleset, version of the engine."""
    place: int


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain is not as it must be."""

    kind: Kind
    places: tuple[int, ...] = ()
    alert_ids: tuple[str, ...] = ()
    detail: str = ""


def read_link(value: bytes | None, place: int) -> Link | None:
    """The link that a record's value is; None where it is no alert."""
    try:
        alert = json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(alert, dict):
        return None
    ident, patient = alert.get("alert_id"), alert.get("patient_id")
    previous = alert.get("previous_hash")
    if not isinstance(ident, str) or not isinstance(patient, str):
        return None
    if previous is not None and not (isinstance(previous, str) and _HEX.fullmatch(previous)):
        return None
    ruleset = alert.get("ruleset")
    return Link(
        digest=hashlib.sha256(value or b"").digest(),
        previous=None if previous is None else bytes.fromhex(previous),
        hashed="previous_hash" in alert,
        alert_id=ident,
        patient_id=patient,
        rules=(
            ruleset.get("hash") if isinstance(ruleset, dict) else None,
            alert.get("engine_version"),
        ),
        place=place,
    )


class Chain:
    """Takes the links of one patient; `whole`: nothing was deleted from the log's beginning."""

    def __init__(self, *, whole: bool = True) -> None:
        self.whole = whole
        self.links: dict[Digest, tuple[int, str]] = {}
        """Place and alert id of each record, in the order of the log; repeats are left out."""
        self.repeats = 0
        self.unhashed = 0
        self.last_place = -1
        self._next: dict[Digest | None, Digest] = {}
        self._awaited: dict[Digest, int] = {}
        self._breaks: list[Break] = []

    def take(self, link: Link) -> None:
        """The next record of the log."""
        self.last_place = link.place
        if link.digest in self.links:
            self.repeats += 1
            return
        if not link.hashed:
            if len(self.links) > self.unhashed:
                self._broken(Kind.NO_HASH, link)
            self.unhashed += 1
        else:
            self._follow(link)
        self.links[link.digest] = link.place, link.alert_id

    def _follow(self, link: Link) -> None:
        moved = self._awaited.pop(link.digest, None)
        if link.previous in self._next:
            self._broken(Kind.BRANCH, link)
        elif link.previous is not None and link.previous not in self.links:
            self._awaited[link.previous] = len(self._breaks)
            begins = not self.whole and not self.links
            self._broken(Kind.BEGINNING if begins else Kind.CHAIN_BROKEN, link)
        elif link.previous is None and not self.whole and len(self.links) > self.unhashed:
            self._broken(Kind.BRANCH, link)
        self._next.setdefault(link.previous, link.digest)
        if moved is not None:
            later = self._breaks[moved]
            places, ids = (*later.places, link.place), (*later.alert_ids, link.alert_id)
            self._breaks[moved] = Break(Kind.REORDERED, places, ids)

    def breaks(self) -> Iterator[Break]:
        """What is wrong with the links taken so far, as far as they show it."""
        yield from self._breaks

    def lacks(self, head: str | None) -> Break | None:
        """What the hash that the table knows as the last shows to be missing at the end."""
        if head is None or bytes.fromhex(head) in self.links:
            return None
        if not self.whole and not self.links:
            return Break(Kind.BEGINNING)
        place = () if self.last_place < 0 else (self.last_place,)
        return Break(Kind.LAST_MISSING, place, (), f"sha256 {head[:16]}…")

    def beyond(self, head: str | None) -> int:
        """How many alerts come after the one that the table knows as the last."""
        digest = None if head is None else bytes.fromhex(head)
        count = 0
        while (digest := self._next.get(digest)) is not None and count < len(self.links):
            count += 1
        return count

    def _broken(self, kind: Kind, link: Link) -> None:
        self._breaks.append(Break(kind, (link.place,), (link.alert_id,)))
