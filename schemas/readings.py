"""One measured value of a `vitals` event; its unit must be one of its signal's."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.vocabulary import Method, Quality, Site
from schemas.wire import Number, StrictModel


class _Reading(StrictModel):
    value: Number
    """The measured value, in `unit`; what is possible for a patient is judged later."""
    site: Site | None = None
    """Where a temperature was taken."""
    method: Method | None = None
    """How it was measured: `cuff` or `arterial_line`; `continuous` for wearable patches."""
    quality: Quality | None = None
    """What the sender thinks of the value; absent: `good`."""


class TemperatureReading(_Reading):
    """A body temperature, graded as measured: no offset is added for the site."""

    signal: Literal["temperature"]
    """What was measured."""
    unit: Literal["Cel", "[degF]"]
    """UCUM: degrees Celsius or Fahrenheit; never guessed."""


class RateReading(_Reading):
    """A heart rate or a respiratory rate."""

    signal: Literal["heart_rate", "respiratory_rate"]
    """What was measured."""
    unit: Literal["/min"]
    """UCUM: per minute."""


class SaturationReading(_Reading):
    """Oxygen saturation by pulse oximetry."""

    signal: Literal["spo2"]
    """What was measured."""
    unit: Literal["%"]
    """UCUM: percent (97, not 0.97)."""


class PressureReading(_Reading):
    """A blood pressure: systolic, diastolic or mean."""

    signal: Literal["systolic_bp", "diastolic_bp", "mean_bp"]
    """What was measured."""
    unit: Literal["mm[Hg]", "kPa"]
    """UCUM: millimetres of mercury or kilopascals."""


Reading = Annotated[
    TemperatureReading | RateReading | SaturationReading | PressureReading,
    Field(discriminator="signal"),
]
