"""The page of the results: `python -m tests.benchmarks.page results.json`.

Its words stand in `README.md` itself; its figures come from the results, so that no figure
of it can be another than the one measured.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.spread import spread
from tests.benchmarks.tables import tables

if TYPE_CHECKING:
    from tests.benchmarks.targets import Document

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
RESULTS = HERE / "results.json"
BESIDE = 4
"""Processes that may want a core beside those that have one: workers, broker, sender, reader."""


def rendered(text: str, document: Document) -> str:
    """The text with everything between its marks made anew."""
    blocks = {name: table.markdown() for name, table in tables(document).items()}
    blocks.setdefault("yardsticks", "They were left out of this run.")
    blocks["machine"] = machine(document)
    for name, block in blocks.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text, found = re.subn(
            pattern, lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text, flags=re.DOTALL
        )
        if found != 1:
            raise ValueError(f"expected one <!-- {name} --> ... <!-- /{name} -->, found {found}")
    return text


def machine(document: Document) -> str:
    """Where, when and with what it was measured."""
    told = document["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in told["versions"].items())
    void = document["void"]
    judged = (
        "The alerts of every run were those of the engine alone, byte for byte."
        if not void
        else f"**{len(void)} cases are void**: their alerts were not the engine's."
    )
    loads = [run["load_average"] for case in document["cases"] for run in case["throughput"]]
    quiet = max(loads, default=0) <= told["cores"] + BESIDE
    others = (
        "" if quiet else " **Others used the machine: a trial of the harness, no measurement.**"
    )
    return (
        f"- {document['date']}, seed {document['seed']}, {document['runs']} runs of each,"
        f" {document['messages']:,} messages a run, {document['latency_s']:g} s at each load.\n"
        f"- {told['cpu']}, {told['cores']} cores, {told['memory_gb']:g} GiB, {told['system']};"
        f" Python {told['python']}; {document['broker']}.\n"
        f"- {versions}.\n"
        f"{_loads_of(document)}"
        f"- Load average {spread(loads) if loads else 0}.{others}\n"
        f"- {judged}"
    )


def _loads_of(document: Document) -> str:
    if all(case.get("sustained") for case in document["cases"]):
        return ""
    return (
        "- **Older than the measurement of the sustained rate: its loads of 10, 50 and 90 % are"
        " shares of the rate from a preloaded topic.**\n"
    )


def write(document: Document, page: Path = PAGE) -> None:
    """Makes the page and its pictures anew from the results."""
    from tests.benchmarks.plots import draw

    page.write_text(rendered(page.read_text("utf-8"), document), "utf-8")
    draw(document, page.parent / "plots")


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    write(json.loads(source.read_text("utf-8")))
