"""Exact conversion of units, by decimal arithmetic, never rounded on the way."""

from __future__ import annotations

from decimal import Context, Decimal

_EXACT = Context(prec=34)
_KPA_PER_MMHG = Decimal("0.133322")  # UCUM: m[Hg] is 133.3220 kPa


def celsius(fahrenheit: float) -> float:
    """Degrees Celsius: 100.4 °F is 38.0 °C exactly, 100.3 °F is less. `fahrenheit` is finite."""
    above_freezing = _EXACT.subtract(Decimal(repr(fahrenheit)), Decimal(32))
    return float(_EXACT.divide(_EXACT.multiply(above_freezing, Decimal(5)), Decimal(9)))


def mmhg(kilopascal: float) -> float:
    """Millimetres of mercury, with UCUM's factor. `kilopascal` is finite."""
    return float(_EXACT.divide(Decimal(repr(kilopascal)), _KPA_PER_MMHG))
