"""Log-in at the identity provider with a browser: the authorization code flow with PKCE, state and nonce."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from tests.integration.api.login.conftest import HOST, Browser, Site
from tests.support.identity_provider import IdentityProvider


@pytest.fixture
def ada(provider: IdentityProvider) -> IdentityProvider:
    """The provider, which knows Ada."""
    provider.user("ada", email="ada@example.com", name="Ada Lovelace", roles=["makers"], team="sales")
    return provider


async def _at_provider(url: str, subject: str) -> str:
    """Agree at the provider as this subject; return where it sends the browser."""
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).status_code == 200
        answer = await client.post(url, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = answer.headers["Location"]
    assert back.startswith(f"{HOST}/login/oidc/callback?")
    return str(back)


async def _begin(browser: Browser, next_: str = "") -> str:
    answer = await browser.get("/login/oidc", params={"next": next_})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


async def test_a_browser_logs_in_at_the_provider(site_with_provider: Site, ada: IdentityProvider) -> None:
    site = site_with_provider
    browser = await site.browser()
    url = await _begin(browser, "/account?tab=1")
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{HOST}/login/oidc/callback"]
    answer = await browser.get(await _at_provider(url, "ada"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account?tab=1")
    page = await browser.get("/me")
    assert "Ada Lovelace" in page.text
    (session,) = (await browser.get("/api/v1/sessions")).json()["items"]
    assert (session["method"], session["current"], session["address"]) == ("oidc", True, "203.0.113.7")
    (event,) = await site.audit("logged in")
    assert event["actor"] == "ada@example.com"


async def test_security_31_an_answer_is_taken_once(site_with_provider: Site, ada: IdentityProvider) -> None:
    site = site_with_provider
    browser = await site.browser()
    url = await _begin(browser)
    kept = browser.cookies["__Host-mailroom-flow"]
    back = await _at_provider(url, "ada")
    assert (await browser.get(back)).status_code == 303
    assert "__Host-mailroom-flow" not in browser.cookies
    assert (await browser.get(back)).status_code == 403
    # Even a browser that kept the cookie is refused: the provider takes a code once.
    thief = await site.browser()
    answer = await thief.get(back, headers={"Cookie": f"__Host-mailroom-flow={kept}"})
    assert answer.status_code == 403
    reasons = {one["detail"]["reason"] for one in await site.audit("log-in failed")}
    assert reasons == {"state", "code"}


async def test_security_31_an_answer_belongs_to_the_browser_that_began(
    site_with_provider: Site, ada: IdentityProvider
) -> None:
    """Log-in CSRF: nobody is logged in as somebody else by a link with a code of that one."""
    site = site_with_provider
    attacker, victim = await site.browser(), await site.browser()
    back = await _at_provider(await _begin(attacker), "ada")
    assert (await victim.get(back)).status_code == 403
    await _begin(victim)
    assert (await victim.get(back)).status_code == 403
    assert not any(one.startswith("__Host-mailroom=") for one in victim.cookies)


async def test_security_31_a_code_of_another_log_in_is_refused(site_with_provider: Site, ada: IdentityProvider) -> None:
    """A code that was stolen from one log-in is put into another one: its verifier and nonce are not that one's."""
    site = site_with_provider
    one, two = await site.browser(), await site.browser()
    stolen = parse_qs(urlsplit(await _at_provider(await _begin(one), "ada")).query)["code"][0]
    state = parse_qs(urlsplit(await _begin(two)).query)["state"][0]
    answer = await two.get("/login/oidc/callback", params={"code": stolen, "state": state})
    assert answer.status_code == 403


async def test_security_31_another_provider_does_not_answer_for_this_one(
    site_with_provider: Site, ada: IdentityProvider
) -> None:
    for issuer, status in (("https://evil.example", 403), (f"{ada.issuer}/", 403), (ada.issuer, 303)):
        browser = await site_with_provider.browser()
        back = await _at_provider(await _begin(browser), "ada")
        assert (await browser.get(f"{back}&iss={quote(issuer)}")).status_code == status


async def test_security_31_a_cookie_that_we_did_not_seal_is_refused(
    site_with_provider: Site, ada: IdentityProvider
) -> None:
    browser = await site_with_provider.browser()
    back = await _at_provider(await _begin(browser), "ada")
    header, body, _ = browser.cookies["__Host-mailroom-flow"].split(".")
    for forged in (f"{header}.{body}.AAAA", f"{header}.{body}.", "x", ""):
        other = await site_with_provider.browser()
        answer = await other.get(back, headers={"Cookie": f"__Host-mailroom-flow={forged}"})
        assert answer.status_code == 403


async def test_what_the_provider_refuses_is_told(site_with_provider: Site, ada: IdentityProvider) -> None:
    browser = await site_with_provider.browser()
    answer = await browser.get("/login/oidc/callback?error=access_denied&state=x")
    assert answer.status_code == 403
    assert "access_denied" in answer.text
    answer = await browser.get("/login/oidc/callback", params={"error": "<script>alert(1)</script>"})
    assert "<script" not in answer.text
    assert "alert(1)" not in answer.text


async def test_who_has_no_role_or_is_disabled_does_not_get_in(site_with_provider: Site, ada: IdentityProvider) -> None:
    site = site_with_provider
    ada.user("eve", email="eve@example.com")
    browser = await site.browser()
    assert (await browser.get(await _at_provider(await _begin(browser), "eve"))).status_code == 403
    assert (await browser.get(await _at_provider(await _begin(browser), "ada"))).status_code == 303
    user = (await browser.get("/api/v1/sessions")).json()["items"][0]["user_id"]
    await site.json("DELETE", f"/users/{user}", 200)
    assert (await browser.get(await _at_provider(await _begin(browser), "ada"))).status_code == 403
    assert (await browser.get("/api/v1/sessions")).status_code == 401


async def test_the_log_in_page_offers_what_there_is(site_with_provider: Site, site: Site) -> None:
    with_provider = await (await site_with_provider.browser()).get("/login?next=/account")
    assert 'href="/login/oidc?next=/account"' in with_provider.text
    without = await (await site.browser()).get("/login")
    assert "/login/oidc" not in without.text
    assert (await (await site.browser()).get("/login/oidc")).status_code == 404
