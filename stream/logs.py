"""Structured logs on standard error: one JSON object a line, or lines for people.

Logs leave the ward more easily than charts do, so no patient's id goes into them: a keyed hash
stands for it, the same within a site that sets `hash_key` and meaningless outside.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.settings import Settings

Processor = Any
NOISY = ("kafka", "aiokafka", "faust", "mode", "asyncio")
"""Libraries whose INFO lines say little to an operator: their warnings are kept."""


def patient_hash(patient_id: str, key: bytes) -> str:
    """What stands for a patient in logs: 16 hex digits of HMAC-SHA-256."""
    return hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()[:16]


def hide_patients(key: bytes) -> Callable[[Any, str, dict[str, Any]], dict[str, Any]]:
    """A structlog processor: `patient_id` of an entry becomes `patient`, its hash."""

    def process(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
        patient_id = entry.pop("patient_id", None)
        if patient_id is not None:
            entry["patient"] = patient_hash(str(patient_id), key)
        return entry

    return process


def configure_logging(settings: Settings) -> None:
    """Sends all logs of this process, the libraries' too, to standard error as settings say."""
    level = getattr(logging, settings.log_level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        hide_patients(settings.hash_key.get_secret_value().encode()),
    ]
    if settings.log_format == "json":
        last: list[Processor] = [
            structlog.processors.ExceptionRenderer(
                ExceptionDictTransformer(show_locals=False)  # locals hold patients' data
            ),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
