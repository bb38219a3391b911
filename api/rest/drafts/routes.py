"""REST for drafts: fill a schedule in part by part, also with faults, and let it become a schedule."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field

from api.actions.drafts import actions as drafts
from api.actions.drafts.actions import Beginning
from api.actions.drafts.views import DraftSummary, DraftView
from api.actions.schedules.views import ScheduleView
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Cursor, Id, IfMatch, Limit
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from mailroom.access.permissions import Action
from mailroom.drafts.spec import Part
from mailroom.errors import Invalid

router = APIRouter(prefix="/drafts", tags=["drafts"], route_class=JsonRoute)


class NewDraft(BaseModel):
    """Hold what a draft begins with: some fields of a schedule, a template, or a schedule that is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body: dict[str, Any] = Field(
        default_factory=dict, description="Some fields of a schedule, which go before those of the template."
    )
    template: str | None = Field(default=None, max_length=80, description="The id of a template.")
    edits: str | None = Field(default=None, max_length=80, description="The id of a schedule that the draft changes.")
    copies: str | None = Field(
        default=None, max_length=80, description="The id of a schedule to begin from; the new one starts paused."
    )


class Activation(BaseModel):
    """Hold how a draft becomes a schedule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paused: bool = Field(default=False, description="Whether a new schedule waits until it is resumed.")


NewBody = Annotated[
    dict[str, Any],
    DocumentedAs(NewDraft),
    Body(
        openapi_examples=examples(
            from_a_report={"body": {"report_id": "carrier-punctuality"}},
            from_a_template={"template": "monday-morning", "body": {"report_id": "carrier-punctuality"}},
            to_change_a_schedule={"edits": "3f0c…"},
        )
    ),
]
PartBody = Annotated[
    dict[str, Any],
    Body(
        openapi_examples=examples(
            report={"report_id": "carrier-punctuality"},
            timing={"timing": {"frequency": "daily", "at": "09:00"}},
            parameters={"parameters": {}, "condition": {"send_if": "always"}},
            destinations={"formats": ["pdf"], "destinations": []},
            name={"name": "Carrier punctuality, Mondays 09:00"},
        )
    ),
]
ActivationBody = Annotated[
    dict[str, Any],
    DocumentedAs(Activation),
    Body(openapi_examples=examples(active={}, paused={"paused": True})),
]


def _created(view: DraftView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": view.links["self"]})


def _version(if_match: str | None) -> int | None:
    """Return the version that an ETag of a draft names.

    Raises:
        Invalid: it is no ETag of a draft.
    """
    if if_match in (None, "*"):
        return None
    number = if_match.removeprefix('"').removesuffix('"')
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Invalid.at("If-Match", "This is not the ETag of a draft.", "Send the ETag that the draft came with.")
    return int(number)


@router.get("", openapi_extra=may(Action.DRAFT_LIST))
async def list_drafts(caller: CallerDep, cursor: Cursor = None, limit: Limit = 50) -> PageView[DraftSummary]:
    """List your drafts, the last changed first; an admin sees those of all."""
    return await drafts.page(caller, cursor=cursor, limit=limit)


@router.post(
    "",
    status_code=201,
    response_model=DraftView,
    responses=documented(400, 404, 409, 422),
    openapi_extra=may(Action.DRAFT_CREATE),
)
async def create(body: NewBody, caller: CallerDep, once: OnceDep) -> Response:
    """Begin a draft. What is in it may have faults; the answer names them."""
    wanted = read_as(NewDraft, body)
    if sum(one is not None for one in (wanted.template, wanted.edits, wanted.copies)) > 1:
        message = "Only one of `template`, `edits` and `copies` can be what a draft begins with."
        raise Invalid.at("template", message, "Send one of them.")
    beginning = Beginning(wanted.body, wanted.template, wanted.edits, wanted.copies)
    return await once.perform(lambda remember: drafts.create(caller, beginning, remember), _created)


@router.get("/{draft_id}", responses=documented(404), openapi_extra=may(Action.DRAFT_READ))
async def read(draft_id: Id, caller: CallerDep, response: Response) -> DraftView:
    """Get one draft, with what is missing and what is wrong."""
    view = await drafts.read(caller, draft_id)
    response.headers["ETag"] = view.etag
    return view


@router.put("/{draft_id}/{part}", responses=documented(400, 404, 409, 412, 422), openapi_extra=may(Action.DRAFT_CHANGE))
async def put(
    draft_id: Id, part: Part, body: PartBody, caller: CallerDep, response: Response, if_match: IfMatch = None
) -> DraftView:
    """Replace one part of a draft. It is kept also with faults, which the answer names.

    A change is refused with 412 if the same part was changed since the version in `If-Match`.
    """
    view = await drafts.put(caller, draft_id, part, body, version=_version(if_match))
    response.headers["ETag"] = view.etag
    return view


@router.delete("/{draft_id}", status_code=204, responses=documented(404), openapi_extra=may(Action.DRAFT_DELETE))
async def delete(draft_id: Id, caller: CallerDep) -> Response:
    """Throw a draft away."""
    await drafts.delete(caller, draft_id)
    return Response(status_code=204)


@router.post(
    "/{draft_id}/activate",
    response_model=ScheduleView,
    responses=documented(400, 404, 409, 412, 422),
    openapi_extra=may(Action.DRAFT_ACTIVATE),
)
async def activate(draft_id: Id, body: ActivationBody, caller: CallerDep) -> Response:
    """Let a draft become a schedule, or change the one that it is for. A repeated call answers with the same schedule.

    A draft that changes a schedule is refused with 412 if the schedule was changed since the draft began.
    """
    view = await drafts.activate(caller, draft_id, paused=read_as(Activation, body).paused)
    return Answer(200, view, {"ETag": view.etag}).response()
