"""Fixtures of the gateways' tests."""

import warnings
from pathlib import Path

import pytest

from .clif_folder import DEMO, Folder

with warnings.catch_warnings():
    # kafka-python 3.0.12 reads its own message definitions with a deprecated call, on import only.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def demo_set() -> Path:
    if not DEMO.is_dir():
        pytest.skip(f"the CLIF demo set is not here: no folder {DEMO}")
    return DEMO
