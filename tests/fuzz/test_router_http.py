"""The router's endpoint before strangers: what it says of itself holds."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from schemas.events import INPUT_ADAPTER
from schemas.router_openapi import router_openapi_document
from tests.router.test_endpoint import TOKEN, endpoint, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.router.test_lane import Notebook

# A time that lies in the future, shelving without an end: no schema says so.
ALLOWED = {"expected-statuses": ["2xx", "4xx"]}
# A body that is too long is refused as such (413) before anybody reads what is wrong in it.
REFUSED = {"expected-statuses": ["4xx", "5xx"]}
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": ALLOWED, "negative_data_rejection": REFUSED}}
)
API = schemathesis.openapi.from_dict(router_openapi_document(), config=CONFIG)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, Notebook]]:
    with endpoint(TOKEN, audit=True) as there:
        yield there


@API.parametrize()
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_endpoint_is_what_its_document_says(
    case: schemathesis.Case, served: tuple[int, Notebook]
) -> None:
    port, _ = served
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}
    )


def test_what_it_takes_is_an_event_of_the_contract(served: tuple[int, Notebook]) -> None:
    """After the above, and after one of our own."""
    port, notebook = served
    assert post(port).startswith(b"HTTP/1.0 20")
    assert {topic for topic, _ in notebook.written} == {"care"}
    for _, event in notebook.written:
        assert INPUT_ADAPTER.validate_json(event).type == "acknowledgement"


def test_the_document_is_served(served: tuple[int, Notebook]) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{served[0]}/openapi.json", timeout=5) as said:
        assert said.headers["Content-Type"] == "application/json"
        assert json.load(said) == router_openapi_document()
