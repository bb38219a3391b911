"""The OpenAPI document: complete, consistent, its examples accepted by the models they are examples of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest

from api.app import create_app
from api.rest.calendars.examples import CALENDAR
from api.rest.connections.examples import FOLDER, SMTP
from api.rest.reports.examples import REPORT
from api.rest.schedules.examples import SCHEDULES
from mailroom.connections.spec import ConnectionSettings, build
from mailroom.reports.checks import check_definition
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.calendar_changes import CalendarSettings
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from prefect_mailroom.channels.registry import CHANNELS

# The contract of the design, one line an endpoint; names in braces do not matter.
GIVEN = """
POST /schedules/
GET /schedules/
GET /schedules/{id}
PUT /schedules/{id}
DELETE /schedules/{id}
POST /schedules/{id}/pause
POST /schedules/{id}/resume
POST /schedules/{id}/test
GET /schedules/{id}/history
GET /schedules/executions
POST /distribution/test/email
POST /distribution/test/sftp
"""
OURS = """
POST /schedules/preview
POST /schedules/{id}/run
POST /schedules/{id}/backfill
PATCH /schedules/{id}
POST /schedules/bulk
GET /executions/{id}
POST /executions/{id}/retry
GET /artifacts/{id}/download
POST /distribution/test/{channel}
POST /distribution/preview
GET /connections
POST /connections
GET /connections/{id}
PUT /connections/{id}
DELETE /connections/{id}
GET /reports
POST /reports
GET /reports/{id}
PUT /reports/{id}
DELETE /reports/{id}
GET /calendars
POST /calendars
GET /calendars/{id}
PUT /calendars/{id}
DELETE /calendars/{id}
GET /reports/{id}/preview
GET /notifications
GET /audit
GET /deliveries
POST /deliveries/retry
POST /stop
POST /resume
GET /stops
GET /recipients/{address}
DELETE /recipients/{address}
GET /users
POST /users
PUT /users/{id}
DELETE /users/{id}
GET /teams
POST /teams
PUT /teams/{id}
DELETE /teams/{id}
GET /keys
POST /keys
PUT /keys/{id}
DELETE /keys/{id}
GET /sessions
POST /sessions
PUT /sessions/{id}
DELETE /sessions/{id}
GET /suppressions
POST /suppressions
PUT /suppressions/{id}
DELETE /suppressions/{id}
GET /stats
GET /limits
"""
AT_THE_ROOT = "GET /healthz, GET /readyz, GET /metrics"
# One route serves every channel.
SERVED_BY = dict.fromkeys(
    ("POST /distribution/test/email", "POST /distribution/test/sftp"), "POST /distribution/test/{}"
)
# Promised, and built by a later issue. Building one of them means taking it off this list.
LATER = """
POST /sessions, PUT /sessions/{id}
"""


def entries(text: str) -> set[str]:
    """Return the endpoints of a text, without the names in braces."""
    return {re.sub(r"{\w+}", "{}", one.strip()) for one in re.split(r"[\n,]", text) if one.strip()}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the application."""
    return create_app(Settings(api_key="x" * 40)).openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_example_calendar_is_accepted() -> None:
    assert CalendarSettings.model_validate(CALENDAR).country == "DE"


def test_every_endpoint_of_the_contract_exists_unless_it_comes_later(document: dict[str, Any]) -> None:
    promised = {SERVED_BY.get(one, one) for one in entries(GIVEN + OURS + AT_THE_ROOT)}
    there = entries("\n".join(name.replace("/api/v1", "") for name, _ in operations(document)))
    later = entries(LATER)
    assert later <= promised, "only what is promised can come later"
    assert sorted(promised - there) == sorted(later)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_every_body_has_examples_and_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation.get("description"), name
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            assert content.get("examples"), f"{name} {media}"
        if "/api/" not in name:
            continue
        assert operation["security"], name
        assert {"401", "500"} <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], f"{name} {status}"


def test_every_route_names_each_refusal_that_follows_from_what_it_takes(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if "/api/" not in name:
            continue
        answers, headers = operation["responses"], {one["name"] for one in operation["parameters"]}
        needed = {"401", "403", "404", "422", "429", "500", "503"}
        needed |= {"400", "413", "415"} if "requestBody" in operation else set()
        needed |= {"409"} if "Idempotency-Key" in headers else set()
        needed |= {"409", "412"} if "if-match" in headers else set()
        assert needed <= set(answers), f"{name}: {sorted(needed - set(answers))}"
        assert all("X-Request-ID" in answer["headers"] for answer in answers.values()), name
        assert {"WWW-Authenticate"} <= set(answers["401"]["headers"]), name
        assert {"Retry-After"} <= set(answers["503"]["headers"]), name
        assert list(answers) == sorted(answers), name


def test_destinations_are_those_of_the_channels(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/v1/schedules/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    mapping = body["properties"]["destinations"]["items"]["discriminator"]["mapping"]
    assert set(mapping) == set(CHANNELS)
    assert "to" in document["components"]["schemas"][mapping["email"].rsplit("/", 1)[1]]["properties"]


def test_the_examples_are_accepted() -> None:
    for example in SCHEDULES.values():
        read_spec(cast(dict[str, Any], example["value"]))
    definition = ReportDefinition.model_validate(REPORT)
    assert [fault for fault in check_definition(definition) if fault.severity == "error"] == []
    for connection in (SMTP, FOLDER):
        wanted = ConnectionSettings.model_validate(connection)
        build(wanted.kind, wanted.settings)
