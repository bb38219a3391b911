"""Connections through the API with a real Prefect server: secrets go in and never come out."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr
from sqlalchemy import delete

from mailroom.connections.kinds import block_types
from mailroom.storage.tables import Connection
from prefect_mailroom import outbound
from prefect_mailroom.channels.email.channel import EmailChannel
from prefect_mailroom.channels.folder import FolderChannel
from prefect_mailroom.channels.registry import CHANNELS
from prefect_mailroom.channels.retries import STANDARD, Retries
from tests.support.smtp import SmtpServer
from tests.support.wire import intercepted

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

HEADERS = {"Content-Type": "application/json"}
CANARY = "canary-5f1d-never-shown"


def smtp_settings(port: int, password: str = CANARY) -> dict[str, Any]:
    return {
        "credentials": {
            "smtp_server": "127.0.0.1",
            "smtp_port": port,
            "smtp_type": "INSECURE",
            "username": None,
            "password": password,
        },
        "from_address": "reports@example.com",
        "allow_plain": True,
    }


async def test_security_37_a_secret_is_stored_encrypted_and_never_shown(
    online: Api, prefect_server: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    wanted = [
        {"name": "mail", "kind": "email", "settings": smtp_settings(2525)},
        {"name": "db", "kind": "sql", "settings": {"url": f"postgresql://reader:{CANARY}@127.0.0.1:1/db"}},
        {
            "name": "bi",
            "kind": "http",
            "settings": {"base_url": "https://bi.example.com", "auth": "bearer", "auth_secret": CANARY},
        },
    ]
    answers = []
    for body in wanted:
        answers.append(await online.http.post("/api/v1/connections", json=body))
        assert answers[-1].status_code == 201, answers[-1].text
        answers.append(await online.http.get(f"/api/v1/connections/{body['name']}"))
        assert answers[-1].status_code == 200, answers[-1].text
        answers.append(await online.http.post(f"/api/v1/connections/{body['name']}/check"))
    answers.append(await online.http.get("/api/v1/connections"))
    answers.append(await online.http.get("/api/v1/audit"))
    assert answers[1].json()["settings"]["from_address"] == "reports@example.com"
    assert answers[1].json()["settings"]["credentials"]["password"] == {"secret": True}
    assert answers[4].json()["settings"]["url"] == {"secret": True}
    seen = "".join(answer.text for answer in answers) + "".join(capfd.readouterr())
    assert CANARY not in seen
    for file in online.settings.data_dir.parent.glob("mailroom.db*"):
        assert CANARY.encode() not in file.read_bytes()
    async with PrefectClient(prefect_server) as client:
        stored = await client.read_block_document_by_name("bi", "mailroom-http-source", include_secrets=True)
    assert stored.data["auth_secret"] == CANARY


async def test_security_37_the_secrets_of_every_mail_server_are_hidden(online: Api, prefect_server: str) -> None:
    google = json.dumps({"client_email": "m@example.com", "private_key": CANARY})
    settings = {
        "credentials": {"smtp_server": "smtp.example.com", "smtp_type": "STARTTLS", "password": CANARY},
        "from_address": "reports@example.com",
        "oauth": {"provider": "microsoft", "tenant": "t", "client_id": "c", "client_secret": CANARY},
        "second_server": {
            "host": "smtp-2.example.com",
            "password": CANARY,
            "oauth": {"provider": "google", "subject": "r@example.com", "service_account_key": google},
        },
        "third_server": {
            "host": "smtp-3.example.com",
            "oauth": {
                "provider": "refresh_token",
                "token_url": "https://login.example.com/token",
                "client_id": "c",
                "refresh_token": CANARY,
            },
        },
    }
    await online.json("POST", "/connections", 201, json={"name": "many", "kind": "email", "settings": settings})
    shown = await online.json("GET", "/connections/many", 200)
    assert CANARY not in json.dumps(shown)
    assert shown["settings"]["second_server"]["host"] == "smtp-2.example.com"
    assert shown["settings"]["second_server"]["oauth"]["service_account_key"] == {"secret": True}
    async with PrefectClient(prefect_server) as client:
        read = partial(client.read_block_document_by_name, "many", "mailroom-email")
        assert CANARY not in json.dumps((await read(include_secrets=False)).data)
        stored = await read(include_secrets=True)
    channel = EmailChannel.model_validate(stored.data)
    assert channel.oauth is not None
    assert channel.oauth.client_secret == SecretStr(CANARY)
    assert channel.second_server is not None
    assert channel.second_server.oauth is not None
    assert channel.second_server.oauth.google_key()["private_key"] == CANARY


async def test_security_37_a_changed_host_never_gets_the_stored_secret(online: Api, prefect_server: str) -> None:
    settings = {"base_url": "https://bi.example.com", "auth": "bearer", "auth_secret": CANARY}
    await online.json("POST", "/connections", 201, json={"name": "whole", "kind": "http", "settings": settings})
    without = {"base_url": "https://evil.example.com", "auth": "bearer"}
    refused = await online.json("PUT", "/connections/whole", 422, json={"kind": "http", "settings": without})
    assert "auth_secret" in refused["errors"][0]["message"]
    open_door = {"base_url": "https://evil.example.com", "auth": "none"}
    await online.json("PUT", "/connections/whole", 200, json={"kind": "http", "settings": open_door})
    async with PrefectClient(prefect_server) as client:
        stored = await client.read_block_document_by_name("whole", "mailroom-http-source", include_secrets=True)
    assert stored.data.get("auth_secret") is None
    assert stored.data["base_url"] == "https://evil.example.com"
    await online.json("PUT", "/connections/whole", 409, json={"kind": "folder", "settings": {"root": "/tmp"}})


async def test_a_connection_says_when_its_deliveries_are_tried_again(
    online: Api, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    settings = {**smtp_settings(25), "retries": {"delays": [300, 300, 300], "then_every": None}}
    await online.json("POST", "/connections", 201, json={"name": "patient", "kind": "email", "settings": settings})
    assert (await online.json("GET", "/connections/patient", 200))["settings"]["retries"] == settings["retries"]
    async with PrefectClient(prefect_server) as client:
        stored = await client.read_block_document_by_name("patient", "mailroom-email", include_secrets=True)
    assert EmailChannel.model_validate(stored.data).retries == Retries(delays=[300, 300, 300])
    standard = {"kind": "email", "settings": smtp_settings(25)}
    await online.json("PUT", "/connections/patient", 200, json=standard)
    shown = await online.json("GET", "/connections/patient", 200)
    assert shown["settings"]["retries"] == STANDARD.model_dump()


async def test_a_connection_in_use_is_kept(online: Api, prefect_server: str) -> None:
    used = await online.json("DELETE", "/connections/warehouse", 409)
    assert "report 'orders'" in used["detail"]
    await online.json("DELETE", "/reports/orders", 204)
    await online.json("DELETE", "/connections/warehouse", 204)
    await online.json("GET", "/connections/warehouse", 404)
    async with PrefectClient(prefect_server) as client:
        with pytest.raises(ObjectNotFound):
            await client.read_block_document_by_name("warehouse", "mailroom-sql-source")


async def test_a_check_says_what_is_wrong(online: Api) -> None:
    works = await online.json("POST", "/connections/warehouse/check", 200)
    assert "SQLite, read-only, 1 tables" in works["message"]
    body = {"name": "nowhere", "kind": "folder", "settings": {"root": "/nonexistent/place"}}
    await online.json("POST", "/connections", 201, json=body)
    problem = await online.json("POST", "/connections/nowhere/check", 422)
    assert "/nonexistent/place" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "kind": "pigeon", "settings": {}}, "kind"),
        ({"name": "x", "kind": "folder", "settings": {}}, "settings.root"),
        ({"name": "x", "kind": "folder", "settings": {"root": "/tmp", "extra": CANARY}}, "settings.extra"),
        ({"name": "X/../y", "kind": "folder", "settings": {"root": "/tmp"}}, "name"),
        ({"name": "x", "kind": "folder", "settings": {"root": "/tmp"}, "block_type_slug": "aws"}, "block_type_slug"),
        ({"name": "x", "kind": "email", "settings": {**smtp_settings(25), "allow_plain": False}}, "settings"),
        (
            {"name": "x", "kind": "folder", "settings": {"root": "/tmp", "retries": {"delays": []}}},
            "settings.retries.delays",
        ),
    ],
)
async def test_a_wrong_connection_is_refused_and_not_stored(online: Api, body: dict[str, Any], field: str) -> None:
    problem = await online.json("POST", "/connections", 422, json=body)
    assert field in [error["field"] for error in problem["errors"]]
    assert CANARY not in str(problem)
    assert "x" not in [row["name"] for row in (await online.json("GET", "/connections", 200))["items"]]


async def test_a_test_mail_really_arrives(online: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    with SmtpServer().in_thread() as server:
        settings = smtp_settings(server.port)
        del settings["credentials"]["password"]
        await online.json("POST", "/connections", 201, json={"name": "mail", "kind": "email", "settings": settings})
        body = {"connection": "mail", "to": "ada@example.com"}
        receipt = await online.json("POST", "/distribution/test/email", 200, json=body)
    (envelope,) = server.envelopes
    assert envelope.rcpt_tos == ["ada@example.com"]
    (_, message) = server.mails[0]
    assert "test" in str(message["Subject"]).lower()
    assert receipt["recipient"] == "ada@example.com"
    wrong = await online.json("POST", "/distribution/test/email", 422, json={"connection": "mail", "to": "a\r\nb@c.de"})
    assert wrong["errors"]
    assert len(server.envelopes) == 1


async def test_every_kind_is_listed_with_its_schema(online: Api) -> None:
    kinds = {kind["kind"]: kind for kind in (await online.json("GET", "/connections/kinds", 200))["items"]}
    assert set(kinds) == set(block_types())
    assert all(kind["settings"]["properties"] for kind in kinds.values())
    assert {name for name, kind in kinds.items() if "retries" in kind["settings"]["properties"]} == set(CHANNELS)
    assert kinds["email"]["use"] == "channel"
    assert kinds["sql"]["use"] == "source"
    assert kinds["sql"]["settings"]["properties"]["url"]["writeOnly"]
    assert all(hasattr(block, "check") for block in block_types().values())


async def test_a_change_outlives_a_creation_that_fails_meanwhile(online: Api, tmp_path: Path) -> None:
    """Both wait for Prefect; the creation fails first."""
    held: list[asyncio.Event] = []
    waiting = [asyncio.Event(), asyncio.Event()]

    async def hold(request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST" or not request.url.path.endswith("/block_documents/") or len(held) == 2:
            return None
        number, going = len(held), asyncio.Event()
        held.append(going)
        waiting[number].set()
        await asyncio.wait_for(going.wait(), 30)
        return httpx.Response(500, request=request) if number == 0 else None

    settings = {"root": str(tmp_path / "changed")}
    with intercepted(hold):
        body = {"name": "late", "kind": "folder", "settings": {"root": str(tmp_path / "created")}}
        creating = asyncio.ensure_future(online.http.post("/api/v1/connections", json=body))
        await asyncio.wait_for(waiting[0].wait(), 30)
        change = {"kind": "folder", "settings": settings}
        changing = asyncio.ensure_future(online.http.put("/api/v1/connections/late", json=change))
        await asyncio.wait_for(waiting[1].wait(), 30)
        held[0].set()
        created = await creating
        held[1].set()
        changed = await changing
    assert (created.status_code, changed.status_code) == (503, 200), changed.text
    shown = await online.json("GET", "/connections/late", 200)
    assert shown["settings"]["root"] == settings["root"]


@pytest.mark.parametrize("mend", ["PUT", "DELETE"])
async def test_a_connection_that_lost_its_block_says_so_and_can_be_mended(
    online: Api, tmp_path: Path, mend: str
) -> None:
    """A process dies between the row and the block."""
    now = datetime.now(UTC)
    row = Connection(
        name="half", kind="folder", block_type_slug="mailroom-folder", description="", created_at=now, updated_at=now
    )
    async with online.database.session() as session:
        session.add(row)
    body = {"kind": "folder", "settings": {"root": str(tmp_path)}}
    for method, path in (("GET", "/connections/half"), ("POST", "/connections/half/check")):
        problem = await online.json(method, path, 422)
        assert problem["type"] == "/problems/configuration"
        assert [error["field"] for error in problem["errors"]] == ["connection"]
    taken = await online.json("POST", "/connections", 409, json={"name": "half", **body})
    assert "PUT" in taken["remedy"]
    if mend == "DELETE":
        await online.json("DELETE", "/connections/half", 204)
        await online.json("POST", "/connections", 201, json={"name": "half", **body})
    else:
        await online.json("PUT", "/connections/half", 200, json=body)
    assert (await online.json("GET", "/connections/half", 200))["settings"]["root"] == str(tmp_path)
    assert (await online.json("POST", "/connections/half/check", 200))["ok"]


async def test_a_block_that_is_not_ours_is_never_overwritten(online: Api, prefect_server: str, tmp_path: Path) -> None:
    async with PrefectClient(prefect_server) as client:
        await FolderChannel(root=str(tmp_path)).asave("theirs", client=client)
        body = {"name": "theirs", "kind": "folder", "settings": {"root": "/srv/ours"}}
        await online.json("POST", "/connections", 409, json=body)
        stored = await client.read_block_document_by_name("theirs", "mailroom-folder")
        assert stored.data["root"] == str(tmp_path)
        await online.json("GET", "/connections/theirs", 404)
        await client.delete_block_document(stored.id)
    await online.json("POST", "/connections", 201, json=body)
    assert (await online.json("GET", "/connections/theirs", 200))["settings"]["root"] == "/srv/ours"


async def test_a_block_that_an_earlier_try_has_left_is_taken_if_it_is_the_same(online: Api) -> None:
    """Prefect stores the block and its answer is lost; its client asks again by itself, and so does the user."""
    settings = {"base_url": "https://bi.example.com", "auth": "bearer", "auth_secret": CANARY}
    body = {"name": "bi", "kind": "http", "settings": settings}
    lost = asyncio.Event()

    async def lose_the_answer(request: httpx.Request) -> None:
        if request.method == "POST" and request.url.path.endswith("/block_documents/") and not lost.is_set():
            lost.set()
            async with httpx.AsyncClient() as client:
                answer = await client.post(request.url, content=request.content, headers=HEADERS)
            assert answer.status_code == 201, answer.text
            raise httpx.ReadError("lost", request=request)

    with intercepted(lose_the_answer):
        await online.json("POST", "/connections", 201, json=body)
    assert lost.is_set()
    async with online.database.session() as session:
        await session.execute(delete(Connection).where(Connection.name == "bi"))
    await online.json("POST", "/connections", 409, json={**body, "settings": {**settings, "auth_secret": "another"}})
    await online.json("POST", "/connections", 201, json=body)
