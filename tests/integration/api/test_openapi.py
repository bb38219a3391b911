"""The OpenAPI document: complete, consistent, its examples accepted by the models they are examples of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from api.app import create_app
from api.http.bodies import SCHEDULES
from api.rest.calendars import CALENDAR
from api.rest.connections import FOLDER, SMTP
from api.rest.reports import REPORT
from mailroom.connections.service import ConnectionSettings, build
from mailroom.reports.checks import check_definition
from mailroom.reports.spec import ReportDefinition
from mailroom.schedules.calendar_changes import CalendarSettings
from mailroom.schedules.spec import read_spec
from mailroom.settings import Settings
from prefect_mailroom.channels.registry import CHANNELS

CONTRACT = """
POST /schedules/, GET /schedules/, GET /schedules/{schedule_id}, PUT /schedules/{schedule_id}
DELETE /schedules/{schedule_id}, PATCH /schedules/{schedule_id}, POST /schedules/{schedule_id}/pause
POST /schedules/{schedule_id}/resume, POST /schedules/{schedule_id}/test, POST /schedules/{schedule_id}/run
GET /schedules/{schedule_id}/history, GET /schedules/executions, POST /schedules/preview
POST /distribution/test/{channel}, GET /executions/{execution_id}, GET /artifacts/{artifact_id}/download
GET /connections, POST /connections, PUT /connections/{name}, DELETE /connections/{name}, GET /connections/kinds
POST /connections/{name}/check, GET /reports, POST /reports, PUT /reports/{report_id}, DELETE /reports/{report_id}
GET /calendars, POST /calendars, GET /calendars/{calendar_id}, PUT /calendars/{calendar_id}
DELETE /calendars/{calendar_id}, GET /reports/{report_id}/preview, GET /audit, GET /notifications
"""


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


def test_every_endpoint_of_the_contract_exists(document: dict[str, Any]) -> None:
    promised = {entry.strip().replace(" ", " /api/v1") for line in CONTRACT.split("\n") for entry in line.split(",")}
    assert promised - {""} <= {name for name, _ in operations(document)}


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
