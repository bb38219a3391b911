"""REST for the live preview of a destination: its subject, text and paths with their values."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from api.actions.distribution.message import MessagePreview
from api.actions.distribution.message import message as preview_message
from api.actions.distribution.preview import DestinationPreview, DestinationPreviewRequest
from api.actions.distribution.preview import preview as preview_destination
from api.http.bodies import DocumentedAs
from api.http.dependencies import CallerDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read
from api.rest.distribution.examples import PREVIEWS
from mailroom.access.permissions import Action
from mailroom.schedules.spec import in_zone

router = APIRouter(prefix="/distribution", tags=["distribution"], route_class=JsonRoute)


@router.post("/preview", responses=documented(400, 422), openapi_extra=may(Action.SCHEDULE_CREATE))
async def preview(
    body: Annotated[dict[str, Any], DocumentedAs(DestinationPreviewRequest), Body(openapi_examples=PREVIEWS)],
    caller: CallerDep,
) -> DestinationPreview:
    """Show the subject, text and paths of a destination as the next delivery would have them.

    Nothing is stored or sent. What is wrong with the destination or its variables is answered as `faults`, each with
    its place, beside what can be shown all the same.
    """
    wanted = read(DestinationPreviewRequest, in_zone(body, caller.context.user.timezone))
    return await preview_destination(caller, wanted)


@router.post("/preview/message", responses=documented(400, 404, 422, 503), openapi_extra=may(Action.SCHEDULE_CREATE))
async def message(
    body: Annotated[dict[str, Any], DocumentedAs(DestinationPreviewRequest), Body(openapi_examples=PREVIEWS)],
    caller: CallerDep,
) -> MessagePreview:
    """Show the message of a destination exactly as its readers will see it at the next due time, with today's data.

    The report is rendered for it, within the limits of a preview. Nothing is stored or sent.
    """
    wanted = read(DestinationPreviewRequest, in_zone(body, caller.context.user.timezone))
    return await preview_message(caller, wanted)
