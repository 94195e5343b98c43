"""The wire contract, version 1: what goes over Kafka and through the command line.

`events` (in), `alerts`, `deadletter` and `status` (out) are pydantic models and the one source of
the JSON Schemas and the AsyncAPI document in `schemas/v1/`. Additive changes keep version 1.
"""

CONTRACT_VERSION = 1
SCHEMA_BASE = f"https://stormwatch.dev/schemas/v{CONTRACT_VERSION}/"
"""`SCHEMA_BASE + type + ".schema.json"` is the `$id` of a type's JSON Schema (`ce_dataschema`)."""
CE_TYPE_PREFIX = "dev.stormwatch."
"""`CE_TYPE_PREFIX + type + ".v1"` is the `ce_type` of an alert."""
