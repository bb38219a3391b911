"""People with roles, teams and keys, each with a client of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from mailroom.roles import WIDEST, Role

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


@dataclass
class Person:
    """A user with a key; `http` uses it."""

    id: str
    email: str
    key: str
    key_id: str
    http: httpx.AsyncClient

    async def json(self, method: str, path: str, status: int, **arguments: Any) -> Any:
        """Ask, expect the status, return the parsed answer."""
        answer = await self.http.request(method, f"/api/v1{path}", **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@dataclass
class People:
    """Makes users through the API, as an admin does."""

    api: Api
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    async def team(self, name: str) -> str:
        """Make a team, whose external id is its name; return its id."""
        made = await self.api.json("POST", "/teams", 201, json={"name": name, "external_id": name})
        return str(made["id"])

    async def person(self, name: str, role: Role, *, team: str | None = None, scope: str = "") -> Person:
        """Make a user, whose external id is the name, and a key of the widest scope or of this one."""
        body = {"email": f"{name}@example.com", "name": name, "role": role, "team": team, "external_id": name}
        made = await self.api.json("POST", "/users", 201, json=body)
        return await self.with_key(made["id"], made["email"], scope or WIDEST[role])

    async def with_key(self, user_id: str, email: str, scope: str) -> Person:
        """Return a user with a new key."""
        body = {"name": "test", "scope": scope, "user": user_id}
        key = await self.api.json("POST", "/keys", 201, json=body)
        return Person(user_id, email, key["key"], key["id"], self.client(key["key"]))

    def client(self, key: str) -> httpx.AsyncClient:
        """Return a client with this key."""
        transport = httpx.ASGITransport(self.api.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}"}
        made = httpx.AsyncClient(transport=transport, base_url="http://mailroom.test", headers=headers)
        self.clients.append(made)
        return made
