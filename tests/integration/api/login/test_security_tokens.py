"""SECURITY-TESTS 29 and 31: bearer tokens of the identity provider."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api.http.auth import OPEN
from tests.integration.api.login.conftest import Site
from tests.support.identity_provider import AUDIENCE, CLIENT, IdentityProvider

NOW = int(time.time())


async def _ask(site: Site, token: str, path: str = "/schedules/", **headers: str) -> httpx.Response:
    browser = await site.browser()
    return await browser.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}", **headers})


async def _refused(site: Site, token: str) -> None:
    answer = await _ask(site, token)
    assert answer.status_code == 401, answer.text
    assert "invalid_token" in answer.headers["WWW-Authenticate"]
    assert (await site.json("GET", "/users", 200))["items"][1:] == []


def _by_hand(header: dict[str, Any], claims: dict[str, Any], key: bytes | None) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    signed = ".".join(parts)
    signature = hmac.new(key, signed.encode(), hashlib.sha256).digest() if key is not None else b""
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


async def test_a_token_logs_in_and_the_first_one_makes_the_user(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    site = site_with_provider
    answer = await _ask(site, provider.token("ada", team="sales"))
    assert answer.status_code == 200, answer.text
    users = {one["email"]: one for one in (await site.json("GET", "/users", 200))["items"]}
    assert users["ada@example.com"]["role"] == "creator"
    (team,) = (await site.json("GET", "/teams", 200))["items"]
    assert (team["external_id"], users["ada@example.com"]["team"]) == ("sales", team["id"])
    assert (await _ask(site, provider.token("ada", team="sales"))).status_code == 200
    assert len((await site.json("GET", "/users", 200))["items"]) == len(users)
    (linked,) = await site.audit("identity linked")
    assert linked["detail"]["subject"] == "ada"
    assert provider.asked["/jwks"] == 1, "the keys are kept"


async def test_security_31_alg_none_is_refused(site_with_provider: Site, provider: IdentityProvider) -> None:
    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        header = {"alg": algorithm, "kid": provider.kid}
        await _refused(site_with_provider, _by_hand(header, provider.claims("eve"), None))
    unsigned = provider.token("eve").rpartition(".")[0] + "."
    await _refused(site_with_provider, unsigned)


async def test_security_31_the_public_key_is_no_shared_secret(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    """RS/HS confusion: what is public must not sign, in any form in which it could be taken for a secret."""
    numbers = base64.urlsafe_b64encode(provider.public_key)
    for key in (provider.public_key, provider.public_key.strip(), numbers, b""):
        for header in ({"alg": "HS256", "kid": provider.kid}, {"alg": "HS256"}, {"alg": "RS256", "kid": provider.kid}):
            await _refused(site_with_provider, _by_hand(header, provider.claims("eve"), key))


async def test_security_31_a_key_that_the_token_brings_is_not_believed(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
    for extra in ({"jwk": jwk}, {"jku": f"{provider.issuer}/mine"}, {"x5u": f"{provider.issuer}/mine"}, {}):
        for kid in (provider.kid, "mine"):
            await _refused(
                site_with_provider, jwt.encode(provider.claims("eve"), own, "RS256", headers={"kid": kid, **extra})
            )
    assert provider.asked["/mine"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": AUDIENCE + "/"},
        {"aud": AUDIENCE[:-1]},
        {"aud": CLIENT},
        {"aud": [CLIENT, "https://other.example"]},
        {"aud": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"exp": NOW - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": NOW + 3600},
        {"iat": NOW + 3600},
        {"iat": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "  "},
        {"sub": 7},
        {"sub": "x" * 256},
    ],
)
async def test_security_31_what_a_token_must_say(
    site_with_provider: Site, provider: IdentityProvider, changes: dict[str, Any]
) -> None:
    await _refused(site_with_provider, provider.token("eve", **changes))


async def test_security_31_an_issuer_that_only_begins_alike_is_another(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    for issuer in (provider.issuer + "/", provider.issuer + ".evil.example", provider.issuer[:-1]):
        await _refused(site_with_provider, provider.token("eve", iss=issuer))


async def test_security_31_a_little_too_late_is_allowed(site_with_provider: Site, provider: IdentityProvider) -> None:
    assert (await _ask(site_with_provider, provider.token("ada", exp=int(time.time()) - 10))).status_code == 200
    assert (await _ask(site_with_provider, provider.token("ada", exp=int(time.time()) - 40))).status_code == 401


async def test_security_31_a_subject_is_compared_exactly(site_with_provider: Site, provider: IdentityProvider) -> None:
    site = site_with_provider
    assert (await _ask(site, provider.token("ada.lovelace", email="ada@example.com"))).status_code == 200
    for number, subject in enumerate(("ada", "ada.lovelace ", "ADA.LOVELACE", "ada.lovelace2", "ada%", "ada_lovelace")):
        token = provider.token(subject, email=f"other{number}@example.com")
        assert (await _ask(site, token)).status_code == 200
        users = {one["email"] for one in (await site.json("GET", "/users", 200))["items"]}
        assert f"other{number}@example.com" in users, f"'{subject}' was taken for somebody else"


async def test_security_31_a_token_is_a_bearer_token_and_no_key(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    browser = await site_with_provider.browser()
    answer = await browser.get("/api/v1/schedules/", headers={"X-API-Key": provider.token("ada")})
    assert answer.status_code == 401


async def test_security_31_hostile_tokens_are_refused_and_not_errors(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    deep = base64.urlsafe_b64encode(b'{"a":' + b"[" * 9000).decode().rstrip("=")
    header = base64.urlsafe_b64encode(b"[1]").decode().rstrip("=")
    for token in (
        "eyJ.e.e",
        f"ey{'A' * 20_000}.x.y",
        f"ey{deep}.x.y",
        "ey\x00.x.y",
        f"ey{header}.x.y",
        "ey..",
        "ey.é.x",
    ):
        headers = [(b"authorization", b"Bearer " + token.encode())]
        answer = await (await site_with_provider.browser()).get("/api/v1/schedules/", headers=headers)
        assert answer.status_code == 401, f"{token[:40]}: {answer.text}"
    critical = provider.signed(provider.claims("ada"), crit=["x"], x=1)
    await _refused(site_with_provider, critical)


async def test_29_a_role_that_the_provider_takes_away_is_gone_on_the_next_request(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    site, now = site_with_provider, int(time.time())
    chief = provider.token("ada", roles=["chiefs"], iat=now - 5)
    assert (await _ask(site, chief, "/connections/none/grants")).status_code == 404
    reader = provider.token("ada", roles=["readers", "unknown"], iat=now - 3)
    assert (await _ask(site, reader, "/connections/none/grants")).status_code == 403
    # The older token is still valid, and does not give back what a newer one took.
    assert (await _ask(site, chief, "/connections/none/grants")).status_code == 403
    (changed,) = [one for one in await site.audit("changed") if one["actor"] == "identity provider"]
    assert changed["detail"]["changes"]["role"] == ["admin", "viewer"]
    assert (await _ask(site, provider.token("ada", roles=[]))).status_code == 403


async def test_29_a_disabled_user_is_refused_with_a_token_too(
    site_with_provider: Site, provider: IdentityProvider
) -> None:
    site = site_with_provider
    assert (await _ask(site, provider.token("ada"))).status_code == 200
    ada = next(one for one in (await site.json("GET", "/users", 200))["items"] if one["email"] == "ada@example.com")
    await site.json("DELETE", f"/users/{ada['id']}", 200)
    assert (await _ask(site, provider.token("ada", iat=int(time.time()) + 1))).status_code == 403


async def test_nobody_becomes_somebody_by_an_address(site_with_provider: Site, provider: IdentityProvider) -> None:
    site = site_with_provider
    await site.user("grace", "admin")
    token = provider.token("eve", email="grace@example.com", email_verified=True)
    assert (await _ask(site, token)).status_code == 409
    assert (await _ask(site, provider.token("eve", email=site.settings.owner_email))).status_code == 409


def test_the_pages_of_log_in_are_open_and_nothing_else() -> None:
    assert {path for path in OPEN if path.startswith("/login")} == {
        "/login",
        "/login/oidc",
        "/login/oidc/callback",
        "/login/link",
    }
