"""A connection whose block is being made: nobody removes its row meanwhile, and no other's block is overwritten.

SECURITY-TESTS 37: what a test of a connection uses is what was saved with its host.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound
from sqlalchemy import delete

from mailroom.storage.tables import Connection
from prefect_mailroom import outbound
from prefect_mailroom.channels.folder import FolderChannel
from tests.support import documents
from tests.support.wire import intercepted

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


CANARY = "canary-7c2e-never-elsewhere"


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
        assert (await creating).status_code == 409
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


async def test_one_that_was_never_made_is_made_by_its_document(online: Api, tmp_path: Path) -> None:
    """The API was killed while it applied the document; nobody else has made it, so there is nothing to adopt."""
    await _half_made(online, "half")
    given = documents.document("connection", "half", {"kind": "folder", "settings": {"root": str(tmp_path)}})
    body = {"documents": [given]}
    assert (await online.json("POST", "/apply/preview", 200, json=body))["created"] == 1
    assert (await online.json("POST", "/apply", 200, json=body))["created"] == 1
    assert (await online.json("POST", "/connections/half/check", 200))["ok"]
    assert (await online.json("POST", "/apply", 200, json=body))["unchanged"] == 1
    await online.json("DELETE", "/connections/half", 204)


class Listener(ThreadingHTTPServer):
    """Keeps everything that a webhook is sent."""

    def __init__(self) -> None:
        self.got: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the standard library's name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                listener.got.append(f"{self.headers}\n{body}")
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the standard library's name
                """Stay silent."""

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_port}/"


@pytest.fixture
def listeners() -> Iterator[tuple[Listener, Listener]]:
    """Two hosts: the one that the secret is for, and another."""
    with Listener() as home, Listener() as other:
        for one in (home, other):
            threading.Thread(target=one.serve_forever, daemon=True).start()
        yield home, other
        home.shutdown()
        other.shutdown()


async def test_37_a_test_with_a_changed_host_never_sends_the_stored_secret(
    online: Api, monkeypatch: pytest.MonkeyPatch, listeners: tuple[Listener, Listener]
) -> None:
    """Neither a trial with settings of its own, nor a change that leaves the secret out, takes it to another host."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    home, other = listeners
    keys = [f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2)]
    settings = {"url": home.url, "signing_secret": keys[0], "auth": "bearer", "auth_secret": CANARY}
    await online.json("POST", "/connections", 201, json={"name": "hook", "kind": "webhook", "settings": settings})
    trial = {"connection": "hook"}
    await online.json("POST", "/distribution/test/webhook", 200, json=trial)
    assert CANARY in home.got[0], "the secret is sent to its own host"
    await online.json("POST", "/distribution/test/webhook", 422, json={**trial, "destination": {"url": other.url}})
    elsewhere = {"url": other.url, "signing_secret": keys[1], "auth": "bearer"}
    await online.json("PUT", "/connections/hook", 422, json={"kind": "webhook", "settings": elsewhere})
    await online.json(
        "PUT", "/connections/hook", 200, json={"kind": "webhook", "settings": {**elsewhere, "auth": "none"}}
    )
    await online.json("POST", "/distribution/test/webhook", 200, json=trial)
    assert (len(home.got), len(other.got)) == (1, 1)
    assert CANARY not in other.got[0]
