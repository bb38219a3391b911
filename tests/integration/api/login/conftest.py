"""The application with an identity provider and local accounts, and browsers without a key."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from mailroom.settings import Settings
from mailroom.storage.database import Database
from tests.integration.api.conftest import KEY
from tests.support.identity_provider import AUDIENCE, CLIENT, IdentityProvider
from tests.support.prefect import NOBODY_LISTENS

HOST = "https://mailroom.test"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "many trains leave at dawn"


@pytest.fixture(scope="session")
def one_provider() -> Iterator[IdentityProvider]:
    """Start a provider for this test run."""
    with IdentityProvider().running() as provider:
        yield provider


@pytest.fixture
def provider(one_provider: IdentityProvider) -> IdentityProvider:
    """The provider, which has forgotten what it was asked before."""
    one_provider.asked.clear()
    one_provider.changes.clear()
    return one_provider


class Browser(httpx.AsyncClient):
    """A browser: it keeps cookies, says which site made a request, and follows no redirect by itself."""

    async def token(self, path: str = "/me") -> str:
        """Return the token of the first form of a page."""
        page = await self.get(path)
        assert page.status_code == 200, page.text
        found = re.search(r'name="csrf_token" value="(\w+)"', page.text)
        assert found, page.text
        return found.group(1)

    async def submit(self, path: str, fields: dict[str, str], *, form_at: str = "/me") -> httpx.Response:
        """Load a page and send its form."""
        return await self.post(path, data={"csrf_token": await self.token(form_at), **fields}, headers=OWN_PAGE)

    async def log_in(self, email: str, password: str = PASSWORD, next_: str = "") -> httpx.Response:
        """Log in with a password."""
        fields = {"email": email, "password": password, "next": next_}
        return await self.submit("/login", fields, form_at="/login")

    async def open_link(self, link: str, **fields: str) -> httpx.Response:
        """Open a one-time link and send its form."""
        path, secret = link.removeprefix(HOST), link.partition("token=")[2]
        return await self.submit("/login/link", {"token": secret, **fields}, form_at=path)


@dataclass
class Site:
    """The application, with a client that has the key of the installation, and as many browsers as wanted."""

    app: FastAPI
    settings: Settings
    database: Database
    http: httpx.AsyncClient
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def json(self, method: str, path: str, status: int, **arguments: Any) -> Any:
        """Ask with the key, expect the status, return the parsed answer."""
        answer = await self.http.request(method, f"/api/v1{path}", **arguments)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def browser(self, base: str = HOST, address: str = "203.0.113.7", **headers: str) -> Browser:
        """Return a browser."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 50000))
        return await self._stack.enter_async_context(Browser(transport=transport, base_url=base, headers=headers))

    async def user(self, name: str, role: str = "creator", **more: Any) -> dict[str, Any]:
        """Make a user, whose external id is the name."""
        body = {"email": f"{name}@example.com", "name": name, "role": role, "external_id": name, **more}
        made: dict[str, Any] = await self.json("POST", "/users", 201, json=body)
        return made

    async def link(self, reference: str, purpose: str = "login") -> str:
        """Make a one-time link for a user."""
        made = await self.json("POST", f"/users/{reference}/links", 201, json={"purpose": purpose})
        return str(made["link"])

    async def logged_in(self, name: str, role: str = "creator", *, password: bool = False) -> Browser:
        """Make a user and log in with a link, by which a password is set where one is wanted."""
        await self.user(name, role)
        browser = await self.browser()
        link = await self.link(f"ext:{name}", "reset" if password else "login")
        answer = await browser.open_link(link, **({"password": PASSWORD} if password else {}))
        assert answer.status_code == 303, answer.text
        return browser

    async def audit(self, action: str) -> list[dict[str, Any]]:
        """Return the events of an action, the newest first."""
        found = (await self.json("GET", "/audit?limit=200", 200))["items"]
        return [one for one in found if one["action"] == action]


def settings_of(folder: Path, **changes: Any) -> Settings:
    """Return settings with https, and no provider unless one is named."""
    values = {
        "data_dir": folder / "data",
        "api_key": KEY,
        "key_pepper": f"pepper {KEY}",
        "prefect_api_url": NOBODY_LISTENS,
        "public_address": HOST,
        "sync_wait_seconds": 0.2,
        "sync_every_seconds": 600,
    }
    return Settings.model_validate(values | changes)


def of_provider(issuer: str) -> dict[str, Any]:
    """Return the settings of a provider."""
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": "s3cret of the client",
        "oidc_audience": AUDIENCE,
        "oidc_roles": {"makers": "creator", "chiefs": "admin", "readers": "viewer"},
        "oidc_team_claim": "team",
    }


@asynccontextmanager
async def serving(settings: Settings, database: Database) -> AsyncIterator[Site]:
    """Run the application for the length of the block."""
    app = create_app(settings, database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=HOST, headers=headers) as http,
    ):
        site = Site(app, settings, database, http)
        async with site._stack:
            yield site


@pytest.fixture
async def site(tmp_path: Path, database: Database) -> AsyncIterator[Site]:
    """The application with local accounts alone."""
    async with serving(settings_of(tmp_path), database) as made:
        yield made


@pytest.fixture
async def site_with_provider(tmp_path: Path, database: Database, provider: IdentityProvider) -> AsyncIterator[Site]:
    """The application with an identity provider and local accounts."""
    async with serving(settings_of(tmp_path, **of_provider(provider.issuer)), database) as made:
        yield made
