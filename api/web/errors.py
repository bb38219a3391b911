"""Answer a person with a page where REST answers with a problem document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.http import problems
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


def unexpected(scope: Scope, error_id: str) -> Response:
    """Return the answer to an error that nobody expected: a page for a person, a problem document for a program."""
    request = Request(scope)
    if not is_page(request):
        return problems.unexpected(scope["path"], error_id)
    words = refusals.Words("", "Something went wrong in Mailroom.", "Try again. What you did before is kept.")
    return _page(request, "This did not work", words, 500, error_id=error_id)


def error_page(request: Request, error: Exception, status: int, headers: dict[str, str]) -> HTMLResponse:
    """Return the page of a refusal, in the frame of the visitor where one is known."""
    title = _HEADINGS.get(status, "This did not work")
    page = _page(request, title, _words(error), status)
    page.headers.update({name: value for name, value in headers.items() if name in {"retry-after", "allow"}})
    return page


def _page(request: Request, title: str, words: refusals.Words, status: int, *, error_id: str = "") -> HTMLResponse:
    visitor = getattr(request.state, "visitor", None)
    html = TEMPLATES.get_template("base/error.html").render(
        visitor=visitor, title=title, notices=(), words=words, error_id=error_id
    )
    target = {"HX-Retarget": "#notices"} if "hx-request" in request.headers else {}
    shown = embedding.keep(html) if visitor is not None and visitor.framed else html
    return HTMLResponse(shown, status, {**HEADERS, **target})


def _words(error: Exception) -> refusals.Words:
    match error:
        case MailroomError():
            return refusals.words(error)
        case Refusal():
            return refusals.Words("", refusals.for_pages(str(error)), refusals.for_pages(error.remedy))
        case _:
            return refusals.Words("", "There is nothing at this address.", "Check it, or go back to the list.")
