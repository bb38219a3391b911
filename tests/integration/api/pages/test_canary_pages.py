"""SECURITY-TESTS 36: a secret is on no page, however it was stored, checked, used in vain or told back."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from mailroom.roles import Role
from tests.integration.api.access.people import People
from tests.integration.api.login.conftest import HOST, OWN_PAGE, Browser
from tests.integration.api.pages.conftest import READS_PAGES
from tests.support.canary import CANARY, found_in, telling_far_side
from tests.support.page_faults import page_routes

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def test_security_36_a_secret_is_on_no_page(online: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_OUTBOUND_ALLOW", "127.0.0.1")
    people = People(online)
    boss = await people.person("boss", Role.ADMIN)
    with telling_far_side() as far:
        # Both answer with all that they were sent, and one of them refuses everything.
        for name, path in (("tells", "/200"), ("refuses", "/403")):
            settings = {"base_url": f"{far}{path}", "auth": "bearer", "auth_secret": CANARY}
            await online.json("POST", "/connections", 201, json={"name": name, "kind": "http", "settings": settings})
            await online.http.post(f"/api/v1/connections/{name}/check")
        link = await online.json("POST", f"/users/{boss.id}/links", 201, json={"purpose": "login"})
        secret = link["link"].partition("token=")[2]
        transport = httpx.ASGITransport(online.app, raise_app_exceptions=False)
        async with Browser(transport=transport, base_url=HOST) as browser:
            page = f"/login/link?token={secret}"
            assert (await browser.submit("/login/link", {"token": secret}, form_at=page)).status_code == 303
            token, seen, shown = await browser.token("/me"), 0, []
            for route in page_routes(online.app):
                for name in ("tells", "refuses") if "{name}" in route.path else ("",):
                    path = re.sub(r"{\w+}", "nothing", route.path.replace("{name}", name))
                    if route.method == "GET":
                        answer = await browser.get(path, headers=READS_PAGES)
                    elif "check" in path:
                        fields = {"csrf_token": token, "auth_secret": CANARY}
                        answer = await browser.post(path, data=fields, headers={**READS_PAGES, **OWN_PAGE})
                    else:
                        continue
                    seen += "tells" in answer.text
                    if found_in(answer.content) or found_in(html.unescape(answer.text).encode()):
                        shown.append(f"{route.method} {path}")
    assert not shown
    assert seen > 1, "no page shows the connection, so nothing is proved"
    for client in people.clients:
        await client.aclose()
