"""SECURITY-TESTS 32 and 33: requests that other sites make a browser send, frames, policies and redirects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.http.browser.redirects import HOME, safe_next
from mailroom.storage.database import Database
from tests.integration.api.conftest import KEY, SCHEDULE
from tests.integration.api.login.conftest import HOST, OWN_PAGE, PASSWORD, Site, of_provider, serving, settings_of
from tests.support.page_faults import inline_faults
from tests.support.routes import served_by

OTHER_SITES: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": HOST},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": f"{HOST}.evil.example"},
    {"Origin": HOST.replace("https", "http")},
    {},
]
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def _problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).removeprefix("/problems/")


async def test_security_32_another_site_changes_nothing(site: Site) -> None:
    ada = await site.logged_in("ada")
    token = (await ada.get("/api/v1/sessions/current")).json()["csrf_token"]
    for headers in OTHER_SITES:
        answer = await ada.post("/api/v1/schedules/", json=SCHEDULE, headers={**headers, "X-CSRF-Token": token})
        assert (answer.status_code, _problem(answer)) == (403, "cross-site"), headers
    answer = await ada.post("/api/v1/schedules/preview", json={}, headers={"Origin": HOST, "X-CSRF-Token": token})
    assert answer.status_code == 422


async def test_security_32_every_unsafe_route_asks_for_the_token(site: Site) -> None:
    ada, grace = await site.logged_in("ada", "admin"), await site.logged_in("grace")
    theirs = (await grace.get("/api/v1/sessions/current")).json()["csrf_token"]
    # Links that stop mails are used by programs of mail providers (RFC 8058): their own token is all that they need.
    without = ("/login", "/u/", "/stop-digest/", "/stop-summary/")
    routes = [one for one in served_by(site.app, "/") if one.method in UNSAFE and not one.path.startswith(without)]
    assert len(routes) > 40
    for route in routes:
        path = route.path.replace("{", "").replace("}", "")
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": theirs}):
            answer = await ada.request(route.method, path, json={}, headers={**OWN_PAGE, **headers})
            assert (answer.status_code, _problem(answer)) == (403, "csrf"), f"{route.method} {path}"
    assert (await ada.get("/me")).status_code == 200


@pytest.mark.parametrize("path", ["/logout", "/logout/everywhere", "/account/password", "/login", "/login/link"])
async def test_security_32_every_form_asks_for_the_token(site: Site, path: str) -> None:
    ada = await site.logged_in("ada", password=True)
    link = await site.link("ext:ada")
    fields = {"email": "ada@example.com", "password": PASSWORD, "token": link.partition("token=")[2], "new": PASSWORD}
    page = link.removeprefix(HOST) if path == "/login/link" else "/login" if path == "/login" else "/me"
    good = await ada.token(page)
    before = ada.cookies["__Host-mailroom"]
    for token in ("", "x", good[:-1], good.upper()):
        answer = await ada.post(path, data={**fields, "csrf_token": token}, headers=OWN_PAGE)
        assert (answer.status_code, _problem(answer)) == (403, "csrf")
    for headers in OTHER_SITES:
        answer = await ada.post(path, data={**fields, "csrf_token": good}, headers=headers)
        assert (answer.status_code, _problem(answer)) == (403, "cross-site")
    assert ada.cookies["__Host-mailroom"] == before
    assert (await ada.get("/me")).status_code == 200


async def test_a_person_whose_form_is_too_old_gets_a_page(site: Site) -> None:
    ada = await site.logged_in("ada", password=True)
    headers = {**OWN_PAGE, "Accept": "text/html,application/xhtml+xml"}
    answer = await ada.post("/account/password", data={"csrf_token": "old"}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "Load the page again" in answer.text
    programs = await ada.post("/api/v1/schedules/preview", json={}, headers=headers)
    assert (programs.status_code, _problem(programs)) == (403, "csrf")


async def test_security_32_json_as_text_is_refused(site: Site) -> None:
    ada = await site.logged_in("ada")
    token = (await ada.get("/api/v1/sessions/current")).json()["csrf_token"]
    headers = {**OWN_PAGE, "X-CSRF-Token": token}
    for media in ("text/plain", "multipart/form-data", "text/plain;application/json", "application/jsonp", ""):
        answer = await ada.delete("/api/v1/sessions", headers={**headers, "Content-Type": media})
        assert answer.status_code == 415, media
        answer = await ada.post("/api/v1/schedules/", content=b"{}", headers={**headers, "Content-Type": media})
        assert answer.status_code == 415, media
    large = b"x=" + b"y" * 600_000 + f"&csrf_token={token}".encode()
    form = {**OWN_PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await ada.post("/logout", content=large, headers=form)).status_code == 403
    assert (await ada.get("/me")).status_code == 200


async def test_security_32_keys_are_not_affected(site: Site) -> None:
    await site.json("POST", "/teams", 201, json={"name": "Sales"}, headers={"Sec-Fetch-Site": "cross-site"})
    ada = await site.logged_in("ada")
    # A key counts for itself, whatever cookie comes with it.
    answer = await ada.get("/api/v1/users", headers={"Authorization": f"Bearer {KEY}"})
    assert len(answer.json()["items"]) == 2
    wrong = await ada.get("/api/v1/users", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401


PLACES = (
    *("/login", "/login/link?token=x", "/me", "/audit", "/settings/users", "/settings/keys"),
    *("/docs", "/", "/healthz", "/nothing", "/api/v1/schedules/"),
)


async def test_security_33_nobody_frames_us_and_nothing_runs_inline(site: Site) -> None:
    ada = await site.logged_in("ada")
    for path in PLACES:
        answer = await ada.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert inline_faults(answer.text) == [], path
    for path in ("/mailroom.css", "/docs.css"):
        answer = await ada.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")


async def test_security_33_only_named_origins_frame_us(tmp_path: Path, database: Database) -> None:
    settings = settings_of(tmp_path, frame_ancestors="https://app.example.com", public_address="")
    async with serving(settings, database) as site:
        answer = await (await site.browser("http://127.0.0.1:8080", "127.0.0.1")).get("/login")
    assert "frame-ancestors https://app.example.com" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "///evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    " //evil.example",
    "/ /evil.example",
    "/a//evil.example",
    "/é",
    "evil.example",
    "/%0d%0a" + "x" * 2000,
    "",
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_security_33_a_redirect_stays_here(wanted: str) -> None:
    assert safe_next(wanted) == HOME


@pytest.mark.parametrize("wanted", ["/account", "/docs?x=1#part", "/a/b%2Fc", "/schedules/?next=//evil.example"])
def test_a_path_of_ours_is_followed(wanted: str) -> None:
    assert safe_next(wanted) == wanted


async def test_security_33_log_in_leads_nowhere_else(site: Site) -> None:
    await site.logged_in("ada", password=True)
    for wanted in ("//evil.example", "/\\evil.example", "https://evil.example"):
        answer = await (await site.browser()).log_in("ada@example.com", next_=wanted)
        assert (answer.status_code, answer.headers["Location"]) == (303, HOME)
        page = await (await site.browser()).get("/login", params={"next": wanted})
        assert "evil" not in page.text


async def test_who_is_not_logged_in_is_led_to_the_log_in_page(site: Site) -> None:
    browser = await site.browser()
    answer = await browser.get("/account?tab=1", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=%2Faccount%3Ftab%3D1")
    answer = await browser.get("/api/v1/users", headers={"Accept": "text/html"})
    assert answer.status_code == 401


async def test_a_form_and_a_poll_without_a_session_are_led_to_the_log_in_page(site: Site) -> None:
    browser = await site.browser()
    html = {"Accept": "text/html"}
    answer = await browser.post("/schedules/7/pause", data={"etag": "x"}, headers=html)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login?next=%2Fschedules")
    answer = await browser.get("/schedules?seen=1", headers={**html, "HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (401, "true")
    answer = await browser.post("/api/v1/schedules", json={}, headers=html)
    assert answer.status_code == 401


async def test_cookies_have_their_flags(site: Site) -> None:
    await site.user("ada")
    answer = await (await site.browser()).open_link(await site.link("ext:ada"))
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-mailroom=")]
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert flags == {"httponly", "secure", "path=/", "samesite=lax"}


@pytest.fixture
async def plain(tmp_path: Path, database: Database) -> Any:
    async with serving(settings_of(tmp_path, public_address="", **of_provider(HOST)), database) as made:
        yield made


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
async def test_plain_http_works_on_this_machine(plain: Site, base: str) -> None:
    await plain.user("ada")
    browser = await plain.browser(base, "::1" if "[" in base else "127.0.0.1")
    link = (await plain.link("ext:ada")).partition("/login")[2]
    answer = await browser.open_link(f"{HOST}/login{link}")
    assert answer.status_code == 303, answer.text
    assert "ada@example.com" in (await browser.get("/me")).text
    assert "secure" not in str(answer.headers.get_list("set-cookie")).lower()


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("http://mailroom.test", "203.0.113.7"),
        ("http://mailroom.test", "127.0.0.1"),
        ("http://127.0.0.1:8080", "203.0.113.7"),
        ("http://localhost.evil.example", "127.0.0.1"),
    ],
)
async def test_plain_http_elsewhere_is_refused_with_words(plain: Site, base: str, address: str) -> None:
    await plain.user("ada")
    link = (await plain.link("ext:ada")).partition("/login")[2]
    here = await plain.browser("http://127.0.0.1:8080", "127.0.0.1")
    assert (await here.open_link(f"{HOST}/login{link}")).status_code == 303
    browser = await plain.browser(base, address)
    for path in ("/login", "/login/oidc", "/login/oidc/callback?code=x&state=y", f"/login{link}"):
        answer = await browser.get(path)
        assert answer.status_code == 403
        assert "https" in answer.text
        assert "set-cookie" not in answer.headers
        assert "<form" not in answer.text
    # A session does not work there either, so its cookie is never of use to whoever overhears it.
    cookie = {"Cookie": f"mailroom={here.cookies['mailroom']}"}
    assert (await browser.get("/account", headers=cookie)).status_code == 401
    assert (await here.get("/me")).status_code == 200


@pytest.mark.parametrize(
    ("frames", "base", "framed"),
    [
        ("https://app.example.com", HOST, True),
        ("", HOST, False),
        # Without https a browser would take such a cookie from nobody, and others could overhear it.
        ("https://app.example.com", "http://127.0.0.1:8080", False),
    ],
)
async def test_security_33_cookies_are_for_frames_exactly_where_these_are_allowed(
    tmp_path: Path, database: Database, frames: str, base: str, framed: bool
) -> None:
    public = HOST if base == HOST else ""
    async with serving(settings_of(tmp_path, frame_ancestors=frames, public_address=public), database) as site:
        await site.user("ada")
        token = (await site.link("ext:ada")).partition("token=")[2]
        browser = await site.browser(base, "127.0.0.1")
        answer = await browser.submit(
            "/login/link", {"token": token, "frame": "1"}, form_at=f"/login/link?token={token}"
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{HOME}?frame=1")
        cookies = [one.lower() for one in answer.headers.get_list("set-cookie")]
        assert len(cookies) == 2, "the session's is set, and that of the form removed"
        for cookie in cookies:
            assert ("samesite=none" in cookie, "; partitioned" in cookie) == (framed, framed)
            assert ("samesite=lax" in cookie) is not framed
            assert ("; secure" in cookie) is (base == HOST)
            assert "; httponly" in cookie
        # In a frame as elsewhere, what another site makes the browser send is refused.
        session = await browser.token("/me")
        refused = await browser.post("/logout", data={"csrf_token": session}, headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.status_code == 403
        assert (await browser.get("/me")).status_code == 200


async def test_a_log_in_page_in_a_frame_has_a_way_out_of_it(site: Site) -> None:
    browser = await site.browser()
    page = await browser.get("/login?next=/schedules?frame=1%26x=y")
    assert 'href="/schedules?x=y" target="_blank"' in page.text
    assert 'target="_blank"' not in (await browser.get("/login?next=/schedules")).text
    headers = {**OWN_PAGE, "Accept": "text/html", "Sec-Fetch-Dest": "iframe"}
    refused = await browser.post("/login", data={"csrf_token": "none was kept"}, headers=headers)
    assert refused.status_code == 403
    assert 'target="_blank"' in refused.text
