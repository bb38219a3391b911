"""A connection whose block is being made: nobody removes its row meanwhile, and no other's block is overwritten.

SECURITY-TESTS 37: what a test of a connection uses is what was saved with its host.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from sqlalchemy import delete

from mailroom.storage.tables import Connection
from prefect_mailroom.channels.folder import FolderChannel
from tests.support.smtp import PASSWORD, USERNAME, SmtpServer, smtp_settings
from tests.support.wire import intercepted

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


class Held:
    """Holds the request that makes a block until `go`."""

    def __init__(self) -> None:
        self.came, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, request: httpx.Request) -> None:
        """Wait, where it is that request."""
        if request.method == "POST" and request.url.path.endswith("/block_documents/"):
            self.came.set()
            await asyncio.wait_for(self.go.wait(), 30)


async def test_a_connection_that_is_being_made_is_not_deleted(online: Api, tmp_path: Path) -> None:
    held, body = Held(), {"name": "late", "kind": "folder", "settings": {"root": str(tmp_path)}}
    with intercepted(held):
        creating = asyncio.ensure_future(online.http.post("/api/v1/connections", json=body))
        await asyncio.wait_for(held.came.wait(), 30)
        problem = await online.json("DELETE", "/connections/late", 409)
        assert problem["remedy"]
        held.go.set()
        assert (await creating).status_code == 201
    await online.json("DELETE", "/connections/late", 204)


async def test_the_block_of_a_connection_that_is_gone_is_removed(
    online: Api, prefect_server: str, tmp_path: Path
) -> None:
    """The row goes where nobody asks: the process that makes it was thought to be dead for a minute."""
    held, body = Held(), {"name": "late", "kind": "folder", "settings": {"root": str(tmp_path)}}
    with intercepted(held):
        creating = asyncio.ensure_future(online.http.post("/api/v1/connections", json=body))
        await asyncio.wait_for(held.came.wait(), 30)
        async with online.database.session() as session:
            await session.execute(delete(Connection).where(Connection.name == "late"))
        held.go.set()
        assert (await creating).status_code == 410
    async with PrefectClient(prefect_server) as client:
        with pytest.raises(ObjectNotFound):
            await client.read_block_document_by_name("late", "mailroom-folder")


async def _half_made(online: Api, name: str) -> None:
    before = datetime.now(UTC) - timedelta(minutes=2)
    async with online.database.session() as session:
        session.add(
            Connection(
                name=name,
                kind="folder",
                block_type_slug="mailroom-folder",
                is_made=False,
                created_at=before,
                updated_at=before,
            )
        )


async def test_a_block_of_others_is_neither_overwritten_nor_removed(
    online: Api, prefect_server: str, tmp_path: Path
) -> None:
    """A process died between taking the name and making the block, and Prefect has another's block of that name."""
    await _half_made(online, "theirs")
    async with PrefectClient(prefect_server) as client:
        await FolderChannel(root=str(tmp_path)).asave("theirs", client=client)
        await online.json("PUT", "/connections/theirs", 409, json={"kind": "folder", "settings": {"root": "/srv/ours"}})
        stored = await client.read_block_document_by_name("theirs", "mailroom-folder")
        assert stored.data["root"] == str(tmp_path)
        async with online.database.session() as session:
            row = await session.get(Connection, "theirs")
            assert row is not None
            row.updated_at = datetime.now(UTC) - timedelta(minutes=2)
        await online.json("DELETE", "/connections/theirs", 204)
        assert await client.read_block_document_by_name("theirs", "mailroom-folder")
        await client.delete_block_document(stored.id)


async def test_one_that_was_never_made_can_be_made_by_a_change(online: Api, tmp_path: Path) -> None:
    await _half_made(online, "half")
    body = {"kind": "folder", "settings": {"root": str(tmp_path)}}
    await online.json("PUT", "/connections/half", 200, json=body)
    assert (await online.json("POST", "/connections/half/check", 200))["ok"]
    changed = {**body, "settings": {"root": str(tmp_path / "other")}}
    await online.json("PUT", "/connections/half", 200, json=changed)
    assert (await online.json("GET", "/connections/half", 200))["settings"]["root"] == str(tmp_path / "other")
    await online.json("DELETE", "/connections/half", 204)


async def test_37_a_test_with_a_changed_host_never_sends_the_stored_secret(
    online: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a trial with settings of its own, nor a change that leaves the secret out, takes it to another host."""
    monkeypatch.setenv("MAILROOM_OUTBOUND_ALLOW", "127.0.0.1")
    secret = {"username": USERNAME, "password": PASSWORD}
    with SmtpServer().in_thread() as home, SmtpServer().in_thread() as other:
        settings = smtp_settings(home.port, **secret)
        await online.json("POST", "/connections", 201, json={"name": "mail", "kind": "email", "settings": settings})
        elsewhere = smtp_settings(other.port, username=USERNAME)
        trial = {"connection": "mail", "to": "ada@example.com"}
        for smuggled in ({"credentials": elsewhere["credentials"]}, {"smtp_server": "127.0.0.1"}):
            answer = await online.http.post("/api/v1/distribution/test/email", json={**trial, "destination": smuggled})
            assert answer.status_code == 422, answer.text
        changed = await online.http.put("/api/v1/connections/mail", json={"kind": "email", "settings": elsewhere})
        assert changed.is_success or changed.status_code == 422, changed.text
        await online.http.post("/api/v1/connections/mail/check")
        await online.http.post("/api/v1/distribution/test/email", json=trial)
        assert other.logins == []
        shown = await online.json("GET", "/connections/mail", 200)
        assert PASSWORD not in str(shown)
