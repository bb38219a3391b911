"""SECURITY-TESTS for every page, by a walk over the routes of the application, so that a new page is tested unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from mailroom.access.permissions import TABLE, Action, Relation
from mailroom.roles import Role
from mailroom.storage.database import new_id
from tests.integration.api.access.test_every_route import expected_of, kind_of, sees
from tests.integration.api.pages.conftest import HOSTILE, Pages
from tests.support.page_faults import forms_of, inline_faults, page_routes, words_of
from tests.support.routes import Served

EVIL = "//evil.example/x"
"""Of all the ways to write the address of another site, see `test_security_browser`, the one that begins like ours."""
FOR_PROGRAMS = ("/api/v1", "MAILROOM_")
LEAVES = ("/logout", "/logout/everywhere")
# Whoever has the link has the right.
STOP_LINKS = ("/u/", "/stop-digest/", "/stop-summary/")
BY_LINK = ("/d/", "/login", *STOP_LINKS)


def _expected(action: Action, kind: str, role: Role, relation: Relation) -> int | None:
    """Return with what a page is refused; one that is for everybody is still about a thing that not everybody sees."""
    if Relation.NONE not in TABLE[action].admin:
        return expected_of(action, kind, role, relation)
    if not TABLE[action].relations(role):
        return 403
    return None if sees(kind, role, relation) else 404


def _of_things(pages: Pages) -> list[Served]:
    return [one for one in page_routes(pages.api.app) if "{" in one.path and not one.path.startswith(BY_LINK)]


@pytest.mark.parametrize("pages", [Role.VIEWER, Role.CREATOR], indirect=True)
async def test_security_23_to_30_nobody_reaches_anothers_thing_by_a_page(
    pages: Pages, request: pytest.FixtureRequest
) -> None:
    role = request.node.callspec.params["pages"]
    me = await pages.reader(pages.made.me.id)
    wrong, asked = [], 0
    for route in _of_things(pages):
        action, kind = Action(str(route.mark)), kind_of(route.path)
        for relation in (Relation.SHARED, Relation.SAME_TEAM, Relation.OTHER_TEAM):
            if kind is None or (kind, relation) not in pages.made.ids:
                # Nobody's thing: there is nothing to see, and no error of ours either.
                answer = await me.ask(route, pages.path(route, relation))
                if answer.status_code >= 500:
                    wrong.append(f"{route.method} {route.path}: {answer.status_code}")
                continue
            if (expected := _expected(action, kind, role, relation)) is None:
                continue
            asked += 1
            thing, nobody = pages.made.ids[kind, relation], "nobody" if kind == "connection" else new_id()
            answer = await me.ask(route, pages.path(route, relation))
            told = f"{role} {route.method} {route.path} {relation}: {answer.status_code}, not {expected}"
            missing = await me.ask(route, pages.path(route, relation).replace(thing, nobody))
            as_missing = _comparable(missing.text, nobody) == _comparable(answer.text, thing)
            # What the page cannot read is refused before anything is looked up, the same for what is not there.
            if answer.status_code != expected and not (answer.status_code == 422 and as_missing):
                wrong.append(told)
            elif expected == 404 and not as_missing:
                wrong.append(f"{told}: the page tells that it exists")
    assert not wrong, "\n".join(wrong)
    assert asked > 10


def _comparable(text: str, thing: str) -> str:
    """Return what a page says, without the id that was asked for and the token, which is another text each time."""
    return re.sub(r'(name="csrf_token" value=)"\w+"', r"\1", text.replace(thing, "?"))


def _faults_of(answer: httpx.Response) -> Iterator[str]:
    """Yield what is wrong with an answer, whatever it is."""
    policy = answer.headers["Content-Security-Policy"]
    if answer.status_code >= 500 and answer.status_code != 503:
        yield f"it answers {answer.status_code}"
    if "frame-ancestors" not in policy or "default-src 'none'" not in policy:
        yield f"its policy is {policy}"
    if answer.headers["X-Content-Type-Options"] != "nosniff":
        yield "its type can be guessed"
    # A preview is shown without any right; its own tests look into it.
    if answer.headers.get("content-type", "").startswith("text/html") and "sandbox" not in policy:
        yield from _faults_of_page(answer.text, policy)


def _faults_of_page(html: str, policy: str) -> Iterator[str]:
    if "unsafe" in policy or "frame-ancestors 'none'" not in policy:
        yield f"its policy is {policy}"
    yield from inline_faults(html)
    yield from (f"it shows {word}" for word in FOR_PROGRAMS if word in words_of(html))
    if HOSTILE in html or "'49<" in html:
        yield "a name is not escaped, or worked out"
    for form in forms_of(html):
        action = form.attributes.get("action", "")
        # A link in a mail is used by programs of mail providers, too: its own token is all that it needs.
        posts = form.attributes.get("method", "get").lower() == "post" and not action.startswith(STOP_LINKS)
        if posts and "csrf_token" not in form.names:
            yield f"the form to {action} has no token"


async def test_security_21_and_33_no_page_runs_anything_nor_is_framed(pages: Pages) -> None:
    boss, me = await pages.admin(), await pages.reader(pages.made.me.id)
    wrong, seen = [], 0
    readers = ((boss, Relation.OTHER_TEAM), (me, Relation.OWN), (me, Relation.SHARED))
    for route in [one for one in page_routes(pages.api.app) if one.method == "GET"]:
        # A page of no single thing is the same whatever the relation; an admin sees the most on it.
        slow = route.path.endswith("/preview")  # It waits for a data source.
        for reader, relation in readers[1:2] if slow else readers if "{" in route.path else readers[:1]:
            path = pages.path(route, relation)
            answer = await reader.get(path)
            seen += answer.is_success
            wrong += [f"GET {path}: {fault}" for fault in _faults_of(answer)]
    assert not wrong, "\n".join(wrong)
    assert seen > 20


async def test_security_32_no_form_of_another_site_is_taken(pages: Pages) -> None:
    boss = await pages.admin()
    before = len((await pages.api.json("GET", "/audit?limit=200", 200))["items"])
    posts = [one for one in page_routes(pages.api.app) if one.method == "POST" and not one.path.startswith(STOP_LINKS)]
    assert len(posts) > 10
    wrong = []
    for route in posts:
        path = pages.path(route, Relation.OTHER_TEAM)
        for fields, headers in (
            ({}, {"Sec-Fetch-Site": "cross-site"}),
            ({}, {"Sec-Fetch-Site": "same-site", "Origin": "https://mailroom.test"}),
            ({"csrf_token": "guessed"}, {}),
            ({"csrf_token": ""}, {}),
        ):
            answer = await boss.send(path, fields, **headers)
            if answer.status_code != 403 or "text/html" not in answer.headers["content-type"]:
                wrong.append(f"{path} {headers}: {answer.status_code}")
            if any(word in words_of(answer.text) for word in FOR_PROGRAMS):
                wrong.append(f"{path}: the refusal is for programs")
    assert not wrong, "\n".join(wrong)
    assert len((await pages.api.json("GET", "/audit?limit=200", 200))["items"]) == before, "nothing was done"


async def test_security_33_no_page_leads_to_another_site(pages: Pages) -> None:
    boss = await pages.admin()
    wrong = []
    for route in page_routes(pages.api.app):
        if route.path in LEAVES or route.method not in ("GET", "POST"):
            continue
        path, names = pages.path(route, Relation.OWN), dict.fromkeys(("next", "back", "to", "return", "from"), EVIL)
        if route.method == "POST":
            answer = await boss.send(path, names)
        elif route.path.endswith("/preview"):
            continue  # It leads nowhere, and waits for a data source.
        else:
            answer = await boss.browser.get(path, params=names, headers={"Accept": "text/html"})
        target = answer.headers.get("Location", "/")
        if not target.startswith("/") or target.startswith("//"):
            wrong.append(f"{route.method} {path}: {target}")
    assert not wrong, "\n".join(wrong)
