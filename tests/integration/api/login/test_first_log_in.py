"""Whom a subject of the identity provider becomes, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mailroom.states import ScheduleState
from mailroom.storage.database import Database
from tests.integration.api.login.conftest import Site, of_provider, serving, settings_of
from tests.integration.conftest import add_schedule
from tests.support.identity_provider import IdentityProvider


async def _ask(site: Site, token: str) -> httpx.Response:
    browser = await site.browser()
    return await browser.get("/api/v1/schedules/", headers={"Authorization": f"Bearer {token}"})


async def _users(site: Site) -> dict[str, dict[str, Any]]:
    return {one["email"]: one for one in (await site.json("GET", "/users", 200))["items"]}


async def test_many_first_requests_at_once_make_one_user(
    tmp_path: Path, ledger: Database, provider: IdentityProvider
) -> None:
    async with serving(settings_of(tmp_path, **of_provider(provider.issuer)), ledger) as site:
        token = provider.token("ada", team="sales")
        answers = await asyncio.gather(*(_ask(site, token) for _ in range(6)))
        assert [one.status_code for one in answers] == [200] * 6
        assert len(await site.audit("identity linked")) == 1
        assert len((await site.json("GET", "/teams", 200))["items"]) == 1


async def test_a_role_that_the_provider_takes_away_suspends_schedules(
    tmp_path: Path, ledger: Database, provider: IdentityProvider
) -> None:
    settings = settings_of(tmp_path, **of_provider(provider.issuer), oidc_link="email")
    schedule = await add_schedule(ledger, next_run=datetime.now(UTC) + timedelta(days=1))
    async with serving(settings, ledger) as site:
        told = {"email": "owner@example.com", "email_verified": True}
        now = int(datetime.now(UTC).timestamp())
        assert (await _ask(site, provider.token("o", iat=now - 9, **told))).status_code == 200
        assert (await site.json("GET", f"/schedules/{schedule.id}", 200))["state"] == ScheduleState.ACTIVE
        assert (await _ask(site, provider.token("o", iat=now - 5, roles=["readers"], **told))).status_code == 200
        assert (await site.json("GET", f"/schedules/{schedule.id}", 200))["state"] == ScheduleState.SUSPENDED


@pytest.mark.parametrize(
    ("link", "claims", "status", "is_grace"),
    [
        ("no", {"email_verified": True}, 409, False),
        ("email", {"email_verified": True}, 200, True),
        ("email", {"email_verified": False}, 409, False),
        ("email", {}, 409, False),
        ("external_id", {}, 200, True),
        ("external_id", {"sub": "grac"}, 409, False),
        ("external_id", {"sub": "other", "email": "other@example.com"}, 200, False),
    ],
)
async def test_an_existing_user_is_linked_only_as_the_operator_says(
    tmp_path: Path,
    database: Database,
    provider: IdentityProvider,
    link: str,
    claims: dict[str, Any],
    status: int,
    is_grace: bool,
) -> None:
    settings = settings_of(tmp_path, **of_provider(provider.issuer), oidc_link=link)
    async with serving(settings, database) as site:
        await site.user("grace", "viewer")
        answer = await _ask(site, provider.token("grace", **claims))
        assert answer.status_code == status, answer.text
        assert ((await _users(site))["grace@example.com"]["role"] == "creator") is is_grace


async def test_without_provisioning_nobody_and_no_team_is_made(
    tmp_path: Path, database: Database, provider: IdentityProvider
) -> None:
    settings = settings_of(tmp_path, **of_provider(provider.issuer), oidc_provision=False, oidc_link="external_id")
    async with serving(settings, database) as site:
        assert (await _ask(site, provider.token("ada"))).status_code == 403
        await site.user("grace")
        assert (await _ask(site, provider.token("grace", team="sales"))).status_code == 200
        assert set(await _users(site)) == {site.settings.owner_email, "grace@example.com"}
        assert (await site.json("GET", "/teams", 200))["items"] == []


async def test_who_has_no_address_does_not_become_a_user(
    tmp_path: Path, database: Database, provider: IdentityProvider
) -> None:
    async with serving(settings_of(tmp_path, **of_provider(provider.issuer)), database) as site:
        assert (await _ask(site, provider.token("ada", email=None))).status_code == 409
