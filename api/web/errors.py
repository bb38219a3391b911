"""Answer a person with a page where REST answers with a problem document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from api.http.problems import Refusal
from api.web import embedding, refusals
from api.web.page import HEADERS, TEMPLATES
from prefect_mailroom.errors import MailroomError

_HEADINGS = {
    403: "You may not do this",
    404: "There is nothing here",
    405: "There is nothing here",
    409: "This has changed meanwhile",
    410: "This is gone",
    412: "This has changed meanwhile",
    422: "This cannot be done as it was sent",
    429: "Too much at once",
    503: "Something does not answer",
}


def install(app: FastAPI) -> None:
    """Answer with pages what a page was asked for; all else stays as `api.http.problems` answers it."""
    for kind in (MailroomError, Refusal, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _as_page(app.exception_handlers[kind]))


def is_page(request: Request) -> bool:
    """Tell whether a person asks for a page, and no program for data."""
    if request.url.path.startswith(("/api/", "/static/")):
        return False
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers


def _as_page(answer: Callable[..., Any]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        response = await answer(request, error)
        assert isinstance(response, Response)
        if not is_page(request):
            return response
        return error_page(request, error, response.status_code, dict(response.headers))

    return handle


def error_page(request: Request, error: Exception, status: int, headers: dict[str, str]) -> HTMLResponse:
    """Return the page of a refusal, in the frame of the visitor where one is known."""
    message, remedy = _words(error)
    visitor = getattr(request.state, "visitor", None)
    html = TEMPLATES.get_template("base/error.html").render(
        visitor=visitor,
        title=_HEADINGS.get(status, "This did not work"),
        notices=(),
        message=message,
        remedy=remedy,
        error_id="",
    )
    kept = {name: value for name, value in headers.items() if name in {"retry-after", "allow"}}
    if "hx-request" in request.headers:
        kept["HX-Retarget"] = "#notices"
    shown = embedding.keep(html) if visitor is not None and visitor.framed else html
    return HTMLResponse(shown, status, {**HEADERS, **kept})


def _words(error: Exception) -> tuple[str, str]:
    match error:
        case MailroomError():
            found = refusals.words(error)
            return found.message, found.remedy
        case Refusal():
            return refusals.for_pages(str(error)), refusals.for_pages(error.remedy)
        case _:
            return "There is nothing at this address.", "Check it, or go back to the list."
