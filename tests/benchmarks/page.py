"""The page of the results: `python -m tests.benchmarks.page [FILE ...]`.

Its words stand in `README.md` itself; its figures come from the results, so that no figure
of it can be another than the one measured. Several files, of commands one after the other on one
machine, are joined and kept as `results.json`; yardsticks and date are those of the first.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.spread import spread
from tests.benchmarks.tables import tables
from tests.benchmarks.targets import targets

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
        f" Python {told['python']}, the engine {told.get('engine', 'interpreted')};"
        f" {document['broker']}.\n"
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


def as_text(document: Document) -> str:
    """JSON for people too: an object's fields on lines of their own, numbers in a row in one."""
    text = json.dumps(document, indent=1, allow_nan=False)
    return re.sub(r"\[[-\d.,e\s]+\]", lambda row: " ".join(row[0].split()), text) + "\n"


def joined(documents: list[Document]) -> Document:
    """One document of several. Raises ValueError where they cannot be compared."""
    first = documents[0]
    for other in documents[1:]:
        for name in ("machine", "seed", "runs", "messages", "latency_s", "broker"):
            if other[name] != first[name]:
                raise ValueError(f"{name} is {other[name]!r} in one and {first[name]!r} in another")
    cases = [case for document in documents for case in document["cases"]]
    void = [case for document in documents for case in document["void"]]
    whole = {**first, "cases": cases, "void": void}
    return {**whole, "targets": [asdict(target) for target in targets(whole)]}


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[1:]] or [RESULTS]
    found = joined([json.loads(file.read_text("utf-8")) for file in files])
    if len(files) > 1:
        RESULTS.write_text(as_text(found), "utf-8")
    write(found)
