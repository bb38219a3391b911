"""The API refuses to store an FTP connection that is forbidden, and shows no password of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from prefect_mailroom import outbound
from prefect_mailroom.channels.ftp.plain import VARIABLE
from tests.support.listening import listening

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


def settings(host: str, port: int, **more: Any) -> dict[str, Any]:
    return {"host": host, "port": port, "username": "reports", "password": "canary-ftp-password", **more}


async def refused(api: Api, given: dict[str, Any], field: str) -> None:
    body = {"name": "bank", "kind": "ftp", "settings": given}
    problem = await api.json("POST", "/connections", 422, json=body)
    assert problem["errors"][0]["field"] == field


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "localhost", "2130706433", "::ffff:127.0.0.1"])
async def test_security_01_to_06_the_inside_is_refused_when_saved(
    offline: Api, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(outbound.VARIABLE, raising=False)
    async with listening() as far:
        await refused(offline, settings(host, far.port), "settings.host")
    assert far.connections == []


async def test_plain_ftp_is_refused_when_saved(online: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    plain = settings("127.0.0.1", 2121, security="none")
    await refused(online, plain, "settings.security")
    monkeypatch.setenv(VARIABLE, "127.0.0.1")
    await online.json("POST", "/connections", 201, json={"name": "bank", "kind": "ftp", "settings": plain})
    shown = await online.json("GET", "/connections/bank", 200)
    assert "canary-ftp-password" not in str(shown)
    assert shown["settings"]["security"] == "none"
