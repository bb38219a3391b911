"""Answer every refusal as an RFC 9457 problem document; this is the only place where errors become HTTP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from api.actions.connections.views import StepView
from api.http.openapi.allowed import methods_of
from mailroom.errors import (
    BreaksSchedules,
    CheckFailed,
    Conflict,
    Fault,
    Forbidden,
    Gone,
    Invalid,
    Limited,
    LimitReached,
    NoSuchChannel,
    NotFound,
    ReadOnly,
    TooOften,
    Unavailable,
    fault_from,
)
from mailroom.members.throttle import Throttled
from mailroom.reports.errors import LimitExceeded, RenderFailed
from mailroom.reports.parameters import ParametersInvalid
from prefect_mailroom.errors import (
    ConfigurationError,
    MailroomError,
    OutcomeUnknown,
    Refused,
    RetryLater,
    SourceRefused,
    SourceUnavailable,
)

MEDIA_TYPE = "application/problem+json"


class _OfLimit(BaseModel):
    limit_name: str = Field(default="", description="If a limit is in the way: which one, such as `schedules`.")
    limit: int | float | str = Field(default="", description="What it allows.")
    used: int | float | str = Field(default="", description="What there is already, or would be.")
    ask: str = Field(default="", description="Who can raise it.")


class ProblemFault(_OfLimit):
    """One fault in what was sent, and what to do about it."""

    field: str = Field(description="The path of the field in the request, such as destinations.0.to.")
    message: str
    remedy: str = ""


class Problem(_OfLimit):
    """An RFC 9457 problem document."""

    type: str = Field(description="A stable name for the kind of problem.", examples=["/problems/invalid"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path of the request.")
    remedy: str = ""
    errors: list[ProblemFault] = Field(default_factory=list)
    steps: list[StepView] = Field(
        default_factory=list,
        description="If a connection was checked or tested: what was tried, in order, the step that failed included.",
    )
    error_id: str = Field(default="", description="For unexpected errors: the id under which the error is in the log.")


class Refusal(Exception):
    """A refusal that only HTTP knows: a wrong media type, a body that is too large, a missing key."""

    def __init__(
        self, status: int, kind: str, detail: str, *, remedy: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.remedy = status, kind, detail, remedy
        self.headers = headers or {}


KINDS: tuple[tuple[type[MailroomError], int, str], ...] = (
    # The first match counts: derived classes stand before their bases.
    (NotFound, 404, "not-found"),
    (Forbidden, 403, "forbidden"),
    (Gone, 410, "gone"),
    (NoSuchChannel, 501, "no-such-channel"),
    (BreaksSchedules, 409, "breaks-schedules"),
    (LimitReached, 409, "limit-reached"),
    (TooOften, 429, "too-often"),
    (Conflict, 409, "conflict"),
    (ReadOnly, 503, "read-only"),
    (Unavailable, 503, "unavailable"),
    (Invalid, 422, "invalid"),
    (ConfigurationError, 422, "configuration"),
    (SourceUnavailable, 503, "source-unavailable"),
    (SourceRefused, 422, "source-refused"),
    (RetryLater, 503, "try-later"),
    (Throttled, 429, "throttled"),
    (Refused, 422, "refused"),
    (OutcomeUnknown, 502, "outcome-unknown"),
    (LimitExceeded, 422, "limit-exceeded"),
    (RenderFailed, 422, "render-failed"),
    (MailroomError, 422, "refused"),
)


def problem(
    path: str,
    status: int,
    kind: str,
    detail: str,
    *,
    remedy: str = "",
    errors: Sequence[Fault] = (),
    error_id: str = "",
    limited: Limited | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return the answer of one refusal; empty members are left out."""
    found = _problem(path, status, kind, detail, remedy=remedy, errors=errors, error_id=error_id, limited=limited)
    return _response(found, headers)


def _problem(
    path: str,
    status: int,
    kind: str,
    detail: str,
    *,
    remedy: str = "",
    errors: Sequence[Fault] = (),
    error_id: str = "",
    limited: Limited | None = None,
) -> Problem:
    return Problem(
        type=f"/problems/{kind}",
        title=kind.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        instance=path,
        remedy=remedy,
        errors=[_fault(one) for one in errors],
        error_id=error_id,
        **_limit(limited or next((one.limited for one in errors if one.limited), None)),
    )


def _fault(fault: Fault) -> ProblemFault:
    return ProblemFault(field=fault.field, message=fault.message, remedy=fault.remedy, **_limit(fault.limited))


def _limit(limited: Limited | None) -> dict[str, Any]:
    if limited is None:
        return {}
    return {"limit_name": limited.name, "limit": limited.limit, "used": limited.used, "ask": limited.ask}


