"""Write a page for each resource of REST: its operations, their parameters, bodies, answers and refusals. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api.http.problems import KINDS
from scripts.reference.markdown import prose, table
from scripts.reference.rest.document import FIELD_COLUMNS, SCHEMAS, Schema, fields, type_of

_HEAD = """# REST
These pages are made from the code by `make docs`, from the same OpenAPI document that each installation serves at
`/api/v1/openapi.json` and shows at `/docs`.

Log in with a key as `Authorization: Bearer …`: [Access](../../access.md). Lists are paged: give `next_cursor` of an
answer as `cursor`. `POST` takes an `Idempotency-Key`, so that a request which is repeated does its work once. `PUT`,
`PATCH` and `DELETE` take the version that you have read as `If-Match`. Every answer has an `X-Request-ID`, under which
the log knows the request.
"""
_PROBLEMS = """## Refusals
Every refusal is a problem document (RFC 9457, `application/problem+json`) whose `type` is `/problems/` and one of these
codes. It says what is wrong (`detail`, `errors` with a field each) and what to do (`remedy`):
[Problem](schemas.md#problem).
"""
_OF_HTTP = (
    ("malformed", 400, "The body is no JSON."),
    ("unauthorized", 401, "There is no valid key, session or token."),
    ("stale", 412, "What is changed has changed since it was read. Read it again."),
    ("too-large", 413, "The body is larger than what is taken."),
    ("content-coding", 415, "The body is compressed."),
    ("media-type", 415, "The body is not `application/json`."),
    ("ranges", 416, "The part of a file that was asked for is not there."),
    ("idempotency-key-reused", 422, "The `Idempotency-Key` was used with another request."),
    ("internal", 500, "An error of Mailroom's own. `error_id` names its entry in the log."),
)
_SHARED = frozenset({"X-Act-For", "Idempotency-Key", "If-Match", "cursor", "limit"})


def pages(api: Schema) -> dict[str, str]:
    """Return the page of each resource and their index, by their names."""
    resources: dict[str, list[str]] = {}
    for tag, words in _operations(api):
        resources.setdefault(tag, []).append(words)
    made = {
        file_name(tag): f"# {tag[0].upper()}{tag[1:]}\nThis page is made from the code by `make docs`.\n\n"
        + "\n".join(parts)
        for tag, parts in sorted(resources.items())
    }
    lines = [f"- [{tag[0].upper()}{tag[1:]}]({file_name(tag)}.md)" for tag in sorted(resources)]
    listed = "\n".join([*lines, f"- [Schemas]({SCHEMAS})"])
    return {"index": f"{_HEAD}\n## Resources\n{listed}\n\n{_PROBLEMS}\n{_problems()}\n", **made}


def file_name(tag: str) -> str:
    """Return the name of the page of a resource."""
    return tag.replace(" ", "-")


def _problems() -> str:
    rows: dict[str, list[str]] = {}
    for error, status, kind in KINDS:
        first = (error.__doc__ or "").strip().split("\n\n")[0]
        rows.setdefault(kind, [f"`{kind}`", str(status), prose(" ".join(first.split()))])
    for kind, status, words in _OF_HTTP:
        rows.setdefault(kind, [f"`{kind}`", str(status), words])
    return table(("Code", "Status", "When"), sorted(rows.values(), key=lambda row: (row[1], row[0])))


def _operations(api: Schema) -> Iterator[tuple[str, str]]:
    for path, item in api["paths"].items():
        for method, operation in item.items():
            yield operation["tags"][0], _operation(api, f"{method.upper()} {path}", operation)


def _operation(api: Schema, title: str, operation: Schema) -> str:
    parts = [f"## {title}", prose(operation.get("description") or f"{operation['summary']}.")]
    if permission := operation.get("x-permission"):
        parts.append(f"Permission: {_permission(permission)}.")
    parameters = [one for one in operation.get("parameters", []) if one["name"] not in _SHARED]
    if parameters:
        rows = [
            [f"`{one['name']}`", one["in"], type_of(one["schema"]), _default(one["schema"]), _meaning(one)]
            for one in parameters
        ]
        parts.append(table(("Parameter", "In", "Type", "Default", "Meaning"), rows))
    if body := operation.get("requestBody"):
        parts.append(_body(api, body))
    parts.append(_answers(operation["responses"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _permission(permission: Any) -> str:
    return ", ".join(f"`{one}`" for one in permission) if isinstance(permission, list) else f"`{permission}`"


def _default(schema: Schema) -> str:
    return "" if schema.get("default") in (None, "") else f"`{schema['default']}`"


def _meaning(parameter: Schema) -> str:
    needed = "Needed. " if parameter.get("required") and parameter["in"] != "path" else ""
    return needed + prose(parameter.get("description", ""))


def _body(api: Schema, body: Schema) -> str:
    media, content = next(iter(body["content"].items()))
    schema = content["schema"]
    if "$ref" in schema:
        return f"Body ({media}): {type_of(schema)}."
    named = [one for one in schema.get("anyOf", schema.get("oneOf", [])) if "$ref" in one]
    if named:
        return f"Body ({media}): {type_of(schema)}."
    rows = fields(schema)
    return f"Body ({media}):\n\n{table(FIELD_COLUMNS, rows)}" if rows else f"Body ({media}): {type_of(schema)}."


def _answers(responses: Schema) -> str:
    good, refused = [], []
    for status, answer in responses.items():
        if int(status) < 400:
            kinds = [type_of(one["schema"]) for one in answer.get("content", {}).values() if one.get("schema")]
            good.append(f"{status}{': ' + ' or '.join(dict.fromkeys(kinds)) if kinds else ''}")
        else:
            refused.append(status)
    return f"Answers {'; '.join(good)}. Refusals: {', '.join(refused)}."
