"""Store what is there before the first request: people of each role with keys, and things of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bench.serving import Served
from mailroom.roles import WIDEST, Role
from mailroom.settings import Settings
from mailroom.states import ExecutionKind, ExecutionState
from mailroom.storage.artifacts import ArtifactStore
from mailroom.storage.database import Database, new_id
from mailroom.storage.migrations import upgrade
from mailroom.storage.tables import Artifact, Connection, Execution

CONNECTIONS = {"shared": "folder", "warehouse": "sql", "corp-smtp": "email"}
REPORT: dict[str, Any] = {
    "id": "orders",
    "title": "Orders",
    "source": {"kind": "sql", "connection": "warehouse", "queries": {"orders": "SELECT region FROM orders"}},
    "sections": [{"kind": "table", "query": "orders"}],
    "formats": ["csv"],
}
SCHEDULE: dict[str, Any] = {
    "name": "Daily orders",
    "report_id": "orders",
    "timing": {"frequency": "daily", "at": "09:00", "timezone": "Europe/Berlin"},
    "formats": ["csv"],
    "destinations": [{"channel": "folder", "connection": "shared", "path": "{report_slug}/{date}.{ext}"}],
}
PEOPLE: dict[str, Role] = {"admin": Role.ADMIN, "creator": Role.CREATOR, "viewer": Role.VIEWER}


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests; `key` is empty for whoever has none."""

    name: str
    user_id: str = ""
    role: Role | None = None


async def prepare(settings: Settings) -> None:
    """Make the database, with the connections that exist while Prefect is down: they are stored by hand."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database, now = Database(settings.database), datetime.now(UTC)
    await upgrade(database)
    async with database.session() as session:
        for name, kind in CONNECTIONS.items():
            row = Connection(name=name, kind=kind, block_type_slug=f"mailroom-{kind}", created_at=now, updated_at=now)
            session.add(row)
    await database.close()


async def add_history(settings: Settings, schedule_ids: list[str]) -> None:
    """Store a failed execution with a file for each schedule, as if a worker had been there."""
    database, now = Database(settings.database), datetime.now(UTC)
    content = b"region\r\nEMEA\r\n"
    async with database.session() as session:
        for schedule_id in schedule_ids:
            artifact = Artifact(
                id=new_id(),
                sha256=ArtifactStore(settings.artifacts_dir).put(content),
                filename="orders.csv",
                format="csv",
                media_type="text/csv",
                size=len(content),
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
            execution = Execution(
                id=new_id(),
                schedule_id=schedule_id,
                kind=ExecutionKind.RUN_NOW,
                due_at=now - timedelta(minutes=5),
                status=ExecutionState.FAILED,
                artifact_ids=[artifact.id],
                created_at=now,
                completed_at=now,
            )
            session.add_all([artifact, execution])
    await database.close()


async def fill(served: Served, settings: Settings) -> list[Caller]:
    """Make people and things through the API; return who will send requests, whoever does most harm last."""
    with served.client() as http:
        _ok(http.post("/teams", json={"name": "Sales", "external_id": "sales"}))
        ids = {name: _person(http, name, role) for name, role in [*PEOPLE.items(), ("mate", Role.CREATOR)]}
        for name in ("shared", "warehouse"):
            _ok(http.put(f"/connections/{name}/grants", json={"roles": ["creator"]}))
        _ok(http.post("/calendars", json={"id": "office", "title": "Office", "holidays": []}))
        _ok(http.post("/reports", json=REPORT))
        schedules = []
        for number, name in enumerate(["creator", "mate", "admin", "creator"]):
            body = {**SCHEDULE, "name": f"Orders of {name} {number}"}
            made = _ok(http.post("/schedules/", json=body, headers={"X-Act-For": f"ext:{name}"}))
            _ok(http.put(f"/schedules/{made['id']}/shares", json={"users": ["ext:viewer"]}))
            schedules.append(made["id"])
    await add_history(settings, schedules)
    people = [Caller(name, ids[name], role) for name, role in reversed(PEOPLE.items())]
    return [Caller("no key"), *people]


def key_of(served: Served, caller: Caller) -> str:
    """Return a new key for a caller of a role. An admin gets that of the installation, which no request can revoke."""
    if caller.role is None or caller.role is Role.ADMIN:
        return served.key if caller.role else ""
    body = {"email": f"{caller.name}@example.com", "name": caller.name, "role": caller.role, "team": "ext:sales"}
    with served.client() as http:
        # What earlier requests made of the user is taken back.
        _ok(http.put(f"/users/{caller.user_id}", json={**body, "external_id": caller.name}))
        made = _ok(http.post("/keys", json={"name": "fuzz", "scope": WIDEST[caller.role], "user": caller.user_id}))
    return str(made["key"])


def known_values(served: Served, document: dict[str, Any]) -> list[str]:
    """Return ids and names of what is there, from every list that the document knows."""
    found = {"ext:creator", "creator@example.com", *CONNECTIONS}
    with served.client() as http:
        for path, item in document["paths"].items():
            if "get" not in item or "{" in path or not path.startswith("/api/v1/"):
                continue
            answer = http.get(path.removeprefix("/api/v1"))
            is_json = answer.headers.get("content-type", "").partition(";")[0] == "application/json"
            if answer.is_success and is_json and isinstance(items := answer.json().get("items"), list):
                values = (one.get(field) for one in items[:8] for field in ("id", "name", "address", "schedule_id"))
                found |= {value for value in values if isinstance(value, str) and value}
    return sorted(found)


def _person(http: httpx.Client, name: str, role: Role) -> str:
    body = {"email": f"{name}@example.com", "name": name, "role": role, "team": "ext:sales", "external_id": name}
    return str(_ok(http.post("/users", json=body))["id"])


def _ok(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise SystemExit(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None
