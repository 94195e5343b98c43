"""Which partition a patient belongs to: what every producer of ours must agree on."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partitioner (murmur2), as in the Java, kafka-python and aiokafka clients."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
