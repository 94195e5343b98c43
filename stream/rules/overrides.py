"""A site's own values on top of the packaged document: values only, each with its source.

    [ruleset]
    based_on = "P0"
    name = "ward-12"
    version = "2026-03"

    [parameters.down_s]
    value = 5400
    source = "Ward policy 12, 2026-03"
    status = "site"

    [stale]
    source = "Ward policy 12, 2026-03"
    spo2 = { usual_s = 1800 }

A table in a list is found by its name, its `from_dose` and the like (`stream.rules.rows`).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from stream.rules.fields import nearest
from stream.rules.fixed import SCALE, fixed
from stream.rules.limits import unlimited
from stream.rules.rows import PROVENANCE, entries, identity, provenance_of

SITE = "site"
"""The status of what a site changed, and with a hyphen what ids of its own rows begin with."""
LADDERS, ROLES = "ladders.rows", "ladders.roles"
"""To which a site adds rows of its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row that a site changed; `old` is None where it was added."""

    row: str
    old: Any
    new: Any
    source: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """The packaged document with a site's values; to be used only where `problems` is empty."""

    document: dict[str, Any]
    changes: tuple[Change, ...]
    problems: tuple[str, ...]


def overridden(packaged: dict[str, Any], override: dict[str, Any]) -> Overridden:
    """Puts an override on the packaged document; neither is changed."""
    merge = _Merge()
    document = deepcopy(packaged)
    tables = dict(override)
    merge.head(document["ruleset"], tables.pop("ruleset", None))
    merge.table(document, tables, "", "")
    return Overridden(document, tuple(merge.changes), tuple(merge.problems))


@dataclass(slots=True)
class _Merge:
    changes: list[Change] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def head(self, base: dict[str, Any], head: Any) -> None:
        """Name, version and what the override is based on."""
        if not isinstance(head, dict):
            self.problems.append(f"ruleset = {head!r}: expected a table")
            return
        known = ("based_on", "name", "version")
        for key, value in head.items():
            if key == "scale":
                self.problems.append(f"ruleset.scale cannot be changed: {SCALE}")
            elif key not in known:
                self.problems.append(f"ruleset.{key} is no key{nearest(key, known)}")
            elif not isinstance(value, str) or not value.strip():
                self.problems.append(f"ruleset.{key} = {value!r}: expected a text")
        packaged = base["version"]
        for key, why in (("name", "alerts carry it"), ("version", "alerts carry it")):
            if key not in head:
                self.problems.append(f"ruleset.{key} is missing: {why}")
        if head.get("based_on") not in (packaged, packaged.split(".")[0]):
            self.problems.append(
                f"ruleset.based_on = {head.get('based_on')!r}: this program has {packaged}; "
                f"compare with `stormwatch rules show`, then write {packaged!r}"
            )
        if head.get("version") == packaged:
            self.problems.append(
                f"ruleset.version = {packaged!r}: that is the packaged one; an override needs "
                "one of its own"
            )
        base.update({key: head[key] for key in known if key in head})

    def table(self, base: dict[str, Any], over: dict[str, Any], path: str, source: str) -> bool:
        """Merges one table; true where something changed whose source a table above must say."""
        own = self._source(base, over, path)
        source = own or source
        before, changed = len(self.changes), []
        for key, new in over.items():
            row = key if not path else path if key == "value" else f"{path}.{key}"
            if key in ("source", "citation", "status"):
                continue
            if path == ROLES and key not in base and key.startswith(f"{SITE}-"):
                self._role(base, key, new)
            elif key not in base or key in PROVENANCE or provenance_of(key, base):
                known = [name for name in entries(base) if not provenance_of(name, base)]
                self.problems.append(f"{row} is no row of the packaged set{nearest(key, known)}")
            elif self._one(base, key, new, row, source):
                changed.append(key)
        if own and len(self.changes) == before and not self.problems:
            self.problems.append(f"{path} has a source and changes nothing")
        if changed and ("source" in base or "citation" in base):
            if source:
                _mark(base, changed, source)
            changed = []
        return bool(changed)

    def _source(self, base: dict[str, Any], over: dict[str, Any], path: str) -> str:
        """What the override gives as the source of this table; empty where it gives none."""
        if over.get("status", SITE) != SITE:
            self.problems.append(
                f"{path}.status = {over['status']!r}: what a site changes has the status {SITE!r}"
            )
        for key in ("source", "citation"):
            if key not in over:
                continue
            text = over[key]
            if not isinstance(text, str) or not text.strip():
                self.problems.append(f"{path}.{key} = {text!r}: expected a text")
            elif "source" not in base and "citation" not in base:
                self.problems.append(f"{path}.{key}: write it in the table whose values change")
            elif text in (base.get("source"), base.get("citation")):
                self.problems.append(
                    f"{path}.{key} is the packaged one: expected where the site's value is from"
                )
            else:
                return text
        return ""

    def _one(self, base: dict[str, Any], key: str, new: Any, row: str, source: str) -> bool:
        """Merges one value; true where a table above must be marked as changed."""
        old = base[key]
        reason = fixed(row)
        if reason and not isinstance(old, dict) and not identity(old):
            self.problems.append(f"{row} cannot be changed: {reason}")
            return False
        if row == "guidance.rows":
            self._guidance(old, new)
            return False
        if row == LADDERS and isinstance(new, list):
            new = self._ladders(old, new)
        if isinstance(old, dict):
            if not isinstance(new, dict):
                self.problems.append(f"{row} = {new!r}: expected a table")
                return False
            return self.table(old, new, row, source)
        name = identity(old)
        if name and key != "value":
            return self._list(old, new, row, name, source)
        expected = _unlike(old, new)
        if expected:
            self.problems.append(f"{row} = {new!r}: expected {expected}")
            return False
        if not source:
            self.problems.append(f"{row} = {new!r}: needs a `source`, where the value is from")
        if problem := unlimited(row, new):
            self.problems.append(problem)
        self.changes.append(Change(row, old, new, source))
        base[key] = new
        return True

    def _list(self, old: list[Any], new: Any, row: str, name: str, source: str) -> bool:
        if not isinstance(new, list) or not all(
            isinstance(item, dict) and name in item for item in new
        ):
            why = fixed(row)
            self.problems.append(
                f"{row} cannot be replaced as a whole: write only the tables that differ, each "
                f"with its `{name}`" + (f" ({why})" if why else "")
            )
            return False
        known = {str(item[name]): item for item in old}
        marks = []
        for item in new:
            called = str(item[name])
            if called not in known:
                self.problems.append(
                    f"{row}.{called} is no row of the packaged set{nearest(called, known)}"
                )
                continue
            rest = {key: value for key, value in item.items() if key != name}
            marks.append(self.table(known[called], rest, f"{row}.{called}", source))
        return any(marks)

    def _ladders(self, old: list[dict[str, Any]], new: list[Any]) -> list[Any]:
        """Takes in the ladders that a site adds; the others, which it changes, are returned."""
        rest = []
        known = {row["id"] for row in old}
        for row in new:
            called = row.get("id") if isinstance(row, dict) else None
            if called in known or not str(called).startswith(f"{SITE}-"):
                rest.append(row)
            elif self._sourced(f"{LADDERS}.{called}", row):
                old.append({**row, "status": SITE})
                self.changes.append(Change(f"{LADDERS}.{called}", None, old[-1], row["source"]))
        return rest

    def _role(self, base: dict[str, Any], name: str, new: Any) -> None:
        """Takes in a role that a site adds."""
        if not isinstance(new, dict):
            self.problems.append(f"{ROLES}.{name} = {new!r}: expected a table")
        elif self._sourced(f"{ROLES}.{name}", new):
            base[name] = {**new, "status": SITE}
            self.changes.append(Change(f"{ROLES}.{name}", None, base[name], new["source"]))

    def _sourced(self, name: str, row: dict[str, Any]) -> bool:
        """Whether a row that a site adds says where it is from, and has no status but its own."""
        if row.get("status", SITE) != SITE:
            self.problems.append(f"{name}.status = {row['status']!r}: expected {SITE!r}")
        elif not isinstance(row.get("source"), str) or not row["source"].strip():
            self.problems.append(f"{name} needs a `source`, where the site's row is from")
        else:
            return True
        return False

    def _guidance(self, old: list[dict[str, Any]], new: Any) -> None:
        """A site adds rows of guidance as a whole, beside what is published, never in its place."""
        if not isinstance(new, list) or not all(isinstance(row, dict) for row in new):
            self.problems.append(f"guidance.rows = {new!r}: expected a list of tables")
            return
        published = {row["id"]: row for row in old}
        cited = {row.get("citation") for row in old}
        for row in new:
            called = row.get("id")
            if isinstance(called, str) and called in published:
                name = f"guidance.rows.{called}"
                self.problems.append(f"{name} cannot be changed: {fixed(name)}")
                continue
            if not isinstance(called, str) or not called.startswith(f"{SITE}-"):
                self.problems.append(
                    f"guidance.rows: {called!r} is no packaged row, and the id of a row that a "
                    f"site adds begins with '{SITE}-'"
                )
                continue
            citation = row.get("citation")
            if not citation or citation in cited:
                self.problems.append(
                    f"guidance.rows.{called} needs a citation of its own: where the site's text "
                    "is from"
                )
            if row.get("status", SITE) != SITE:
                self.problems.append(f"guidance.rows.{called}.status: expected {SITE!r}")
            own = {**row, "status": SITE}
            self.changes.append(Change(f"guidance.rows.{called}", None, own, str(citation)))
            old.append(own)


