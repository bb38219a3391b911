"""The services of compose.yaml as plain processes, by its commands, variables and health checks: a report arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from embedded.ports import free_ports
from mailroom import quick_start
from tests.support import samples
from tests.support.production import compose, stores
from tests.support.production.stack import Stack
from tests.support.waiting import eventually_sync

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("production")]
OURS = ("prefect-upgrade", "prefect", "prefect-services", "setup", "renderers", "api", "worker")


@dataclass
class Running:
    """The stack, the address of its API, and a way to call it."""

    stack: Stack
    root: str
    key: str
    folder: Path

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, f"{self.root}/api/v1{path}", json=body, headers=headers, timeout=30)
        assert answer.is_success, f"{answer.text}\n{self.stack.told()}"
        return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("compose")
    secrets, data, logs = stores.make_secrets(folder / "secrets"), folder / "data", folder / "logs"
    data.mkdir(mode=0o700)
    logs.mkdir()
    api, prefect = free_ports("127.0.0.1", 2)
    places = {
        "/run/secrets/": f"{secrets}/",
        "/var/lib/mailroom": str(data),
        r"//prefect:4200": f"//127.0.0.1:{prefect}",
        r"^4200$": str(prefect),
        r"^0\.0\.0\.0$": "127.0.0.1",
    }
    whole = compose.resolved(secrets)
    redis_password = (secrets / "redis-password").read_text().strip()
    with stores.postgres() as postgres, stores.redis(folder, redis_password) as redis_url:
        stores.make_databases(postgres, secrets)
        stores.point_to(secrets, postgres, redis_url)
        more = {"MAILROOM_API_PORT": str(api), "MAILROOM_RENDERERS": "1", "MAILROOM_WORKER_LIMIT": "2"}
        services = [compose.service(name, whole, places, more) for name in OURS]
        for one in services:
            if one.name == "prefect":
                one.healthy = [*one.healthy, "--port", str(prefect)]
        stack = Stack(services, logs, there=("postgres", "redis"))
        try:
            stack.start()
            yield Running(stack, f"http://127.0.0.1:{api}", (secrets / "api-key").read_text().strip(), folder)
        finally:
            stack.stop()


def test_a_report_arrives(running: Running) -> None:
    warehouse = samples.make_warehouse(running.folder / "warehouse.db")
    shared = running.folder / "shared"
    shared.mkdir()
    for name, kind, settings in (
        ("warehouse", "sql", {"url": warehouse}),
        ("shared", "folder", {"root": str(shared)}),
    ):
        running.call("POST", "/connections", {"name": name, "kind": kind, "settings": settings})
    running.call("POST", "/reports", samples.REPORT)
    made = running.call("POST", "/schedules/", samples.schedule_body(formats=["csv", "html"]))
    began = running.call("POST", f"/schedules/{made['id']}/run")

    def ended() -> Any:
        execution = running.call("GET", f"/executions/{began['id']}")
        return execution if execution["status"] not in {"pending", "running", "retrying"} else None

    execution = eventually_sync(ended, 120, running.stack.told, pause=0.3)
    assert execution["status"] == "success", execution
    assert sorted(path.suffix for path in shared.rglob("*") if path.is_file()) == [".csv", ".html"]


def test_everything_is_ready_through_the_servers_of_production(running: Running) -> None:
    found = httpx.get(f"{running.root}/readyz", timeout=30)
    assert found.status_code == 200, found.text
    parts = {part["name"]: part["state"] for part in found.json()["parts"]}
    assert {parts[name] for name in ("database", "prefect", "worker")} == {"ok"}, parts


def test_what_imports_much_looks_for_garbage_seldom(running: Running) -> None:
    for name in ("api", "prefect", "prefect-services"):
        command = psutil.Process(running.stack.processes[name].pid).cmdline()
        assert command[1:3] == ["-m", quick_start.__name__], name


def test_metrics_are_for_the_token_of_the_scraper(running: Running) -> None:
    token = (running.folder / "secrets" / "metrics-token").read_text().strip()

    def asked(**headers: str) -> httpx.Response:
        return httpx.get(f"{running.root}/metrics", headers=headers, timeout=30)

    assert "mailroom_queue" in asked(Authorization=f"Bearer {token}").text
    refused = (asked(), asked(Authorization=f"Bearer {token[:-1]}"))
    assert [one.status_code for one in refused] == [401, 401]
    assert "mailroom_queue" not in "".join(one.text for one in refused)
    elsewhere = httpx.get(f"{running.root}/api/v1/schedules/", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert elsewhere.status_code == 401, "the token reads metrics and nothing else"


def test_all_end_in_order_when_they_are_told(running: Running) -> None:
    """The last test of this file, since afterwards nothing runs."""
    running.stack.stop()
    # uvicorn ends itself by the signal that it got, after it has answered everybody.
    assert {name: status for name, status in running.stack.statuses.items() if status not in {0, -15}} == {}
    logs = {
        name: (running.folder / "logs" / f"{name}.log").read_text() for name in ("api", "worker", "prefect-services")
    }
    assert "Application shutdown complete" in logs["api"]
    assert "stopped." in logs["worker"]
    assert "All services stopped" in logs["prefect-services"]
