"""The receivers: one module a kind, and what makes them from the routes file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.router.addresses import (
    AlertmanagerConfig,
    FhirConfig,
    FileConfig,
    MllpConfig,
    SmtpConfig,
    WebhookConfig,
)

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.addresses import ReceiverConfig
    from stream.router.message import Receiver


def make_receiver(config: ReceiverConfig, data_dir: Path) -> Receiver:
    """The receiver of a table. Raises SecretMissing, and OSError for files that cannot be used."""
    # Here, not above: a router loads the libraries of the receivers that it has.
    match config:
        case WebhookConfig():
            from stream.router.receivers.webhook import Webhook  # noqa: PLC0415

            return Webhook(config)
        case AlertmanagerConfig():
            from stream.router.receivers.alertmanager import Alertmanager  # noqa: PLC0415

            return Alertmanager(config)
        case FhirConfig():
            from stream.router.receivers.fhir import Fhir  # noqa: PLC0415

            return Fhir(config)
        case SmtpConfig():
            from stream.router.receivers.mail import Mail  # noqa: PLC0415

            return Mail(config)
        case MllpConfig():
            from stream.router.receivers.mllp import AlarmServer  # noqa: PLC0415

            return AlarmServer(config)
        case FileConfig():
            from stream.router.receivers.journal import Journal  # noqa: PLC0415

            return Journal(config, data_dir)
