"""FHIR servers get valid resources, each once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.communication import Communication
from fhir.resources.R4B.flag import Flag

from stream.router.message import Message
from tests.router.alarms import alert
from tests.router.sending import CLOSED, ESCALATED, ONE, TWO, receiver, sent
from tests.router.servers import HttpServer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("resource", "model"), [("Communication", Communication), ("Flag", Flag)])
def test_a_fhir_server_gets_valid_resources_once(tmp_path: Path, resource: str, model: Any) -> None:
    with HttpServer(lambda _n, body: checked(body, model)).up() as server:
        there = receiver(
            tmp_path, kind="fhir", url=f"http://127.0.0.1:{server.port}/r4", resource=resource,
            identifier_system="urn:oid:1.2.3",
        )  # fmt: skip
        answers = sent(there, ONE, TWO, ESCALATED)
    assert [answer.outcome for answer in answers] == ["delivered"] * 3, answers
    paths = [path for path, _, _ in server.seen]
    assert paths == [f"/r4/{resource}", "/r4", f"/r4/{resource}"]
    wanted = f"identifier=urn:ietf:rfc:3986|urn:uuid:{ONE.alerts[0].alert_id}"
    assert server.seen[0][2]["If-None-Exist"] == wanted
    first = json.loads(server.seen[0][1])
    assert first["subject"]["identifier"] == {"system": "urn:oid:1.2.3", "value": "p-1"}
    assert first["status"] == ("in-progress" if resource == "Communication" else "active")


def test_a_flag_is_the_alarms_and_its_closing_sets_it_inactive(tmp_path: Path) -> None:
    step = alert(4, type="escalation.advanced", alert=alert(1).alert_id, step=1, notify=["x"])
    with HttpServer(lambda _n, body: checked(body, Flag)).up() as server:
        url = f"http://127.0.0.1:{server.port}/r4"
        there = receiver(tmp_path, kind="fhir", url=url, resource="Flag")
        group = Message("bleep", (*ONE.alerts, *CLOSED.alerts), None)
        answers = sent(there, ONE, Message("bleep", (step,), None), CLOSED, group)
    assert [answer.outcome for answer in answers] == ["delivered"] * 4, answers
    opened, advanced, closed, both = (json.loads(body) for _, body, _ in server.seen)
    assert opened["identifier"] == advanced["identifier"] == closed["identifier"]
    assert [one["status"] for one in (opened, advanced, closed)] == ["active", "active", "inactive"]
    assert "end" not in opened["period"]
    assert closed["period"]["start"] == "2026-03-02T09:59:00Z"
    assert [asked.split()[0] for asked in server.asked] == ["POST", "POST", "PUT", "POST"]
    assert ONE.alerts[0].alert_id in server.asked[2]
    assert [entry["request"]["method"] for entry in both["entry"]] == ["POST", "PUT"]


def checked(body: bytes, model: Any) -> int:
    """201 where fhir.resources takes it, else 422, as a server that validates."""
    try:
        document = json.loads(body)
        if document["resourceType"] == "Bundle":
            for entry in Bundle.model_validate(document).entry:
                model.model_validate(entry.resource.model_dump(mode="json"))
        else:
            model.model_validate(document)
    except ValueError:
        return 422
    return 201
