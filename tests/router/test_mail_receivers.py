"""Mail before a real server, working and failing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.router.bedside import Mailbox, mail_server
from tests.router.sending import ONE, certificates, free_port, receiver, sent

if TYPE_CHECKING:
    from pathlib import Path

    from stream.router.message import Receiver


def mail(tmp_path: Path, port: int, **table: Any) -> Receiver:
    named = {"sender": "stormwatch@example.org", "to": ["a@example.org", "b@example.org"]}
    return receiver(tmp_path, kind="smtp", host="127.0.0.1", port=port, **{**named, **table})


def test_mail_goes_over_starttls_and_reads_well(tmp_path: Path) -> None:
    context, trusted = certificates(tmp_path, "127.0.0.1")
    box = Mailbox()
    with mail_server(box, context) as port:
        answers = sent(mail(tmp_path, port, ca_file=trusted), ONE, ONE)
        (wrong,) = sent(mail(tmp_path, port), ONE)
    assert [answer.outcome for answer in answers] == ["delivered"] * 2, answers
    assert wrong.outcome == "failed"
    first, again = box.taken
    assert first.content == again.content
    assert first.rcpt_tos == ["a@example.org", "b@example.org"]
    text = first.content.decode()
    assert "Subject: [high] p-1, ward-7/bed-1: grade 2 -> 3" in text
    assert f"Message-ID: <{ONE.message_id}@stormwatch>" in text
    assert f"alert {ONE.alerts[0].alert_id}" in text


@pytest.mark.parametrize(
    ("reply", "outcome"), [("451 later", "failed"), ("552 too large", "refused")]
)
def test_what_a_mail_server_says(tmp_path: Path, reply: str, outcome: str) -> None:
    with mail_server(Mailbox(reply)) as port:
        (answer,) = sent(mail(tmp_path, port, tls="none"), ONE)
    assert (answer.outcome, answer.code) == (outcome, reply[:3])
    (nobody,) = sent(mail(tmp_path, free_port(), tls="none"), ONE)
    assert (nobody.outcome, nobody.code) == ("failed", "connection")
