"""SECURITY-TESTS 36: a secret goes through every channel and source and every kind of failure, and is found nowhere.

Real processes: Prefect, renderers, a worker and the API, as `mailroom up` starts them. Looked through are all files of
the data folder (both databases, logs, artifacts), every answer of our API, and what Prefect's API tells of runs, logs,
artifacts, events and deployments. Blocks alone have the secret, and are encrypted.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from prefect.client.orchestration import PrefectClient

from embedded import data_dir
from embedded.ports import free_port
from tests.integration.outages.environment import OutageEnvironment
from tests.support.canary import CANARY, files_with_it, found_in, telling_far_side
from tests.support.samples import REPORT
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("outages")
SIGNING = f"whsec_{base64.b64encode(CANARY.encode() + b'0123456789abcdef').decode()}"
TELLS = "import os, sys; print(os.environ['TOKEN'], file=sys.stderr); print(os.environ['TOKEN']); sys.exit(3)"
ENDED_OR_WAITS = {"success", "partial", "failed", "retrying"}


@pytest.fixture
def far_side() -> Iterator[str]:
    """A server of webhooks and exports on loopback; its base URL."""
    with telling_far_side() as url:
        yield url


@pytest.fixture
async def api(environment: OutageEnvironment) -> AsyncIterator[httpx.AsyncClient]:
    """The API's process, and a client with the key."""
    await environment.processes.start("api")
    headers = {"Authorization": f"Bearer {data_dir.api_key(environment.settings)}"}
    base = f"{environment.settings.public_url}/api/v1"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
        yield client


