"""A Kafka to be hurt, and which tests need it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stream.soak.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

KAFKA_SH = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.sh"
VARIABLE = "STORMWATCH_TEST_BROKER"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One Apache Kafka broker of our own, whatever broker the other tests use."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    choice = os.environ.get(VARIABLE, "")
    if choice != "apache" and (missing or choice):
        pytest.skip(f"needs Apache Kafka: {VARIABLE}={choice}, not on PATH: {missing}")
    with Cluster(KAFKA_SH) as cluster:
        yield cluster
