"""Document the refusals and headers that a route has from what it takes, in one place for all routes.

A route names by `documented(…)` only what is its own, such as a 410. Everything else follows from its method and its
headers, so that no route can forget it.
"""

from __future__ import annotations

from typing import Any

from api.http.problems import documented

_ALWAYS = (401, 403, 404, 422, 429, 500, 503)
"""No key, not allowed, nobody to act for, a wrong query or header, too many requests, an error, no database."""
_WITH_A_BODY = (400, 413, 415)
_BY_HEADER = {"idempotency-key": (409,), "if-match": (409, 412)}
_REQUEST_ID = {"X-Request-ID": ("The id of the request, under which the log knows it.", True)}
_HEADERS = {
    "401": {"WWW-Authenticate": ("How to log in.", True)},
    "503": {"Retry-After": ("The number of seconds after which trying again makes sense.", True)},
    "201": {"Location": ("The path of what was made.", False), "ETag": ("The version, for If-Match.", False)},
    "202": {"Location": ("The path where the progress can be seen.", False)},
}


def complete(method: str, operation: dict[str, Any]) -> None:
    """Add the refusals that a route with this method and these headers can answer, and the headers of all answers."""
    responses = operation["responses"]
    for status, answer in documented(*_statuses(method, operation)).items():
        responses.setdefault(str(status), answer)
    tagged = any(one["name"].lower() == "if-match" for one in operation.get("parameters", []))
    for status, answer in responses.items():
        headers = _REQUEST_ID | _HEADERS.get(status, {})
        if status == "200" and tagged:
            headers = headers | {"ETag": ("The version, for If-Match.", False)}
        for name, (description, required) in headers.items():
            header = {"description": description, "required": required, "schema": {"type": "string"}}
            answer.setdefault("headers", {}).setdefault(name, header)
    operation["responses"] = dict(sorted(responses.items()))


def _statuses(method: str, operation: dict[str, Any]) -> set[int]:
    found = set(_ALWAYS)
    if method in ("post", "put", "patch"):
        found |= set(_WITH_A_BODY)
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "header":
            found |= set(_BY_HEADER.get(parameter["name"].lower(), ()))
    return found
