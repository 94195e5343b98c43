"""Keys of the two state tables.

Patients: a patient's id is the key of the state that was written whole, and with a byte before it
that no UTF-8 has, the key of what changed since. Windows: see `window_key`.
"""

from __future__ import annotations

import struct

_START = struct.Struct(">q")
_SEPARATOR = b"\x00"
_DIFFERENTIAL = b"\xfe"


def window_key(patient: bytes, start: int) -> bytes:
    """Key of the windows table: patient id, a zero byte, the window's start (8 bytes, signed)."""
    return patient + _SEPARATOR + _START.pack(start)


def split_window_key(key: bytes) -> tuple[bytes, int] | None:
    """Patient id and window start; None where the key is not one of ours."""
    if len(key) <= _START.size + 1 or key[-9:-8] != _SEPARATOR:
        return None
    return key[:-9], _START.unpack(key[-8:])[0]


def differential_key(patient: bytes) -> bytes:
    """Key of the patients table for what changed since the patient's state was written whole."""
    return _DIFFERENTIAL + patient


def is_differential(key: bytes) -> bool:
    """Whether a key of the patients table is such a one."""
    return key.startswith(_DIFFERENTIAL)


def patient_of(key: bytes) -> bytes:
    """The patient whom a key of the patients table is about."""
    return key.removeprefix(_DIFFERENTIAL)
