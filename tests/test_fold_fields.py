"""Whatever is done to a fold field by field is done to every field."""

from __future__ import annotations

from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from stream.engine.fold import NAMES, Fold
from stream.engine.fold_difference import differences, same
from stream.worker.annotations import restore_annotations
from tests import fold_difference

restore_annotations()  # which a compiled engine does not have
HINTS = get_type_hints(Fold)
SIMPLE: dict[Any, Any] = {int: 7, float: 37.5, str: "x"}


def other_value(name: str) -> Any:
    """Not the one that the field has at first."""
    kinds = get_args(HINTS[name])
    kind = kinds[0] if NoneType in kinds else HINTS[name]
    if kind is bool:
        return not getattr(Fold(), name)
    if kind in SIMPLE:
        return SIMPLE[kind]
    if get_origin(kind) is dict:
        return {"one": None}
    if get_origin(kind) is tuple:
        return (None,)
    return kind.__new__(kind)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_has_it_and_a_comparison_sees_it(name: str) -> None:
    fold = Fold()
    changed = fold.copy()
    value = other_value(name)
    setattr(changed, name, value)
    copied = changed.copy()
    held, left = getattr(copied, name), getattr(fold, name)
    assert held is value or held == value
    assert left is not value
    assert differences(copied, fold).places == [NAMES.index(name)]
    assert differences(copied, changed).places == []


def test_the_comparison_is_as_it_is_written_from_the_fields() -> None:
    written = fold_difference.FILE.read_text(encoding="utf-8")
    assert written == fold_difference.text(), "run python -m tests.fold_difference"


def test_equal_numbers_are_no_difference_and_equal_texts_do_no_harm() -> None:
    fold = Fold(time=10**15, risks={})
    other = fold.copy()
    other.time, other.risks = int(str(10**15)), {}
    assert differences(fold, other).places == [NAMES.index("risks")]
    assert same(fold, other)
