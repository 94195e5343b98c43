"""Mail: STARTTLS unless told otherwise; a text that a person reads, the ids at its end."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import TYPE_CHECKING

import aiosmtplib

from stream.router.addresses import secret
from stream.router.message import Answer, Message, delivered, failed, refused
from stream.sentences import alert_line, what

if TYPE_CHECKING:
    import ssl

    from stream.router.addresses import SmtpConfig

PERMANENT = frozenset({550, 551, 552, 553, 554})
"""Replies that speak of this mail or its recipients; others may pass."""
GOODBYE_S = 1.0


class Mail:
    """A connection for each message: mail servers drop idle ones."""

    def __init__(self, config: SmtpConfig) -> None:
        self._config = config
        self.address = f"smtp://{config.host}:{config.port} ({', '.join(config.to)})"
        self._tls: ssl.SSLContext | None = config.context() if config.tls != "none" else None
        self._partings: set[asyncio.Task[None]] = set()
        self._password = None if config.password is None else secret(config.password)

    def render(self, message: Message) -> bytes:
        """The mail, with the time at which the broker got the first alert as its date."""
        first = message.alerts[0]
        more = f" (+{len(message.alerts) - 1})" if len(message.alerts) > 1 else ""
        place = "" if message.location is None else f", {message.location}"
        mail = EmailMessage(policy=WIRE)
        subject = f"[{message.priority}] {message.patient_id}{place}: {what(first.document)}{more}"
        mail["Subject"] = "".join(c if c.isprintable() else " " for c in subject)[:200]
        mail["From"] = self._config.sender
        mail["To"] = ", ".join(self._config.to)
        mail["Date"] = format_datetime(first.place.at.astimezone(UTC).replace(microsecond=0))
        mail["Message-ID"] = f"<{message.message_id}@stormwatch>"
        mail["X-Priority"] = "1" if message.rank == 0 else "3"
        lines = [alert_line(alert.document) for alert in message.alerts]
        ids = [f"alert {alert.alert_id}" for alert in message.alerts]
        mail.set_content("\n".join([*lines, "", *ids, ""]), cte="quoted-printable")
        return mail.as_bytes()

    async def send(self, message: Message, body: bytes) -> Answer:  # noqa: ARG002 - the protocol's
        """One session with the server."""
        config = self._config
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            username=config.username,
            password=self._password,
            use_tls=config.tls == "tls",
            start_tls=config.tls == "starttls",
            tls_context=self._tls,
            timeout=None,
        )
        taken = False
        try:
            await client.connect()
            turned_away, said = await client.sendmail(config.sender, list(config.to), body)
            taken = True
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {recipient.code for recipient in error.recipients}
            answer = refused if codes <= PERMANENT else failed
            return answer(max(codes), "every recipient was turned away")
        except aiosmtplib.SMTPAuthenticationError as error:
            return failed(error.code, error.message)
        except aiosmtplib.SMTPResponseException as error:
            return (refused if error.code in PERMANENT else failed)(error.code, error.message)
        except (aiosmtplib.SMTPException, OSError) as error:
            return failed("connection", f"{type(error).__name__}: {error}")
        finally:
            if taken:
                self._part(client)
            else:
                client.close()
        if turned_away:
            return delivered("250", f"{said}; turned away: {', '.join(sorted(turned_away))}")
        return delivered("250", said)

    async def close(self) -> None:
        """Nothing is kept open but for goodbyes."""
        if self._partings:
            await asyncio.wait(self._partings)

    def _part(self, client: aiosmtplib.SMTP) -> None:
        """Say goodbye beside the work: a mail that was taken is not sent again for want of it."""
        parting = asyncio.create_task(_goodbye(client))
        self._partings.add(parting)
        parting.add_done_callback(self._partings.discard)


async def _goodbye(client: aiosmtplib.SMTP) -> None:
    try:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=GOODBYE_S)
    finally:
        client.close()