def _response(found: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    left_out = {name for name in ("remedy", "errors", "steps", "error_id") if not getattr(found, name)}
    body = found.model_dump(mode="json", exclude=left_out | _no_limit(found))
    if found.errors:
        body["errors"] = [one.model_dump(exclude=_no_limit(one)) for one in found.errors]
    return JSONResponse(body, found.status, headers, MEDIA_TYPE)


def _no_limit(found: _OfLimit) -> set[str]:
    return set() if found.limit_name else set(_OfLimit.model_fields)


def unexpected_problem(path: str, error_id: str) -> Problem:
    """Return the problem of an error that nobody expected: nothing of it but the id under which the log knows it."""
    remedy = "Try again. If it happens again, give this error_id to the operator."
    return _problem(path, 500, "internal", "Something went wrong in Mailroom.", remedy=remedy, error_id=error_id)


def unexpected(path: str, error_id: str) -> JSONResponse:
    """Return the answer to an error that nobody expected."""
    return _response(unexpected_problem(path, error_id))


def problem_of(error: MailroomError, path: str) -> Problem:
    """Return an error of the domain as a problem."""
    if isinstance(error, CheckFailed):
        steps = [StepView.model_validate(step) for step in error.steps]
        return problem_of(error.cause, path).model_copy(update={"steps": steps})
    status, kind = next((status, kind) for base, status, kind in KINDS if isinstance(error, base))
    if isinstance(error, Conflict) and error.stale:
        status, kind = 412, "stale"
    detail = "Some fields are wrong. See `errors`." if isinstance(error, Invalid) else error.message
    limited = error.limited if isinstance(error, LimitReached | TooOften) else None
    return _problem(path, status, kind, detail, remedy=error.remedy, errors=_faults(error), limited=limited)


def _faults(error: MailroomError) -> list[Fault]:
    if isinstance(error, Invalid | Conflict):
        return error.faults
    if isinstance(error, ParametersInvalid):
        return [Fault(f"parameters.{wrong.field}", wrong.message, error.remedy) for wrong in error.problems]
    if isinstance(error, ConfigurationError) and error.field:
        return [Fault(error.field, error.message, error.remedy)]
    return []


async def _domain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MailroomError)
    return answer_to(error, request.url.path)


def answer_to(error: MailroomError, path: str) -> JSONResponse:
    """Return the answer to an error of the domain."""
    found, headers = problem_of(error, path), {}
    if found.status in (429, 503):
        cause = error.cause if isinstance(error, CheckFailed) else error
        seconds = getattr(cause, "not_before", None) or 5
        headers["Retry-After"] = str(max(1, round(seconds)))
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(math.ceil(error.again_in))
    return _response(found, headers)


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    return problem(request.url.path, error.status, error.kind, error.detail, remedy=error.remedy, headers=error.headers)


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults, body = [], _body_of(request)
    for detail in error.errors():
        place, *rest = detail["loc"]
        if place == "path":
            return problem(
                request.url.path,
                404,
                "not-found",
                "There is nothing at this address.",
                remedy=("Check the id in the path."),
            )
        if detail["type"] == "missing" and not rest:
            return problem(request.url.path, 422, "invalid", "A JSON body is needed.", remedy="See /docs for examples.")
        found = ErrorDetails(type=detail["type"], loc=tuple(rest), msg=detail["msg"], input=None)
        faults.append(fault_from(found, model=body if place == "body" else None))
    return problem(request.url.path, 422, "invalid", "Some fields are wrong. See `errors`.", errors=faults)


def _body_of(request: Request) -> TypeAdapter[Any] | None:
    """Return what the route's body is validated against, as FastAPI itself does not say where an error lies in it."""
    route = request.scope.get("route")
    field = route.body_field if isinstance(route, APIRoute) else None
    return TypeAdapter(field.field_info.annotation) if field and field.field_info.annotation else None


_REMEDIES = {
    404: "GET /api/v1/openapi.json lists every path. Check upper and lower case and trailing slashes.",
    405: "The Allow header lists the methods that work here.",
}


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    kind = status.phrase.lower().replace(" ", "-")
    detail = f"{request.method} {request.url.path[:200]}: {status.description or status.phrase}."
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED and (
        allowed := methods_of(request.app.openapi()["paths"], request.scope["path"])
    ):
        headers["Allow"] = ", ".join(allowed)
    return problem(request.url.path, status, kind, detail, remedy=_REMEDIES.get(status, ""), headers=headers)


def install(app: FastAPI) -> None:
    """Map every error of the domain and of the framework."""
    app.add_exception_handler(MailroomError, _domain)
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses=` for a route: each status as a problem document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
