"""SECURITY-TESTS 34: how often an address, a user and a key may ask, and what is no way around it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mailroom.roles import Role
from tests.integration.api.limits.conftest import refused

if TYPE_CHECKING:
    from tests.integration.api.access.people import People
    from tests.integration.api.conftest import Api

SPELLINGS = ("/api/v1/users", "/api/v1/users/", "/API/v1/Users", "/api/v1/x", "/healthz/", "/HEALTHZ", "//healthz")


@pytest.fixture(autouse=True)
def _rates(_low: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "RATE_LIMIT_USER": "6/hour",
        "RATE_LIMIT_KEY": "4/hour",
        "RATE_LIMIT_ADDRESS": "5/hour",
        "TRUSTED_PROXIES": "10.0.0.0/8",
    }.items():
        monkeypatch.setenv(f"MAILROOM_{name}", value)


def client(api: Api, peer: str = "192.0.2.1", **headers: str) -> httpx.AsyncClient:
    """Return a client at an address."""
    transport = httpx.ASGITransport(api.app, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://mailroom.test", headers=headers)


async def test_security_34_no_spelling_of_a_path_escapes(offline: Api) -> None:
    async with client(offline) as nobody:
        answers = [await nobody.get(path) for path in SPELLINGS]
        assert [answer.status_code for answer in answers] == [*[401] * 5, 429, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"address";q=5;w=3600'
        assert answers[0].headers["RateLimit"].startswith('"address";r=4;t=')
        over = answers[-1]
        assert over.headers["content-type"] == "application/problem+json"
        assert refused(over.json()) == ("requests_of_address", 5, 5)
        assert 1 <= int(over.headers["Retry-After"]) <= 3600
        assert (await nobody.get("/docs")).status_code == 429
        for path in ("/healthz", "/readyz"):
            health = await nobody.get(path)
            assert health.status_code == 200
            assert "RateLimit" not in health.headers
    async with client(offline, "192.0.2.2") as another:
        assert (await another.get("/docs")).headers["RateLimit"].startswith('"address";r=4;t=')


async def test_security_34_a_burst_is_no_way_around(offline: Api) -> None:
    async with client(offline) as nobody:
        answers = await asyncio.gather(*(nobody.get("/api/v1/users") for _ in range(30)))
    assert sum(answer.status_code == 401 for answer in answers) == 5


async def test_security_34_a_forged_header_changes_nothing(offline: Api) -> None:
    async with client(offline) as nobody:
        for number in range(5):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            assert (await nobody.get("/api/v1/users", headers=headers)).status_code == 401
        assert (await nobody.get("/api/v1/users", headers={"X-Forwarded-For": "198.51.100.9"})).status_code == 429
    async with client(offline, "10.0.0.1") as proxy:
        for number in range(6):
            # The proxy appends whom it serves to what the client wrote.
            headers = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"}
            answer = await proxy.get("/api/v1/users", headers=headers)
        assert answer.status_code == 429
        other = await proxy.get("/api/v1/users", headers={"X-Forwarded-For": "198.51.100.8"})
        assert other.status_code == 401


async def test_who_has_a_key_is_not_refused_for_others_at_the_same_address(offline: Api) -> None:
    key = offline.settings.api_key.get_secret_value()
    async with client(offline) as shared:
        for _ in range(7):
            await shared.get("/api/v1/users", headers={"X-API-Key": "wrong"})
        answer = await shared.get("/api/v1/users", headers={"X-API-Key": key})
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers, "the key of the installation is not counted"


async def test_security_34_a_key_and_a_user_have_their_rates(people: People) -> None:
    ada = await people.person("ada", Role.CREATOR)
    other = await people.with_key(ada.id, ada.email, "read")
    answers = [await ada.http.get("/api/v1/limits") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"user";q=6;w=3600, "key";q=4;w=3600'
    assert refused(answers[-1].json()) == ("requests_of_key", 4, 4)
    # Another key of hers has a rate of its own, and she has one for all of them.
    last = [await other.http.get("/api/v1/limits") for _ in range(2)]
    assert [answer.status_code for answer in last] == [200, 429]
    assert refused(last[-1].json()) == ("requests_of_user", 6, 6)
    bob = await people.person("bob", Role.CREATOR)
    assert (await bob.http.get("/api/v1/limits")).status_code == 200


async def test_security_34_acting_for_others_is_no_way_around_for_who_may_not(people: People) -> None:
    ada = await people.person("ada", Role.CREATOR)
    other = await people.with_key(ada.id, ada.email, "read")
    names = [f"ext:{number}" for number in range(8)]
    clients: list[Any] = [ada.http, other.http] * 4
    answers = [
        await one.get("/api/v1/limits", headers={"X-Act-For": name}) for one, name in zip(clients, names, strict=True)
    ]
    assert [answer.status_code for answer in answers][6:] == [429, 429]


async def test_who_acts_for_many_is_counted_for_each(people: People) -> None:
    for name in ("ada", "bob"):
        await people.person(name, Role.CREATOR)
    get = people.api.http.get
    for_ada = [await get("/api/v1/limits", headers={"X-Act-For": "ext:ada"}) for _ in range(7)]
    assert [answer.status_code for answer in for_ada] == [*[200] * 6, 429]
    assert (await get("/api/v1/limits", headers={"X-Act-For": "ext:bob"})).status_code == 200
