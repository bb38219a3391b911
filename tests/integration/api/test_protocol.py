"""Every request meets the same rules: the key, limits of bodies, problem documents, logs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from api.app import create_app
from api.http.json_body import MAX_BYTES
from mailroom.settings import Settings
from prefect_mailroom.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

JSON = {"Content-Type": "application/json"}


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "instance"} <= set(body)
    return body


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"X-API-Key": ""},
        {"X-API-Key": "test-key-of-more-than-thirty-two-character"},
        {"X-API-Key": "test-key-of-more-than-thirty-two-characters2"},
        {"Authorization": "Bearer ümläut"},
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/schedules/",
        "/api/v1/schedules",
        "/API/V1/SCHEDULES/",
        "/api/v1/schedules/health",
        "/api/v1/connections/readyz",
        "/api/v1/../healthz",
        "//api/v1/schedules/",
        "/healthz/",
        "/metrics",
        "/nothing",
    ],
)
async def test_nothing_opens_without_the_key(offline: Api, path: str, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(offline.app), base_url="http://mailroom.test") as nobody:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = await nobody.get(path, headers=raw)
    problem = is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem["remedy"]


async def test_health_and_documentation_are_open(offline: Api) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(offline.app), base_url="http://mailroom.test") as nobody:
        assert (await nobody.get("/healthz")).json()["status"] == "ok"
        ready = await nobody.get("/readyz")
        page = await nobody.get("/docs")
        assert (await nobody.get("/api/v1/openapi.json")).status_code == 200
    assert ready.status_code == 200
    assert ready.json()["checks"]["database"] == "ok"
    assert "does not answer" in ready.json()["checks"]["prefect"]
    assert "/api/v1/schedules/{schedule_id}/pause" in page.text
    assert not re.search(r"<script|https?://|//cdn", page.text)


async def test_both_headers_take_the_key(offline: Api) -> None:
    key = offline.settings.api_key.get_secret_value()
    for headers in ({"X-API-Key": key}, {"Authorization": f"bearer {key}"}):
        transport = httpx.ASGITransport(offline.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mailroom.test", headers=headers) as client:
            assert (await client.get("/api/v1/schedules/")).status_code == 200


@pytest.mark.parametrize("key", ["", "  "])
def test_it_does_not_start_without_a_key(key: str) -> None:
    with pytest.raises(ConfigurationError, match="MAILROOM_API_KEY is empty"):
        create_app(Settings(api_key=key))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"name": "a", "name": "b"}', "occurs twice"),
        (b'{"a": {"x": 1, "x": 1}}', "occurs twice"),
        (b'{"count": NaN}', "NaN"),
        (b'{"count": -Infinity}', "Infinity"),
        (b'{"count": 1e999}', "too large"),
        (b'{"count": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"[" * 100_000, "deeper"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "deeper"),
        (b"[" + b"0," * 200_000 + b"0]", "members"),
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b'{"a\\u0000b": 1}', "NUL"),
        (b'{"name": "\\ud800"}', "incomplete character"),
        (b'{"name": "\xff"}', "UTF-8"),
        (b'{"name": ', "not JSON"),
        (b"name=a", "not JSON"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/schedules/", "/api/v1/connections", "/api/v1/schedules/preview"])
async def test_json_outside_the_limits_is_refused(offline: Api, path: str, body: bytes, told: str) -> None:
    problem = is_problem(await offline.http.post(path, content=body, headers=JSON), 400)
    assert told in problem["detail"]


async def test_a_large_body_is_refused_by_its_length_and_while_reading(offline: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10 * MAX_BYTES // 65_536):
            yield b" " * 65_536

    large = b'{"name": "' + b"x" * MAX_BYTES + b'"}'
    is_problem(await offline.http.post("/api/v1/schedules/", content=large, headers=JSON), 413)
    is_problem(await offline.http.post("/api/v1/schedules/", content=endless(), headers=JSON), 413)
    is_problem(await offline.http.post("/api/v1/schedules/x/pause", content=large, headers=JSON), 413)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_only_json_is_taken(offline: Api, media: str) -> None:
    answer = await offline.http.post("/api/v1/schedules/", content=b"{}", headers={"Content-Type": media})
    is_problem(answer, 415)


async def test_the_frameworks_refusals_are_problems_too(offline: Api) -> None:
    is_problem(await offline.http.get("/api/v1/nothing"), 404)
    is_problem(await offline.http.get("/api/v1/schedules/a%20b"), 404)
    is_problem(await offline.http.get("/api/v1/schedules/" + "x" * 500), 404)
    is_problem(await offline.http.get("/api/v1/executions/unknown"), 404)
    is_problem(await offline.http.get("/api/v1/artifacts/unknown/download"), 404)
    is_problem(await offline.http.get("/api/v1/Schedules/"), 404)
    is_problem(await offline.http.get("/api/v1/reports/"), 404)
    refused = await offline.http.delete("/api/v1/schedules/")
    is_problem(refused, 405)
    assert refused.headers["Allow"] == "GET, POST"
    assert (await offline.http.options("/api/v1/schedules/bulk")).headers["Allow"] == "POST"
    is_problem(await offline.http.post("/api/v1/schedules/"), 422)
    is_problem(await offline.http.post("/api/v1/schedules/", json="text"), 422)
    is_problem(await offline.http.get("/api/v1/schedules/?search=%00"), 422)


async def test_an_unexpected_error_tells_its_id_alone(offline: Api, capsys: pytest.CaptureFixture[str]) -> None:
    async with offline.database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE audit_events RENAME TO elsewhere")
    answer = await offline.http.get("/api/v1/audit", headers={"X-Request-ID": "req-1"})
    problem = is_problem(answer, 500)
    assert "Traceback" not in answer.text
    assert "audit_events" not in answer.text
    assert answer.headers["X-Request-ID"] == "req-1"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    (logged,) = [line for line in lines if line.get("error_id") == problem["error_id"]]
    assert "no such table" in logged["exception"]
    assert logged["request_id"] == "req-1"


async def test_a_database_that_is_behind_is_not_ready(offline: Api) -> None:
    async with offline.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0032'")
    answer = await offline.http.get("/readyz")
    assert answer.status_code == 503
    assert "migration" in answer.json()["checks"]["database"]


async def test_security_22_no_line_of_the_log_can_be_forged(offline: Api, capsys: pytest.CaptureFixture[str]) -> None:
    forged = '\r\n{"event": "forged"}\x1b[2J\u2028'
    await offline.http.get("/api/v1/" + "%0d%0a%7b%22event%22%3a%22forged%22%7d%1b[2J")
    answer = await offline.http.get("/api/v1/schedules/", headers={"X-Request-ID": 'a"},{"event":"forged'})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    await offline.http.get("/api/v1/schedules/", params={"search": forged})
    text = capsys.readouterr().err
    assert "\x1b" not in text
    lines = [json.loads(line) for line in text.splitlines() if line]
    assert [line["event"] for line in lines] == ["request"] * 3
