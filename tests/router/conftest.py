"""Who leaves a connection open is told in that file, not whenever the collector comes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def _nothing_left_open() -> Iterator[None]:
    yield
    gc.collect()
