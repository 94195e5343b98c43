"""The small types all models are made of: ids, texts, numbers, times.

Strict on input: a string is not a number, a truth value is not a number, only finite numbers, a
time has an offset. Every string and number has a limit.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
ID_LENGTH = 128
NUMBER_LIMIT = 1e9
"""Sanity only: what is possible for a patient is the engine's to judge."""

TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class Rfc3339:
    """Annotation: an RFC 3339 time with an offset, years 1900 to 2999; a datetime in Python.

    Validated without Python code on the way, for the hot path: text, pattern, then the calendar.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Pattern first, since pydantic alone also takes spaces, missing seconds and numbers."""
        text = core_schema.str_schema(pattern=TIME_PATTERN, strict=True)
        moment = core_schema.datetime_schema(
            strict=False, tz_constraint="aware", ge=EARLIEST, le=LATEST
        )
        from_text = core_schema.chain_schema([text, moment])
        instance = core_schema.chain_schema([core_schema.is_instance_schema(datetime), moment])
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([instance, from_text]),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """RFC 3339 text; the range of years cannot be said there but in words."""
        return {"type": "string", "format": "date-time", "pattern": TIME_PATTERN}


class IsoDate:
    """Annotation: an ISO 8601 calendar date, years 1600 to 2999 (shifted research data)."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Pattern first, since pydantic alone also takes a time at midnight."""
        return core_schema.chain_schema(
            [
                core_schema.str_schema(pattern=DATE_PATTERN, strict=True),
                core_schema.date_schema(strict=False, ge=date(1600, 1, 1), le=date(2999, 12, 31)),
            ]
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """ISO 8601 text."""
        return {"type": "string", "format": "date", "pattern": DATE_PATTERN}


Time = Annotated[datetime, Rfc3339]
Day = Annotated[date, IsoDate]
Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH)]
Name = Annotated[str, Field(min_length=1, max_length=ID_LENGTH)]
UnitText = Annotated[str, Field(min_length=1, max_length=64)]
Text = Annotated[str, Field(max_length=1000)]
Number = Annotated[float, Field(ge=-NUMBER_LIMIT, le=NUMBER_LIMIT)]
Amount = Annotated[float, Field(ge=0, le=NUMBER_LIMIT)]


class StrictModel(BaseModel):
    """Input: unknown fields are refused, nothing is coerced, nothing can be changed later."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_by_name=False,
        validate_by_alias=True,
    )


class LenientModel(BaseModel):
    """Output as its readers take it: fields they do not know yet are kept and do no harm."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )
