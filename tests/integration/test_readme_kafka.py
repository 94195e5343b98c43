"""The README's commands against Kafka, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers import Topics

ROOT = Path(__file__).parents[2]


def test_the_commands_against_kafka(topics: Callable[..., Topics], tmp_path: Path) -> None:
    mine = topics()  # a fresh prefix; the commands make topics of another one beside them
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    script = block.replace("127.0.0.1:19092", mine.bootstrap) + "wait\n"
    assert mine.bootstrap in script
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STORMWATCH_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "STORMWATCH_TOPIC_PREFIX": f"{mine.prefix}readme.",
        "STORMWATCH_APPLICATION_ID": f"{mine.prefix}readme",
        "STORMWATCH_METRICS_PORT": "0",
        "STORMWATCH_DATA_DIR": str(tmp_path / "data"),
    }
    done = subprocess.run(
        ["bash", "-m", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert "worker ready" in done.stdout, done.stderr[-3000:]
    assert "grade 0 -> 1" in done.stdout
    assert "= rows read" in done.stdout + done.stderr
    assert "looked at  partitions: 8" in done.stdout
    assert "\nconsistent" in done.stdout, done.stdout[-6000:]
