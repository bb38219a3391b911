"""`mailroom apply`, `diff` and `export` over a real connection, with a real Prefect behind the API."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml
from prefect.client.orchestration import PrefectClient

from api.app import create_app
from bench.browsing.in_process import on_a_port
from cli.commands.as_code import commands
from cli.main import app
from mailroom.as_code.schema import FILE
from mailroom.storage.database import Database
from prefect_mailroom import outbound
from tests.integration.api.conftest import KEY
from tests.integration.api.test_connections_online import CANARY, smtp_settings
from tests.support import documents

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

Run = Callable[..., Any]
DOCS = Path(__file__).parents[4] / "docs" / "as-code.md"


@pytest.fixture
async def served(online: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Serve the API on a port, where the commands look for it."""
    monkeypatch.setenv(outbound.VARIABLE, "127.0.0.1")
    async with on_a_port(online.app) as port:
        for name, value in (("API_PORT", port), ("API_KEY", KEY), ("DATA_DIR", online.settings.data_dir)):
            monkeypatch.setenv(f"MAILROOM_{name}", str(value))
        yield online


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command; return its exit status, what it printed, and what it told besides."""

    async def call(command: Run, *arguments: Any, **options: Any) -> tuple[int, str, str]:
        def work() -> int:
            try:
                command(*arguments, **options)
            except SystemExit as ended:
                return int(str(ended.code))
            return 0

        status = await asyncio.to_thread(work)
        told = capfd.readouterr()
        return status, told.out, told.err

    return call


async def _fill(api: Api) -> None:
    """Make something of each kind by REST, as people do."""
    office = {"id": "office", "title": "Office", "country": "DE", "holidays": [{"date": "2026-12-24"}]}
    await api.json("POST", "/calendars", 201, json=office)
    await api.json("POST", "/teams", 201, json={"name": "Sales, Über-see", "external_id": "Sales_EMEA"})
    mail = {"name": "mail", "kind": "email", "description": "Ours", "settings": smtp_settings(2525)}
    await api.json("POST", "/connections", 201, json=mail)
    timing = {"frequency": "daily", "at": "10:30", "timezone": "Europe/Berlin", "calendar": "office"}
    to = [{"channel": "email", "connection": "mail", "to": ["ada@example.com"], "subject": "yes: {report_name} 1e5"}]
    for number in range(3):
        body = documents.schedule(name="Täglich", timing=timing, destinations=to)["spec"]
        made = await api.json("POST", "/schedules/", 201, json=body)
        if number == 1:
            await api.json("POST", f"/schedules/{made['id']}/pause", 200)


def _typed() -> list[list[str]]:
    """Return every command that the page of the docs shows."""
    lines = re.findall(r"^\$ mailroom (.+)$", DOCS.read_text(), re.MULTILINE)
    return [shlex.split(line) for line in lines]


async def test_the_commands_of_the_docs_do_what_they_say(
    served: Api, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(served)
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"^```yaml\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    example = example.replace("delay-list", "orders").replace("local-folder", "shared")
    typed = _typed()
    ended: list[tuple[str, int]] = []
    for tokens in typed:
        if len(ended) == 3:  # The export is marked; from here on, somebody adds the example.
            (tmp_path / "reports-as-code" / "example.yaml").write_text(example)
        status, told, besides = await run(app, tokens)
        ended.append((tokens[0], status))
        assert "needs" not in told, besides
    assert ended == [("export", 0), ("diff", 1), ("apply", 0), ("diff", 1), ("apply", 0), ("apply", 0), ("apply", 0)]
    names = {one["name"] for one in (await served.json("GET", "/schedules/", 200))["items"]}
    assert names == {"Täglich", "Delays of the morning"}


def _files(folder: Path) -> dict[str, str]:
    return {str(one.relative_to(folder)): one.read_text() for one in sorted(folder.rglob("*")) if one.is_file()}


async def test_an_export_is_applied_elsewhere_and_exported_as_the_same_bytes(
    served: Api, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, migrated_url: Callable[[str], str]
) -> None:
    await _fill(served)
    first, second = tmp_path / "first", tmp_path / "second"
    assert (await run(commands.export, first))[0] == 0
    written = _files(first)
    assert {name for name in written if name.startswith("schedules/")} == {
        "schedules/taeglich.yaml",
        "schedules/taeglich-2.yaml",
        "schedules/taeglich-3.yaml",
    }
    assert CANARY not in "".join(written.values())
    schema = jsonschema_rs.validator_for(json.loads(written[FILE]))
    for name, text in written.items():
        if name.endswith(".yaml"):
            assert [str(fault) for fault in schema.iter_errors(yaml.safe_load(text))] == [], name
    status, told, _ = await run(commands.diff, file=[first])
    assert (status, told.count("~ adopt")) == (1, 9), told
    assert (await run(commands.apply, file=[first]))[0] == 0
    assert (await run(commands.diff, file=[first]))[0] == 0

    async with PrefectClient(served.settings.prefect_api) as client:
        for block in await client.read_block_documents():
            await client.delete_block_document(block.id)
    database = Database(migrated_url("sqlite"))
    other = create_app(served.settings, database)
    async with other.router.lifespan_context(other), on_a_port(other) as port:
        monkeypatch.setenv("MAILROOM_API_PORT", str(port))
        needed = (await run(commands.apply, file=[first]))[1]
        assert "connection/warehouse" in needed, "a source cannot do without its URL"
        monkeypatch.setenv("MAILROOM_CONNECTION_WAREHOUSE_URL", f"sqlite:///{tmp_path}/warehouse.db")
        status, told, _ = await run(commands.apply, file=[first])
        assert status == 0, told
        assert "connection/mail needs a secret: credentials.password" in told
        await run(commands.export, second)
        assert _files(second) == written
    await database.close()
