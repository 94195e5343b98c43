"""How long an alert takes from its record to the call of a webhook.

    PYTHONPATH=.:tests/integration python tests/benchmarks/routing.py --rate 100 --seconds 30

A broker as `STORMWATCH_TEST_BROKER` says, one router with a webhook and, where asked for, dead
routes beside it, and a receiver that answers at once. Each alert is timed from the broker's
timestamp of its record to the moment at which the receiver has read the body. Figures are printed;
nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

from brokers import chosen_broker, fresh_topics
from kafka import KafkaProducer
from routers import Router, webhook, when

from tests.router.alarms import raw_alert
from tests.router.servers import HttpServer


def run(rate: int, seconds: int, dead: int) -> dict[str, float]:
    """Milliseconds: median, 99th percentile, most."""
    called: dict[str, float] = {}

    def note(_number: int, body: bytes) -> int:
        for alert in json.loads(body)["alerts"]:
            called.setdefault(alert["alert_id"], time.time())
        return 200

    server, total, stamps = HttpServer(note), rate * seconds, {}
    with (
        chosen_broker() as broker,
        fresh_topics(broker, 4) as topics,
        tempfile.TemporaryDirectory() as home,
        server.up(),
    ):
        routes = webhook("bleep", server.port) + "".join(webhook(f"d{n}", 1) for n in range(dead))
        router = Router(topics, Path(home), routes).ready()
        producer = KafkaProducer(bootstrap_servers=topics.bootstrap, acks="all", linger_ms=0)
        began, asked = time.monotonic(), threading.Event()
        for number in range(total):
            asked.wait(max(0.0, began + number / rate - time.monotonic()))
            raw = raw_alert(number, f"p-{number % 50}", ("high", "medium", "low")[number % 3])
            sending = producer.send(topics.prefix + "alerts", key=b"%d" % (number % 50), value=raw)
            alert_id = json.loads(raw)["alert_id"]
            sending.add_callback(lambda m, i=alert_id: stamps.__setitem__(i, m.timestamp / 1000))
        producer.flush()
        when(lambda: len(called) == total, 60, router.said)
        cpu = sum(map(int, Path(f"/proc/{router.process.pid}/stat").read_text().split()[13:15]))
        producer.close()
        router.end()
    taken = sorted(1000 * (called[one] - stamps[one]) for one in called)
    return {
        "alerts": total,
        "p50_ms": round(taken[total // 2], 1),
        "p99_ms": round(taken[int(total * 0.99)], 1),
        "most_ms": round(taken[-1], 1),
        "cpu_s": cpu / 100,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--dead", type=int, default=2, help="routes beside it that lead nowhere")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.rate, arguments.seconds, arguments.dead)))
