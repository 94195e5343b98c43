"""The edge: a record's bytes to engine events, or to coded rejections. Never raises for data."""

from stream.intake.records import HOUR, MAX_BYTES, Intake, decode

__all__ = ["HOUR", "MAX_BYTES", "Intake", "decode"]
