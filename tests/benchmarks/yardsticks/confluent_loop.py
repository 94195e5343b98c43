"""A bare confluent-kafka loop that only decodes: `json` (the standard library) or `orjson`."""

from __future__ import annotations

import json
import sys

from confluent_kafka import Consumer, TopicPartition

from tests.benchmarks.yardsticks.lap import Job, Lap, job


def consumer_of(told: Job, numbers: list[int]) -> Consumer:
    """Reads these partitions from where the job begins."""
    consumer = Consumer(
        {
            "bootstrap.servers": told.bootstrap,
            "group.id": f"{told.prefix}loop",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(told.topic, n, told.begin[n]) for n in numbers])
    return consumer


def main() -> None:
    told = job()
    loads = json.loads
    if sys.argv[2] == "orjson":
        import orjson

        loads = orjson.loads
    lap = Lap(told.count)
    consumer = consumer_of(told, list(told.begin))
    while True:
        messages = consumer.consume(500, 0.5)
        for message in messages:
            loads(message.value())
        if messages:
            lap.add(len(messages))


if __name__ == "__main__":
    main()
