"""Where coverage-guided fuzzing begins: examples of each entry, made from what the project has."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from schemas import vocabulary
from schemas.events import INPUT_MODELS
from schemas.generate import DIRECTORY
from stream.rules.documents import CATALOGUES, DEFAULT_RULESET
from stream.settings import Settings
from stream.worker.codec import encode_record, encode_window
from tests.worker.harness import Worker, record
from tests.worker.ward_events import lines, ward

if TYPE_CHECKING:
    from pathlib import Path

SITE = b"""[ruleset]
based_on = "P0"
name = "ward-12"
version = "1"
[parameters.down_s]
value = 5400
source = "x"
status = "site"
"""


def stored() -> list[bytes]:
    """Values of both state tables after a day of a small ward."""
    worker = Worker()
    worker.work([record(raw) for raw in lines(ward(2))])
    states = [state for key in worker.rounds.ward if (state := worker.rounds.ward.state(key))]
    records = [encode_record(state.record) for state in states]
    return records + [encode_window(w) for state in states for w in state.windows.values()]


def seeds(entry: str) -> list[bytes]:
    """Inputs that the entry takes."""
    examples = [path.read_bytes() for path in sorted((DIRECTORY / "examples").glob("*.json"))]
    if entry == "record":
        return examples
    if entry == "lines":
        compact = [example.replace(b"\n", b"") for example in examples]
        return [b"\n".join(compact), *compact]
    if entry == "table":
        return [raw[1:] for raw in stored()]
    if entry == "settings":
        pairs = ((n, f.default) for n, f in Settings.model_fields.items() if f.default is not None)
        return [f"{name} = {_toml(value)}".encode() for name, value in pairs]
    packaged = resources.files("stream.rules")
    files = (DEFAULT_RULESET, *(f"{name}.toml" for name in CATALOGUES))
    return [SITE, *(packaged.joinpath(name).read_bytes() for name in files)]


def words() -> list[str]:
    """A dictionary in libFuzzer's form: the words of the contract."""
    found = {*INPUT_MODELS, *Settings.model_fields}
    for model in INPUT_MODELS.values():
        found |= {info.alias or name for name, info in model.model_fields.items()}
    for kind in ("Signal", "Unit", "Device", "InfusionAgent", "InfusionUnit", "TherapyClass"):
        found |= {member.value for member in getattr(vocabulary, kind)}
    return [f'"{word}"' for word in sorted(found)]


def write(entry: str, folder: Path) -> None:
    """The corpus of an entry, one file each, beside its dictionary `words.dict`."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    for number, raw in enumerate(seeds(entry)):
        (corpus / f"{number:03}").write_bytes(raw)
    (folder / "words.dict").write_text("\n".join(words()), encoding="utf-8")


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
