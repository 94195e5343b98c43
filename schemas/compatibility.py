"""What a new JSON Schema would break of an old one.

Inputs break when something that was taken would be refused: new required fields, removed fields
(unknown ones are refused), enum values or types, narrower limits. Outputs break when a reader
could miss something it relies on: removed or no longer required fields, or wider types; there a
new enum value is no break, since readers are told to expect them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")

Direction = Literal["input", "output"]


def breaking_changes(
    old_schema: dict[str, Any], new_schema: dict[str, Any], direction: Direction = "input"
) -> list[str]:
    """One sentence per break, each with its place; empty when `new_schema` keeps the promise.

    Both are JSON Schemas as `schemas.generate` writes them; references to `$defs` are followed.
    """
    comparison = _Comparison(old_schema, new_schema, direction)
    comparison.compare(old_schema, new_schema, "")
    return list(dict.fromkeys(comparison.found))


@dataclass
class _Comparison:
    """One walk over two schemas at once."""

    old_root: dict[str, Any]
    new_root: dict[str, Any]
    direction: Direction
    found: list[str] = field(default_factory=list)
    walked: set[tuple[int, int]] = field(default_factory=set)

    def compare(self, old: dict[str, Any], new: dict[str, Any], place: str) -> None:
        """Note what breaks between two schemas of one place."""
        old, new = _followed(old, self.old_root), _followed(new, self.new_root)
        if (id(old), id(new)) in self.walked:
            return
        self.walked.add((id(old), id(new)))
        if _branches(old) or _branches(new):
            self._compare_branches(_branches(old) or [old], _branches(new) or [new], place)
            return
        self._types(old, new, place)
        self._words(old, new, place)
        if self.direction == "input":
            self._limits(old, new, place)
        self._fields(old, new, place)
        if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
            self.compare(old["items"], new["items"], f"{place}[]")
        inner_old, inner_new = old.get("additionalProperties"), new.get("additionalProperties")
        if isinstance(inner_old, dict) and isinstance(inner_new, dict):
            self.compare(inner_old, inner_new, f"{place}.*")

    def _compare_branches(
        self, old: list[dict[str, Any]], new: list[dict[str, Any]], place: str
    ) -> None:
        """Pair the branches of a union by what they are; one that is gone breaks."""
        old_by_kind = {_kind(_followed(each, self.old_root)): each for each in old}
        new_by_kind = {_kind(_followed(each, self.new_root)): each for each in new}
        for kind, branch in old_by_kind.items():
            same = kind if kind in new_by_kind else self._numeric_twin(kind, new_by_kind)
            if same is None:
                self.found.append(f"{_at(place)}: {kind} is gone")
            else:
                self.compare(branch, new_by_kind[same], place)
        if self.direction == "output":
            for kind in sorted(new_by_kind.keys() - old_by_kind.keys()):
                known = kind.startswith("type ")  # a new kind of alert is no break
                if not known and not (kind == "integer" and "number" in old_by_kind):
                    self.found.append(f"{_at(place)}: may now be {kind}")

    def _numeric_twin(self, kind: str, new: dict[str, dict[str, Any]]) -> str | None:
        """Integers are numbers: what an input widens to, and an output narrows to."""
        pair = ("integer", "number") if self.direction == "input" else ("number", "integer")
        return pair[1] if kind == pair[0] and pair[1] in new else None

    def _types(self, old: dict[str, Any], new: dict[str, Any], place: str) -> None:
        before, after = old.get("type"), new.get("type")
        if before == after:
            return
        narrow, wide = (before, after) if self.direction == "input" else (after, before)
        if wide is None or (narrow == "integer" and wide == "number"):
            return  # whatever was meant before is still meant
        self.found.append(f"{_at(place)}: type was {before or 'any'}, is {after or 'any'}")

    def _words(self, old: dict[str, Any], new: dict[str, Any], place: str) -> None:
        before, after = _enumerated(old), _enumerated(new)
        if self.direction == "input" and after is not None:
            if before is None:
                self.found.append(f"{_at(place)}: any value was taken, now only a list of words")
                return
            for word in before:
                if word not in after:
                    self.found.append(f"{_at(place)}: the value {word!r} is gone")
        if self.direction == "output" and before is not None:
            for word in before:
                if after is not None and word not in after:
                    self.found.append(f"{_at(place)}: the value {word!r} is gone")

    def _limits(self, old: dict[str, Any], new: dict[str, Any], place: str) -> None:
        for name in _LOWER:
            if name in new and (name not in old or new[name] > old[name]):
                self.found.append(f"{_at(place)}: {name} rose to {new[name]}")
        for name in _UPPER:
            if name in new and (name not in old or new[name] < old[name]):
                self.found.append(f"{_at(place)}: {name} fell to {new[name]}")
        for name in ("pattern", "format", "multipleOf"):
            if name in new and new[name] != old.get(name):
                self.found.append(f"{_at(place)}: {name} is now {new[name]}")

    def _fields(self, old: dict[str, Any], new: dict[str, Any], place: str) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in sorted(before.keys() - after.keys()):
            if self.direction == "output" or new.get("additionalProperties") is False:
                self.found.append(f"{_at(place)}: the field {name} is gone")
        must_old, must_new = set(old.get("required", [])), set(new.get("required", []))
        if self.direction == "input":
            for name in sorted(must_new - must_old):
                self.found.append(f"{_at(place)}: the field {name} is now required")
            closed_old, closed_new = (
                each.get("additionalProperties") is False for each in (old, new)
            )
            if closed_new and not closed_old and before:
                self.found.append(f"{_at(place)}: unknown fields are now refused")
        else:
            for name in sorted((must_old - must_new) & after.keys()):
                self.found.append(f"{_at(place)}: the field {name} may now be missing")
        for name in sorted(before.keys() & after.keys()):
            self.compare(before[name], after[name], f"{place}.{name}")


def _followed(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = schema.get("oneOf") or schema.get("anyOf") or []
    return found


def _enumerated(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    words: list[Any] | None = schema.get("enum")
    return words


def _kind(schema: dict[str, Any]) -> str:
    """What tells one branch of a union from another: its `type` or `signal` word, or JSON type."""
    for tag in ("type", "signal"):
        words = _enumerated(schema.get("properties", {}).get(tag, {}))
        if words:
            return f"{tag} {words[0]}"
    return str(schema.get("type", "any"))


def _at(place: str) -> str:
    return place.lstrip(".") or "the whole"
