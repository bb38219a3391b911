"""Checks of connections, stored or not: what they answer step by step, what is kept of them, and who is warned."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from prefect_mailroom import outbound
from tests.integration.api.conftest import SCHEDULE
from tests.support.smtp import PASSWORD, USERNAME, SmtpServer, smtp_settings

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

KEPT = {"secret": True}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SmtpServer]:
    """A mail server that may be reached."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with SmtpServer().serving(auth=True) as serving:
        yield serving


def mail(port: int, **settings: Any) -> dict[str, Any]:
    return {**smtp_settings(port, username=USERNAME, password=PASSWORD), **settings}


def failed(steps: list[dict[str, Any]]) -> list[str]:
    return [step["name"] for step in steps if not step["ok"]]


async def actions_of(api: Api, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what the audit trail has about a connection, oldest first."""
    found = await api.json("GET", f"/audit?entity_type=connection&entity_id={name}", 200)
    return [(one["action"], one["detail"]) for one in reversed(found["items"])]


async def test_the_last_check_is_kept_until_the_settings_change(online: Api, tmp_path: Path) -> None:
    body = {"name": "files", "kind": "folder", "settings": {"root": str(tmp_path / "missing")}}
    made = await online.json("POST", "/connections", 201, json=body)
    assert (made["last_check_at"], made["last_check_ok"], made["secret_changed_at"]) == (None, None, None)
    problem = await online.json("POST", "/connections/files/check", 422)
    assert failed(problem["steps"])
    assert problem["steps"][-1]["remedy"]
    row = await online.json("GET", "/connections/files", 200)
    assert (row["last_check_ok"], row["last_check_message"]) == (False, problem["detail"])
    (tmp_path / "missing").mkdir()
    checked = await online.json("POST", "/connections/files/check", 200)
    assert checked["ok"]
    assert checked["steps"]
    assert failed(checked["steps"]) == []
    row = await online.json("GET", "/connections/files", 200)
    assert (row["last_check_ok"], row["last_check_message"]) == (True, checked["message"])
    same = {key: body[key] for key in ("kind", "settings")}
    kept = await online.json("PUT", "/connections/files", 200, json={**same, "description": "The files"})
    assert kept["last_check_at"] == row["last_check_at"]
    other = {**same, "settings": {"root": str(tmp_path)}}
    gone = await online.json("PUT", "/connections/files", 200, json=other)
    assert (gone["last_check_at"], gone["last_check_ok"], gone["last_check_message"]) == (None, None, None)
    outcomes = [detail["outcome"] for action, detail in await actions_of(online, "files") if action == "checked"]
    assert outcomes == ["ConfigurationError", "ok"]


async def test_security_37_a_secret_stays_unless_the_host_changes(online: Api, server: SmtpServer) -> None:
    body = {"name": "mail", "kind": "email", "settings": mail(server.port)}
    made = await online.json("POST", "/connections", 201, json=body)
    shown = (await online.json("GET", "/connections/mail", 200))["settings"]
    assert shown["credentials"]["password"] == KEPT
    renamed = {"kind": "email", "settings": {**shown, "from_name": "Reports"}}
    kept = await online.json("PUT", "/connections/mail", 200, json=renamed)
    assert datetime.fromisoformat(kept["secret_changed_at"]) == datetime.fromisoformat(made["secret_changed_at"])
    await online.json("POST", "/connections/mail/check", 200)
    assert server.logins
    async with SmtpServer().serving(auth=True) as other:
        moved = {**shown, "credentials": {**shown["credentials"], "smtp_port": other.port}}
        refused = await online.json("PUT", "/connections/mail", 422, json={"kind": "email", "settings": moved})
        assert [error["field"] for error in refused["errors"]] == ["settings.credentials.password"]
        # Nor does a check of settings that are not stored lead the secret there, nor a test.
        unsaved = {"kind": "email", "settings": moved, "connection": "mail"}
        await online.json("POST", "/connections/check", 422, json=unsaved)
        trial = {"settings": moved, "connection": "mail", "to": "ada@example.com"}
        await online.json("POST", "/distribution/test/email", 422, json=trial)
        await online.json("POST", "/connections/check", 200, json={**unsaved, "settings": shown})
        assert (other.logins, other.envelopes) == ([], [])
    new = {**shown, "credentials": {**shown["credentials"], "password": "another"}}
    changed = await online.json("PUT", "/connections/mail", 200, json={"kind": "email", "settings": new})
    assert changed["secret_changed_at"] > made["secret_changed_at"]
    bare = {**shown, "credentials": {**shown["credentials"], "username": None, "password": ""}}
    without = await online.json("PUT", "/connections/mail", 200, json={"kind": "email", "settings": bare})
    assert without["secret_changed_at"] is None


async def test_settings_are_checked_and_tried_before_they_are_stored(online: Api, server: SmtpServer) -> None:
    settings = mail(server.port)
    checked = await online.json("POST", "/connections/check", 200, json={"kind": "email", "settings": settings})
    assert checked["ok"]
    assert failed(checked["steps"]) == []
    receipt = await online.json(
        "POST", "/distribution/test/email", 200, json={"settings": settings, "to": "ada@example.com"}
    )
    assert server.taken() == ["ada@example.com"]
    assert receipt["steps"][-1]["name"] == "deliver"
    assert receipt["grade"] in ("accepted", "accepted_with_id")
    assert (receipt["ok"], receipt["connection"]) == (True, "(unsaved)")
    wrong = mail(server.port, credentials={**settings["credentials"], "password": "canary-wrong"})
    problem = await online.json("POST", "/connections/check", 422, json={"kind": "email", "settings": wrong})
    assert failed(problem["steps"])
    assert "canary-wrong" not in str(problem)
    # Nothing is sent where the check fails.
    await online.json("POST", "/distribution/test/email", 422, json={"settings": wrong, "to": "eve@example.com"})
    assert server.taken() == ["ada@example.com"]
    assert {row["name"] for row in (await online.json("GET", "/connections", 200))["items"]} == {"shared", "warehouse"}
    trail = await actions_of(online, "(unsaved)")
    assert Counter(action for action, _ in trail) == {"used": 4, "checked": 2, "tested": 2}
    assert {(one["kind"], one["host"]) for action, one in trail if action != "used"} == {("email", "127.0.0.1")}
    assert not any(secret in str(trail) for secret in (PASSWORD, "canary-wrong"))


async def test_settings_that_are_not_stored_meet_the_guard_first(online: Api) -> None:
    """The server of Prefect and the inside of the network are no targets of a check."""
    for kind, settings in (
        ("email", mail(25)),
        ("http", {"base_url": "http://169.254.169.254"}),
        ("sql", {"url": "postgresql://a:b@10.0.0.1/db"}),
    ):
        problem = await online.json("POST", "/connections/check", 422, json={"kind": kind, "settings": settings})
        assert problem["type"] == "/problems/invalid", problem
        assert problem["errors"][0]["field"].startswith("settings")
    hosts = [detail["host"] for action, detail in await actions_of(online, "(unsaved)") if action == "checked"]
    assert hosts == ["127.0.0.1", "169.254.169.254", "10.0.0.1"]


async def test_every_source_tells_its_steps(online: Api, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    sql = await online.json("POST", "/connections/check", 200, json={"kind": "sql", "settings": {"url": warehouse}})
    assert [step["name"] for step in sql["steps"]] == ["answer"]
    shell = {"working_directory": "/tmp", "allowed_programs": ["no-such-program"]}
    missing = await online.json("POST", "/connections/check", 422, json={"kind": "shell", "settings": shell})
    assert [(step["name"], step["ok"]) for step in missing["steps"]] == [("find", False)]
    nobody = {"base_url": "http://127.0.0.1:1"}
    silent = await online.json("POST", "/connections/check", 503, json={"kind": "http", "settings": nobody})
    assert [(step["name"], step["ok"]) for step in silent["steps"]] == [("resolve", True), ("connect", False)]


async def test_a_test_counts_as_a_check_and_has_a_grade(online: Api) -> None:
    receipt = await online.json("POST", "/distribution/test/folder", 200, json={"connection": "shared"})
    assert receipt["steps"][-1]["name"] == "deliver"
    assert receipt["grade"] in ("stored", "accepted")
    assert (await online.json("GET", "/connections/shared", 200))["last_check_ok"] is True


async def test_who_activates_a_schedule_is_warned_of_connections_that_nobody_checked(
    online: Api, tmp_path: Path
) -> None:
    def codes(view: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one["code"], one["data"]["connection"]) for one in view["warnings"] if "connection" in one["code"]]

    made = await online.json("POST", "/schedules/", 201, json=SCHEDULE)
    assert codes(made) == [("connection_unchecked", "shared"), ("connection_unchecked", "warehouse")]
    await online.json("POST", "/connections/warehouse/check", 200)
    (tmp_path / "shared").rmdir()
    await online.json("POST", "/connections/shared/check", 422)
    path = f"/schedules/{made['id']}"
    await online.json("POST", f"{path}/pause", 200)
    assert codes(await online.json("POST", f"{path}/resume", 200)) == [("connection_check_failed", "shared")]
    (tmp_path / "shared").mkdir()
    await online.json("POST", "/connections/shared/check", 200)
    assert codes(await online.json("GET", path, 200)) == []


async def test_a_connection_in_use_names_its_users_as_far_as_they_are_seen(online: Api) -> None:
    made = await online.json("POST", "/schedules/", 201, json={**SCHEDULE, "name": "Mine"})
    used = await online.json("GET", "/connections/shared/uses", 200)
    assert used["schedules"] == [{"id": made["id"], "name": "Mine", "state": "active"}]
    assert (used["reports"], used["more_schedules"], used["more_reports"]) == ([], 0, 0)
    refused = await online.json("DELETE", "/connections/shared", 409)
    assert [error["field"] for error in refused["errors"]] == [f"schedules.{made['id']}"]
    reports = await online.json("GET", "/connections/warehouse/uses", 200)
    assert [one["id"] for one in reports["reports"]] == ["orders"]
    await online.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    user = {"email": "eve@example.com", "name": "Eve", "external_id": "eve"}
    await online.json("POST", "/users", 201, json=user)
    as_eve = {"headers": {"X-Act-For": "ext:eve"}}
    seen = await online.json("GET", "/connections/shared/uses", 200, **as_eve)
    assert (seen["schedules"], seen["more_schedules"]) == ([], 1)
    # Who may not make connections tries none that is not stored.
    settings = {"settings": {"root": "/tmp"}}
    await online.json("POST", "/distribution/test/folder", 403, json=settings, **as_eve)
    await online.json("POST", "/connections/check", 403, json={"kind": "folder", **settings}, **as_eve)


async def test_checks_are_counted_as_tests(online: Api) -> None:
    await online.json("PUT", "/connections/shared/grants", 200, json={"roles": ["creator"]})
    await online.json("POST", "/users", 201, json={"email": "e@example.com", "name": "Eve", "external_id": "eve"})
    as_eve = {"headers": {"X-Act-For": "ext:eve"}}
    for _ in range(20):
        await online.json("POST", "/connections/shared/check", 200, **as_eve)
    refused = await online.json("POST", "/connections/shared/check", 429, **as_eve)
    assert refused["limit_name"] == "tests_an_hour"


HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("email", {"from_address": "a@b.example", "credentials": {"smtp_server": 5}}),
    ("email", {"from_address": "a@b.example", "credentials": {"smtp_type": ["STARTTLS"]}}),
    ("email", mail(2**63)),
    ("email", mail(70_000)),
    ("email", {"from_address": "a@b.example", "credentials": KEPT}),
    ("sql", {"url": "postgresql://127.0.0.1:port/db"}),
    ("sql", {"url": "http://[::1"}),
    ("sql", {"url": KEPT}),
    ("shell", {"working_directory": "a" * 5000, "allowed_programs": ["ls"]}),
    ("http", {"base_url": "http://127.0.0.1:99999"}),
    ("webhook", {"url": [KEPT], "signing_secret": KEPT}),
]


async def test_hostile_settings_are_no_error_of_ours(offline: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a check of settings that are not stored needs Prefect."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    for kind, settings in HOSTILE:
        await offline.json("POST", "/connections/check", 422, json={"kind": kind, "settings": settings})
        if kind in ("email", "webhook"):
            await offline.json(
                "POST", f"/distribution/test/{kind}", 422, json={"settings": settings, "to": "a@b.example"}
            )
    await offline.json("POST", "/distribution/test/email", 422, json={"to": "a@b.example"})
