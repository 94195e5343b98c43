"""Three brokers, the leader of a log stopped, deposed, and let on: what it still answers.

It may tell of the end that it knew. It acknowledges nothing: so a barrier (`stream.worker.marks`)
lies behind everything that its successor has acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka.conn import create_conn
from aiokafka.errors import NoError, NotLeaderForPartitionError, for_code
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from brokers import fresh_topics
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from stream.worker.marks import BARRIER

if TYPE_CHECKING:
    from brokers import Broker

BEFORE, AFTER = 7, 5
PATIENCE_S = 60
ALL, WAITS_MS = -1, 5_000


def leader(bootstrap: str, topic: str) -> tuple[int, str, int]:
    """Number, host and port of the broker that leads the one partition."""
    with KafkaAdminClient(bootstrap_servers=bootstrap.split(",")) as admin:
        (described,) = admin.describe_topics([topic])
        number = described["partitions"][0]["leader_id"]
        nodes = {node["broker_id"]: node for node in admin.describe_cluster()["brokers"]}
    node = nodes[number]
    return number, node["host"], node["port"]


def write(bootstrap: str, topic: str, count: int) -> int:
    """Acknowledged by all that count; returns the offset behind the last."""
    with KafkaProducer(bootstrap_servers=bootstrap.split(","), acks="all") as producer:
        sent = [producer.send(topic, key=b"p", value=b"v", partition=0) for _ in range(count)]
        return max(one.get(PATIENCE_S).offset for one in sent) + 1


def deposed(bootstrap: str, topic: str, number: int) -> None:
    """Return once another broker leads; one that is asked may be the one that is stopped."""
    deadline = time.monotonic() + 2 * PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(KafkaError):
            if leader(bootstrap, topic)[0] not in {number, -1}:
                return
    raise TimeoutError("nobody took over")


def barrier() -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1,
        base_sequence=-1, batch_size=1_000,
    )  # fmt: skip
    builder.append(0, int(time.time() * 1000), BARRIER, None, [])
    return bytes(builder.build())


async def answers(bootstrap: str, topic: str, home: Any) -> tuple[int | None, type[Exception]]:
    """The end that the deposed leader tells, if it tells one, and its word on a barrier."""
    number, host, port = leader(bootstrap, topic)
    asking, writing = await create_conn(host, port), await create_conn(host, port)
    pid = int((home / f"broker-{number}" / "pid").read_text())
    others = ",".join(one for one in bootstrap.split(",") if not one.endswith(f":{port}"))
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.to_thread(deposed, others, topic, number)
        end = await asyncio.to_thread(write, others, topic, AFTER)
        assert end == BEFORE + AFTER
        ends = OffsetRequest(-1, 0, [(topic, [(0, -1)])])
        asked = asking.send(ends)
        put = ProduceRequest(None, ALL, WAITS_MS, [(topic, [(0, barrier())])])
        written = writing.send(put)
    finally:
        os.kill(pid, signal.SIGCONT)
    told, word = await asyncio.gather(asked, written)
    ((_, ((_, error, _, offset),)),) = told.topics
    ((_, ((_, refused, *_),)),) = word.topics
    asking.close()
    writing.close()
    assert for_code(error) in {NoError, NotLeaderForPartitionError}
    return (offset if for_code(error) is NoError else None), for_code(refused)


def test_a_deposed_leader_acknowledges_no_barrier(three_brokers: Broker) -> None:
    assert three_brokers.home is not None
    with fresh_topics(three_brokers, 1) as topics:
        topic = topics.name("status")
        assert write(three_brokers.bootstrap, topic, BEFORE) == BEFORE
        end, word = asyncio.run(answers(three_brokers.bootstrap, topic, three_brokers.home))
        print("the deposed leader told of", end, "and of the barrier", word.__name__)
        assert end in {None, BEFORE, BEFORE + AFTER}
        assert word is not NoError
