"""The shapes of plain records, as msgspec decodes them: see `stream.intake.plain`.

They stand apart since msgspec makes classes of its own, which mypyc does not compile. The readings
are left as the bytes that they are, and decoded one by one: most of them are known already.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.events import MAX_EVENTS
from schemas.wire import ID_LENGTH, NUMBER_LIMIT
from stream.engine.events import Signal

_Id = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH)]
Optional = str | None | UnsetType


class PlainReading(Struct, forbid_unknown_fields=True, gc=False):
    """A vital sign."""

    signal: Signal
    # Above zero, though the contract allows less: the sign of a zero is lost on the way.
    value: Annotated[float, Meta(gt=0, le=NUMBER_LIMIT)]
    unit: str
    site: Optional = UNSET
    method: Optional = UNSET
    quality: Optional = UNSET


class PlainVitals(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="vitals"):
    """An event of vital signs."""

    event_id: _Id
    patient_id: _Id
    time: str
    readings: msgspec.Raw
    received_at: Optional = UNSET
    source: _Id | UnsetType | None = UNSET
    replaces: _Id | UnsetType | None = UNSET


class PlainBundle(Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="bundle"):
    """Several events of one patient, each as its bytes."""

    patient_id: _Id
    events: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_EVENTS)]


decode_reading = msgspec.json.Decoder(PlainReading).decode
decode_record = msgspec.json.Decoder(PlainVitals | PlainBundle).decode
NOT_TAKEN = (msgspec.MsgspecError, ValueError, KeyError, RecursionError)
"""What they, and whoever reads on, raise for a text that is not plain."""
