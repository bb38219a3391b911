"""Serve the OpenAPI document, and a page that lists its operations: one file of HTML without scripts."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from api.http.browser.redirects import HOME
from api.http.openapi import refusals
from api.http.problems import Problem
from prefect_mailroom.channels.registry import CHANNELS

router = APIRouter(include_in_schema=False)
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_TEMPLATES.filters["pretty"] = partial(json.dumps, indent=2, ensure_ascii=False)
_STYLE = (Path(__file__).parent / "templates" / "docs.css").read_text()


def complete_openapi(app: FastAPI) -> None:
    """Add to FastAPI's document the parts that it cannot know: problems, channels, and how to log in."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            parts = document["components"]
            parts["schemas"].update(_schemas(Problem))
            for entry in CHANNELS.values():
                parts["schemas"].update(_schemas(entry.destination_type))
            paths = document["paths"]
            _name_destinations(paths["/api/v1/schedules/"]["post"])
            _name_destinations(paths["/api/v1/schedules/{schedule_id}"]["put"])
            # FastAPI documents its own error body, which nobody ever gets.
            parts["schemas"].pop("HTTPValidationError", None)
            parts["schemas"].pop("ValidationError", None)
            parts["securitySchemes"] = {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-mailroom"},
            }
            for path, item in paths.items():
                for method, operation in item.items():
                    _mend(operation, secured=path.startswith("/api/"))
                    if path.startswith("/api/"):
                        refusals.complete(method, operation)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs", {})
    return {model.__name__: schema, **parts}


def _name_destinations(operation: dict[str, Any]) -> None:
    """Describe the settings of each channel, since a spec keeps destinations as they came."""
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    names = {kind: f"#/components/schemas/{entry.destination_type.__name__}" for kind, entry in CHANNELS.items()}
    body["properties"]["destinations"]["items"] = {
        "oneOf": [{"$ref": name} for name in names.values()],
        "discriminator": {"propertyName": "channel", "mapping": names},
    }


def _mend(operation: dict[str, Any], *, secured: bool) -> None:
    if secured:
        operation["security"] = [{"bearer": []}, {"key": []}, {"session": []}]
    refused = operation["responses"].get("422", {}).get("content", {})
    if "application/json" in refused:
        schema = {"$ref": "#/components/schemas/Problem"}
        operation["responses"]["422"] = {
            "description": "Unprocessable Content",
            "content": {"application/problem+json": {"schema": schema}},
        }


@router.get("/")
async def root() -> RedirectResponse:
    """Lead to the first page; who has not logged in comes by the log-in page."""
    return RedirectResponse(HOME, 303)


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    """List the operations on a page that needs no tool."""
    document = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            entry = {"method": method.upper(), "path": path, **operation}
            groups.setdefault(operation["tags"][0], []).append(entry)
    html = _TEMPLATES.get_template("docs.html").render(info=document["info"], groups=groups)
    return HTMLResponse(html)


@router.get("/docs.css")
async def style() -> Response:
    """Serve the style of that page."""
    return Response(_STYLE, media_type="text/css")
