"""SECURITY-TESTS 23, 25 and 28 for every route there is, also one that comes later.

What is not yours answers like what is not there, headers included; no body takes a field that it does not name; and no
spelling of a path leads to a route past its permission.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mailroom.access.permissions import TABLE, Action
from mailroom.roles import Role
from mailroom.storage.database import new_id
from tests.integration.api.access.belongings import OTHER, world
from tests.integration.api.access.people import People
from tests.integration.api.access.test_every_route import KINDS
from tests.support.routes import served_by

# The answer to each request is about this one request.
OF_THE_REQUEST = {"x-request-id", "content-length", "date"}
FREE = {"type": "object", "additionalProperties": True}
KEPT_AS_TYPED = {"put /api/v1/drafts/{draft_id}/{part}"}
"""A draft keeps its parts with their faults; what a schedule is made of is checked as any schedule is."""


@pytest.fixture(autouse=True)
def _without_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all requests through: a 429 would hide that one of them gets past its permission."""
    monkeypatch.setenv("MAILROOM_RATE_LIMIT_ADDRESS", "unlimited")


def _as_told(answer: httpx.Response, thing: str) -> tuple[int, list[tuple[str, str]], str]:
    """Return everything of an answer that could tell one thing from another, without the id that was asked for."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in OF_THE_REQUEST)
    # How much is left of a limit goes down with each request, whatever it asked for.
    headers = [(name, value) for name, value in headers if "ratelimit" not in name]
    return answer.status_code, headers, answer.text.replace(thing, "?")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CREATOR])
async def test_security_23_anothers_and_nobodys_answer_the_same_to_the_last_header(people: People, role: Role) -> None:
    made, wrong, asked = await world(people, role), [], 0
    for route in served_by(people.api.app):
        found = re.search(r"{(\w+)}", route.path)
        kind = KINDS.get(found.group(1)) if found else None
        if kind is None or (kind, OTHER) not in made.ids:
            continue
        for theirs in {made.ids[kind, OTHER]}:
            nobodys = "nobody" if kind == "connection" else new_id()
            paths = [re.sub(r"{\w+}", thing, route.path) for thing in (theirs, nobodys)]
            # With no body at all: what is asked first is whether there is anything there for the caller.
            one, other = [await made.me.http.request(route.method, path) for path in paths]
            asked += 1
            if _as_told(one, theirs) != _as_told(other, nobodys):
                wrong.append(f"{route.method} {route.path}: {_as_told(one, theirs)} {_as_told(other, nobodys)}")
    assert not wrong, "\n".join(wrong)
    assert asked > 30


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that a schema of a body allows."""
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    parts = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, [])]
    if parts:
        return [found for part in parts for found in _resolved(document, part)]
    return [schema] if schema.get("type") == "object" else []


async def test_security_25_no_body_takes_a_field_that_it_does_not_name(people: People) -> None:
    """The document says so for each body, and the API does as it says for one field that none of them has."""
    document, asked = people.api.app.openapi(), 0
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                told = f"{method} {path}"
                objects = _resolved(document, content["schema"])
                patch = {**FREE, "title": "Body", "description": "RFC 7396"}
                if media == "application/merge-patch+json" and objects == [patch]:
                    continue  # What it is merged into is checked as a whole.
                if told in KEPT_AS_TYPED:
                    continue
                assert objects, told
                assert all(one.get("additionalProperties") is False for one in objects), told
                target = re.sub(r"{\w+}", "x", path)
                body = {**next(iter(content["examples"].values()))["value"], "run_as_nobody": "x"}
                headers = {"Content-Type": media}
                answer = await people.api.http.request(method.upper(), target, json=body, headers=headers)
                asked += 1
                # Either the field is refused, or the thing of this id is looked for first and is not there.
                if answer.status_code != 404:
                    assert answer.status_code == 422, f"{told}: {answer.status_code} {answer.text}"
                    assert "run_as_nobody" in answer.text, f"{told}: {answer.text}"
    assert asked >= 15


TRICKS: tuple[Callable[[str], str], ...] = (
    lambda path: path.upper(),
    lambda path: path.replace("/api/v1/", "/api/v1//"),
    lambda path: path.replace("/api/v1/", "/api/v1/./"),
    lambda path: path.replace("/api/v1/", "/api/v1/x/../"),
    lambda path: path.replace("/api/v1/", "/api/v1/healthz/%2e%2e/"),
    lambda path: f"{path}/healthz",
    lambda path: f"{path}/ready",
    lambda path: f"{path}.json",
    lambda path: f"{path};.css",
    lambda path: f"{path}%2fhealthz",
    lambda path: f"{path}%00",
    lambda path: f"/docs/..{path}",
    lambda path: f"/healthz{path}",
)


async def test_security_28_no_spelling_of_a_path_leads_past_its_permission(people: People) -> None:
    """Neither without a key nor with one of a viewer: what the viewer may not do there is never done here."""
    viewer = await people.person("viewer", Role.VIEWER)
    nobody = people.client("wrong")
    del nobody.headers["Authorization"]
    wrong = []
    for route in served_by(people.api.app):
        path = re.sub(r"{\w+}", "x", route.path)
        for number, trick in enumerate(TRICKS):
            spelt = trick(path)
            without = await nobody.request(route.method, spelt)
            if without.status_code != 401:
                wrong.append(f"{number} {route.method} {spelt} without a key: {without.status_code}")
            if not TABLE[Action(str(route.mark))].relations(Role.VIEWER):
                answer = await viewer.http.request(route.method, spelt)
                if answer.status_code not in (401, 403, 404, 405, 422):
                    wrong.append(f"{number} {route.method} {spelt} as a viewer: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "headers", [{"X-Original-URL": "/healthz"}, {"X-Rewrite-URL": "/docs"}, {"X-Forwarded-Prefix": "/docs"}]
)
async def test_security_28_no_header_names_another_path(people: People, headers: dict[str, str]) -> None:
    nobody = people.client("wrong")
    del nobody.headers["Authorization"]
    assert (await nobody.get("/api/v1/users", headers=headers)).status_code == 401


async def test_security_30_no_route_of_ours_passes_a_request_on(people: People) -> None:
    """Prefect's paths do not exist here, below our own and by a whole address in the request line either."""
    paths = {route.path for route in served_by(people.api.app, below="/")}
    assert not [path for path in paths if "{path:path}" in path or re.search(r"prefect|block|flow.run", path)]
    admin = people.api.http
    for path in ("/api/v1/api/block_documents/filter", "/api/v1/prefect/api/flow_runs/filter", "/api/ui/flow_runs"):
        for method in ("GET", "POST"):
            assert (await admin.request(method, path, json={})).status_code == 404
    for hidden in ("block_document_id", "deployment_id"):
        listed = await admin.get("/api/v1/schedules/")
        assert hidden not in listed.text
