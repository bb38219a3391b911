"""`mailroom connections`, against the API over a real connection, with a mail server behind it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.browsing.in_process import on_a_port
from cli.main import app
from prefect_mailroom import outbound
from tests.integration.api.conftest import KEY
from tests.support.smtp import PASSWORD, USERNAME, SmtpServer

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def run(
    online: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Command]:
    """Run `mailroom connections` with these words; return its exit status and what it said."""

    def call(words: tuple[str, ...]) -> int:
        try:
            app(["connections", *words])
        except SystemExit as left:
            return int(left.code or 0)
        return 0

    async def command(*words: str) -> tuple[int, str]:
        status = await asyncio.to_thread(call, words)
        return status, capsys.readouterr().out

    async with on_a_port(online.app) as port:
        for name, value in (("API_PORT", port), ("API_KEY", KEY), ("DATA_DIR", online.settings.data_dir)):
            monkeypatch.setenv(f"MAILROOM_{name}", str(value))
        monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
        yield command


async def test_a_connection_from_its_first_try_to_its_end(run: Command, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    async with SmtpServer().serving(auth=True) as server:
        settings = [
            *("--set", "credentials.smtp_server=127.0.0.1", "--set", f"credentials.smtp_port={server.port}"),
            *("--set", "credentials.smtp_type=INSECURE", "--set", f"credentials.username={USERNAME}"),
            *("--set", "from_address=reports@example.com", "--set", "allow_plain=true"),
            *("--secret", f"credentials.password=@{secret}"),
        ]
        assert (await run("test", "--kind", "email", *settings))[0] == 0
        assert (await run("create", "mail", "--kind", "email", *settings))[0] == 0
        status, told = await run("test", "mail", "--to", "ada@example.com")
        assert status == 0, told
        assert "✓ ok" in told
        assert server.taken() == ["ada@example.com"]
        # What is not named stays, the password too.
        assert (await run("replace", "mail", "--set", "from_name=Reports"))[0] == 0
        assert (await run("test", "mail"))[0] == 0
        shown = json.loads((await run("show", "mail"))[1])
        assert (shown["settings"]["from_name"], shown["last_check_ok"]) == ("Reports", True)
        assert PASSWORD not in json.dumps(shown)
        wrong = tmp_path / "wrong"
        wrong.write_text("canary-wrong")
        await run("replace", "mail", "--secret", f"credentials.password=@{wrong}")
        status, told = await run("test", "mail")
        assert status == 1
        assert "✗ failed" in told
        assert "canary-wrong" not in told
    assert "✗ failed" in (await run("list"))[1]
    assert json.loads((await run("uses", "warehouse", "--json"))[1])["reports"][0]["id"] == "orders"
    assert (await run("delete", "mail"))[0] == 0
    assert [one["name"] for one in json.loads((await run("list", "--json"))[1])] == ["shared", "warehouse"]
    assert "credentials.password" in (await run("kinds", "email"))[1]