def _mark(base: dict[str, Any], changed: list[str], source: str) -> None:
    """Writes into a merged table that values of it are now the site's."""
    own = [key for key in changed if f"{key}_source" in base]
    for key in own:
        base[f"{key}_source"] = source
        base[f"{key}_status"] = SITE
    shared = [key for key in changed if key not in own]
    if not shared:
        return
    note = f"; {SITE}: {source} ({', '.join(shared)})"
    for key in ("source", "citation"):
        if key in base:
            base[key] = source if "value" in base else f"{base[key]}{note}"
    if isinstance(base.get("exceptions"), dict):
        base["exceptions"] |= dict.fromkeys(shared, SITE)
    elif "status" in base:
        base["status"] = SITE


def _unlike(old: Any, new: Any) -> str:
    """What was expected in place of a value of another type; empty where the types agree."""
    if isinstance(old, bool) or isinstance(new, bool):
        return "" if isinstance(old, bool) and isinstance(new, bool) else _word(old)
    if isinstance(old, (int, float)):
        return "" if isinstance(new, (int, float)) else _word(old)
    if isinstance(old, list) and isinstance(new, list) and old:
        return next((f"a list, each {word}" for item in new if (word := _unlike(old[0], item))), "")
    if isinstance(old, dict) and isinstance(new, dict):
        if set(old) != set(new):
            return f"a table of {', '.join(old)}"
        return next((word for key in old if (word := _unlike(old[key], new[key]))), "")
    return "" if type(old) is type(new) else _word(old)


def _word(value: Any) -> str:
    words = {bool: "true or false", int: "a number", float: "a number", str: "a text"}
    return words.get(type(value), "a table" if isinstance(value, dict) else "a list")