def connections(far_side: str, mail_port: int, folder: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return a connection of every kind with the canary in each of its secrets, most of which fail in some way."""
    login = {"username": "mailroom", "password": CANARY, "smtp_server": "127.0.0.1", "smtp_type": "INSECURE"}
    mail = {"from_address": "reports@example.com", "allow_plain": True}
    hook = {"signing_secret": SIGNING, "auth": "bearer", "auth_secret": CANARY.encode("ascii", "ignore").decode()}
    export = {"base_url": far_side, "auth": "basic", "auth_user": "u", "auth_secret": CANARY}
    nobody = free_port("127.0.0.1")
    return {
        "canary-mail": ("email", {"credentials": {**login, "smtp_port": mail_port}, **mail}),
        "canary-mail-nobody": ("email", {"credentials": {**login, "smtp_port": nobody}, **mail}),
        **{
            f"canary-hook-{status}": ("webhook", {"url": f"{far_side}/{status}/{quote(CANARY)}", **hook})
            for status in (200, 302, 401, 410, 500)
        },
        "canary-hook-nobody": ("webhook", {"url": f"http://127.0.0.1:{nobody}/{quote(CANARY)}", **hook}),
        "canary-ftp": ("ftp", {"host": "127.0.0.1", "port": mail_port, "username": "u", "password": CANARY}),
        "canary-ftp-nobody": ("ftp", {"host": "127.0.0.1", "port": nobody, "username": "u", "password": CANARY}),
        "canary-export": ("http", export),
        "canary-sql": ("sql", {"url": f"postgresql://reader:{quote(CANARY, safe='')}@127.0.0.1:{nobody}/db"}),
        "canary-command": (
            "command",
            {"program": sys.executable, "arguments": ["-c", TELLS], "environment": {"TOKEN": CANARY}},
        ),
        "canary-shell": (
            "shell",
            {
                "working_directory": str(folder),
                "allowed_programs": [sys.executable],
                "environment": {"TOKEN": CANARY},
            },
        ),
    }


def reports() -> dict[str, dict[str, Any]]:
    """Return reports that fail at each source, in ways that would tell a secret."""
    shell = {"kind": "shell", "connection": "canary-shell", "command": [sys.executable, "-c", TELLS]}
    sql = {"kind": "sql", "connection": "canary-sql", "queries": {"orders": "SELECT region FROM nowhere"}}
    found: dict[str, dict[str, Any]] = {"canary-by-shell": shell, "canary-by-sql": sql}
    for status in (200, 401, 500):
        found[f"canary-by-http-{status}"] = {
            "kind": "http",
            "connection": "canary-export",
            "path": f"/{status}/orders",
            "content": "csv",
        }
    return found


async def _answers(api: httpx.AsyncClient, said: list[httpx.Response]) -> None:
    """Ask for everything that the API shows."""
    document = (await api.get("/openapi.json")).json()
    for path, item in document["paths"].items():
        if "get" in item and "{" not in path and path.startswith("/api/v1/"):
            said.append(
                await api.get(path.removeprefix("/api/v1"), params={"limit": 200} if "lim" in str(item) else {})
            )
    listed = (await api.get("/schedules/executions?limit=200")).json()["items"]
    said += [await api.get(f"/executions/{execution['id']}") for execution in listed]


async def _of_prefect(client: PrefectClient) -> list[bytes]:
    """Return what Prefect's API tells of everything but blocks, which have the secrets."""
    found = []
    for noun in ("flow_runs", "task_runs", "logs", "artifacts", "deployments", "events"):
        path = f"/{noun}/filter"
        answer = await client.request("POST", path, json={})  # type: ignore[arg-type]  # a path
        assert answer.is_success, f"{path}: {answer.text}"
        found.append(answer.content)
    return found


async def test_security_36_a_canary_is_found_nowhere(
    environment: OutageEnvironment, api: httpx.AsyncClient, far_side: str, tmp_path: Path
) -> None:
    said: list[httpx.Response] = []
    named = connections(far_side, environment.mail.port, tmp_path)

    async def ask(method: str, path: str, **request: Any) -> httpx.Response:
        said.append(await api.request(method, path, **request))
        return said[-1]

    for name, (kind, settings) in named.items():
        made = await ask("POST", "/connections", json={"name": name, "kind": kind, "settings": settings})
        assert made.status_code == 201, made.text
        await ask("POST", f"/connections/{name}/check")
        await ask("GET", f"/connections/{name}")
        # What is refused is not repeated: a setting that nobody knows, and secrets of a wrong type.
        secret: dict[str, Any] = {
            key: [CANARY] for key in ("credentials", "auth_secret", "signing_secret", "environment") if key in settings
        }
        for wrong in (settings | {"more": CANARY}, settings | {"more": [CANARY]} | secret):
            refused = await ask("PUT", f"/connections/{name}", json={"kind": kind, "settings": wrong})
            assert refused.status_code == 422, refused.text
        if kind in ("email", "webhook"):
            await ask("POST", f"/distribution/test/{kind}", json={"connection": name, "to": "ada@example.com"})

    targets = [
        {"channel": kind, "connection": name, **({"to": ["ada@example.com"]} if kind == "email" else {})}
        for name, (kind, _) in named.items()
        if kind in ("command", "email", "webhook")
    ]
    body = {
        "name": "Canary",
        "report_id": "orders",
        "timing": {"frequency": "daily", "at": "09:00"},
        "formats": ["csv"],
    }
    wanted = [{**body, "destinations": targets}]
    for report_id, source in reports().items():
        sections = [{"kind": "table", "query": "orders" if source["kind"] == "sql" else "rows"}]
        definition = {
            **REPORT,
            "id": report_id,
            "source": source,
            "parameters": {"type": "object"},
            "sections": sections,
        }
        if source["kind"] == "shell":
            definition["sections"] = []
        made = await ask("POST", "/reports", json=definition)
        assert made.status_code == 201, made.text
        await ask("GET", f"/reports/{report_id}/preview")
        wanted.append({**body, "report_id": report_id, "destinations": targets[:1]})
    runs = []
    for spec in wanted:
        made = await ask("POST", "/schedules/", json=spec)
        assert made.status_code == 201, made.text
        runs.append(await ask("POST", f"/schedules/{made.json()['id']}/run"))
        assert runs[-1].status_code == 202, runs[-1].text

    async def all_tried() -> bool | None:
        states = [(await api.get(f"/executions/{run.json()['id']}")).json()["status"] for run in runs]
        return (set(states) <= ENDED_OR_WAITS) or None

    await eventually(all_tried, 120, environment.processes.told)
    deliveries = (await api.get(f"/executions/{runs[0].json()['id']}")).json()["deliveries"]
    (delivered,) = [delivery for delivery in deliveries if delivery["status"] == "delivered"]
    assert delivered["connection"] == "canary-hook-200", "the secret was really used"
    (refused_by_program,) = [delivery for delivery in deliveries if delivery["connection"] == "canary-command"]
    assert "********" in json.dumps(refused_by_program), "the program really told it"

    await _answers(api, said)
    told = [f"{answer.request.method} {answer.url.path}" for answer in said if found_in(answer.content)]
    assert not told, told
    assert not [answer for answer in said if found_in(str(answer.headers).encode())]
    assert not [content[:2000] for content in await _of_prefect(environment.client) if found_in(content)]
    assert files_with_it([environment.settings.data_dir]) == []
    logs = list((environment.settings.data_dir / "logs").glob("*.log"))
    assert {log.stem for log in logs} >= {"api", "worker", "prefect", "renderers"}
    async with PrefectClient(environment.settings.prefect_api) as client:
        blocks = await client.request("POST", "/block_documents/filter", json={"include_secrets": False})
        assert {block["name"] for block in blocks.json()} >= named.keys()
        assert not [block["name"] for block in blocks.json() if found_in(json.dumps(block).encode())]
        block = await client.read_block_document_by_name("canary-export", "mailroom-http-source", include_secrets=True)
    assert block.data["auth_secret"] == CANARY, "it is in the block, and there alone"


def test_security_36_each_form_of_the_canary_would_be_found(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for number, text in enumerate(
            (CANARY, quote(CANARY), quote(CANARY, safe=""), base64.b64encode(f"user:{CANARY} ".encode()).decode())
        ):
            file = stack.enter_context((tmp_path / f"{number}.log").open("w"))
            file.write(f"before {text} after")
    (tmp_path / "harmless.log").write_text("nothing")
    assert [file.name for file in files_with_it([tmp_path])] == ["0.log", "1.log", "2.log", "3.log"]
