"""People with browsers at the pages, around things of their own and of others whose names are hostile."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import update

from mailroom.access.permissions import Relation
from mailroom.roles import Role
from mailroom.storage.database import new_id
from mailroom.storage.model.access import ApiKey, Team
from mailroom.storage.model.recipients import Suppression
from mailroom.storage.tables import Calendar, Execution, Notification, Report, Schedule, User
from tests.integration.api.access.belongings import World, world
from tests.integration.api.access.people import People
from tests.integration.api.access.test_every_route import KINDS
from tests.integration.api.login.conftest import HOST, OWN_PAGE, Browser
from tests.support.routes import Served

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}<svg onload=alert(3)>"
READS_PAGES = {"Accept": "text/html,application/xhtml+xml"}


@dataclass
class Reader:
    """A person with a browser; `token` is what each form of the session carries."""

    browser: Browser
    token: str

    async def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return await self.browser.get(path, headers=READS_PAGES)

    async def send(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a form with its token, as a page of ours does unless the headers say otherwise."""
        data = {"csrf_token": self.token, **(fields or {})}
        return await self.browser.post(path, data=data, headers={**READS_PAGES, **OWN_PAGE, **headers})

    async def ask(self, route: Served, path: str) -> httpx.Response:
        """Open a page or send an empty form to it, whichever the route is for."""
        return await (self.get(path) if route.method in ("GET", "HEAD") else self.send(path))


@dataclass
class Pages:
    """The application with a world in it, and a browser for whoever is asked for."""

    api: Api
    people: People
    made: World
    role: Role
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def reader(self, user_id: str) -> Reader:
        """Log a user in with a browser."""
        link = await self.api.json("POST", f"/users/{user_id}/links", 201, json={"purpose": "login"})
        transport = httpx.ASGITransport(self.api.app, raise_app_exceptions=False)
        browser = await self._stack.enter_async_context(Browser(transport=transport, base_url=HOST))
        secret = link["link"].partition("token=")[2]
        answer = await browser.submit("/login/link", {"token": secret}, form_at=f"/login/link?token={secret}")
        assert answer.status_code == 303, answer.text
        return Reader(browser, await browser.token("/me"))

    async def admin(self) -> Reader:
        """Log an admin in."""
        return await self.reader((await self.people.person("boss", Role.ADMIN)).id)

    def path(self, route: Served, relation: Relation) -> str:
        """Return the path of a route to the thing in this relation; to nothing where there is no such thing."""

        def thing(name: re.Match[str]) -> str:
            kind = KINDS.get(name.group(1), "")
            return self.made.ids.get((kind, relation)) or new_id()

        return re.sub(r"{(\w+)}", thing, route.path)


@pytest.fixture
async def pages(offline: Api, request: pytest.FixtureRequest) -> AsyncIterator[Pages]:
    """The pages around a person of the role that the test is parametrized with, a creator by default."""
    role = getattr(request, "param", Role.CREATOR)
    people = People(offline)
    for connection in ("shared", "warehouse"):
        await offline.json("PUT", f"/connections/{connection}/grants", 200, json={"roles": ["creator"]})
    made = await world(people, role)
    await _name_them(offline)
    found = Pages(offline, people, made, role)
    async with found._stack:
        yield found
    for client in people.clients:
        await client.aclose()


async def _name_them(api: Api) -> None:
    """Give everything that has a name a hostile one, and every error a hostile text."""
    async with api.database.session() as session:
        for table, columns in (
            (Schedule, ("name",)),
            (Report, ("title",)),
            (User, ("name",)),
            (Team, ("name",)),
            (ApiKey, ("name",)),
            (Calendar, ("title",)),
            (Suppression, ("reason",)),
            (Notification, ("title", "body")),
            (Execution, ("error_message", "reason")),
        ):
            await session.execute(update(table).values(dict.fromkeys(columns, HOSTILE)))
