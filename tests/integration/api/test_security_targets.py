"""The checklist of malicious input at the API: a connection to the inside gets 422, and nothing of it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from mailroom.storage.tables import Connection
from prefect_mailroom import outbound
from prefect_mailroom.channels.command import allowed
from tests.support.listening import listening
from tests.support.smtp import smtp_settings

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

SECRET = "whsec_Y3VycmVudC1zaWduaW5nLWtleS1vZi0zMi1ieXRlcyE="


def targets(host: str, port: int) -> list[tuple[str, dict[str, Any]]]:
    """Return a connection of each kind to this host."""
    return [
        ("webhook", {"url": f"http://{host}:{port}/", "signing_secret": SECRET}),
        ("http", {"base_url": f"http://{host}:{port}"}),
        ("email", smtp_settings(port, smtp_server=host)),
        ("sql", {"url": f"postgresql://u:p@{host}:{port}/crm"}),
    ]


async def refused(api: Api, kind: str, settings: dict[str, Any]) -> None:
    """See that a connection is refused, with the field at fault, and not stored."""
    body = {"name": "inside", "kind": kind, "settings": settings}
    problem = await api.json("POST", "/connections", 422, json=body)
    assert problem["errors"][0]["field"].startswith("settings")
    assert problem["errors"][0]["message"]
    async with api.database.session() as session:
        assert (await session.scalars(select(Connection).where(Connection.name == "inside"))).all() == []


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "127.0.0.1", "localhost", "2130706433"])
async def test_security_01_to_06_the_inside_is_refused_when_saved(
    offline: Api, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    async with listening() as far:
        for kind, settings in targets(host, far.port):
            await refused(offline, kind, settings)
    assert far.connections == []


async def test_security_07_other_schemes_are_refused_when_saved(offline: Api) -> None:
    for url in ("file:///etc/passwd", "gopher://x.example.com/", "ftp://x.example.com/", "http://user@host@127.0.0.1/"):
        await refused(offline, "webhook", {"url": url, "signing_secret": SECRET})
        await refused(offline, "http", {"base_url": url})


async def test_security_a_program_that_the_operator_does_not_allow_is_refused_when_saved(
    offline: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(allowed.VARIABLE, raising=False)
    await refused(offline, "command", {"program": "/bin/sh", "arguments": ["-c", "id"]})
    monkeypatch.setenv(allowed.VARIABLE, "/bin/true")
    await refused(offline, "command", {"program": "/bin/sh", "arguments": ["-c", "id"]})


async def test_security_own_endpoints_are_refused_when_saved(offline: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application itself has closed them when it was made: its port, Prefect's, and the file of its database."""
    monkeypatch.setenv(outbound.VARIABLE, "0.0.0.0/0 ::/0")
    for port in (offline.settings.api_port, 9):  # Prefect is told to be on port 9, where nobody listens.
        for kind, settings in targets("127.0.0.1", port):
            await refused(offline, kind, settings)
    ledger = offline.settings.data_dir / "mailroom.db"
    ledger.parent.mkdir(parents=True, exist_ok=True)
    ledger.touch()
    link = Path(offline.settings.data_dir.parent / "harmless.db")
    link.symlink_to(ledger)
    for file in (ledger, link):
        await refused(offline, "sql", {"url": f"sqlite:///{file}"})


async def test_security_27_a_connection_cannot_be_turned_to_the_inside(
    online: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it was made, and refused when it is changed; the old settings stay."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    settings = {"base_url": "https://bi.example.com"}
    await online.json("POST", "/connections", 201, json={"name": "bi", "kind": "http", "settings": settings})
    for url in ("http://169.254.169.254", online.settings.prefect_api.removesuffix("/api")):
        await online.json("PUT", "/connections/bi", 422, json={"kind": "http", "settings": {"base_url": url}})
    kept = await online.json("GET", "/connections/bi", 200)
    assert kept["settings"]["base_url"] == "https://bi.example.com"


async def test_security_own_a_test_is_refused_too(online: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check and test look again at a connection that was stored while its host was fine."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with listening() as far:
        for name, (kind, settings) in zip(("hook", "bi", "mail", "db"), targets("127.0.0.1", far.port), strict=True):
            await online.json("POST", "/connections", 201, json={"name": name, "kind": kind, "settings": settings})
        monkeypatch.setenv(outbound.CLOSED_VARIABLE, f"localhost:{far.port}")
        for name in ("hook", "bi", "mail", "db"):
            await online.json("POST", f"/connections/{name}/check", 422)
        for channel, name in (("email", "mail"), ("webhook", "hook")):
            body = {"connection": name, "to": "ada@example.com"}
            await online.json("POST", f"/distribution/test/{channel}", 422, json=body)
    assert far.connections == []
