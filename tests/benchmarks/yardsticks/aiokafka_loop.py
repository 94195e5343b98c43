"""A bare aiokafka loop that only decodes: `json` (the standard library) or `orjson`."""

from __future__ import annotations

import json
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.benchmarks.yardsticks.lap import Lap, job


async def main() -> None:
    told = job()
    loads = json.loads
    if sys.argv[2] == "orjson":
        import orjson

        loads = orjson.loads
    lap = Lap(told.count)
    consumer = AIOKafkaConsumer(bootstrap_servers=told.bootstrap, enable_auto_commit=False)
    await consumer.start()
    places = {TopicPartition(told.topic, number): offset for number, offset in told.begin.items()}
    consumer.assign(list(places))
    for place, offset in places.items():
        consumer.seek(place, offset)
    while True:
        for records in (await consumer.getmany(timeout_ms=500, max_records=500)).values():
            for record in records:
                loads(record.value)
            lap.add(len(records))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
