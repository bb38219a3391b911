"""REST for connections: credentials go in, and never come out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.actions.connections import actions as connections
from api.actions.connections import unsaved
from api.actions.connections.views import (
    CheckView,
    ChoicesView,
    ConnectionDetail,
    ConnectionKind,
    ConnectionView,
    UsesView,
)
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, ConnectionName, IfMatch
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.rest.connections.examples import BUCKET, CHANGED_SMTP, FOLDER, KEPT_SMTP, SMTP
from mailroom.access.permissions import Action
from mailroom.connections.spec import ConnectionSettings, NewConnection, UnsavedConnection

router = APIRouter(prefix="/connections", tags=["connections"], route_class=JsonRoute)


def _created(view: ConnectionView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/connections/{view.name}"})


@router.get("", openapi_extra=may(Action.CONNECTION_LIST))
async def list_connections(
    caller: CallerDep,
    uses: Annotated[bool, Query(description="Count the schedules and reports that use each, as `used_by`.")] = False,
    senders: Annotated[bool, Query(description="Say as whom each sends, as `sends_as`.")] = False,
) -> PageView[ConnectionView]:
    """List the connections by name, without settings."""
    return await connections.every(caller, with_uses=uses, with_senders=senders)


@router.get("/kinds", openapi_extra=may(Action.CONNECTION_KINDS))
async def kinds(_caller: CallerDep) -> PageView[ConnectionKind]:
    """List the kinds of connections, each with the JSON Schema of its settings."""
    return connections.kinds()


@router.post(
    "",
    status_code=201,
    response_model=ConnectionView,
    responses=documented(400, 409, 422, 503),
    openapi_extra=may(Action.CONNECTION_CREATE),
)
async def create(
    body: Annotated[
        NewConnection,
        Body(
            openapi_examples=examples(email={"name": "corp-smtp", **SMTP}, folder={"name": "shared-folder", **FOLDER})
        ),
    ],
    caller: CallerDep,
    once: OnceDep,
) -> Response:
    """Create a connection. Its settings are stored in an encrypted Prefect block."""
    return await once.perform(lambda remember: connections.create(caller, body, remember), _created)


@router.post("/check", responses=documented(400, 404, 422, 429, 502, 503), openapi_extra=may(Action.CONNECTION_CREATE))
async def check_unsaved(
    body: Annotated[
        UnsavedConnection, Body(openapi_examples=examples(email=SMTP, folder=FOLDER, changed=CHANGED_SMTP))
    ],
    caller: CallerDep,
) -> CheckView:
    """Check settings before they are stored, step by step, by asking their server. Nothing is stored or delivered.

    A check that fails is a problem whose `steps` say how far it came.
    """
    return await unsaved.check_unsaved(caller, body)


@router.post(
    "/choices", responses=documented(400, 404, 422, 429, 502, 503), openapi_extra=may(Action.CONNECTION_CREATE)
)
async def choices(
    body: Annotated[UnsavedConnection, Body(openapi_examples=examples(bucket=BUCKET))], caller: CallerDep
) -> ChoicesView:
    """List what can be chosen in settings, such as the buckets that their identity may list. Nothing is stored.

    What is to be chosen may be left out; which settings that can be, `choices` of the kind says. It counts as a check.
    """
    return await unsaved.choices(caller, body)


@router.get("/{name}", responses=documented(404, 422, 503), openapi_extra=may(Action.CONNECTION_READ))
async def read(name: ConnectionName, caller: CallerDep, response: Response) -> ConnectionDetail:
    """Get one connection with its settings. A secret is shown only as set or not set."""
    view = await connections.read(caller, name)
    response.headers["ETag"] = view.etag
    return view


@router.put(
    "/{name}",
    response_model=ConnectionView,
    responses=documented(400, 404, 409, 412, 422, 503),
    openapi_extra=may(Action.CONNECTION_CHANGE),
)
async def replace(
    name: ConnectionName,
    body: Annotated[
        ConnectionSettings, Body(openapi_examples=examples(email=SMTP, folder=FOLDER, kept_secret=KEPT_SMTP))
    ],
    caller: CallerDep,
    response: Response,
    if_match: IfMatch = None,
) -> ConnectionView:
    """Replace all settings of a connection. A setting that is left out gets its default; a secret, none.

    A secret that is sent as it is shown, `{"secret": true}`, stays as it is stored. It has to be sent again when a
    setting changes that may decide where it is sent, such as a host.
    """
    view = await connections.replace(caller, name, body, if_match=if_match)
    response.headers["ETag"] = view.etag
    return view


@router.delete(
    "/{name}", status_code=204, responses=documented(404, 409, 412, 503), openapi_extra=may(Action.CONNECTION_DELETE)
)
async def delete(name: ConnectionName, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Delete a connection with its block. Refused while schedules or reports use it; `errors` names them."""
    await connections.delete(caller, name, if_match=if_match)
    return Response(status_code=204)


@router.get("/{name}/uses", responses=documented(404), openapi_extra=may(Action.CONNECTION_USES))
async def uses(name: ConnectionName, caller: CallerDep) -> UsesView:
    """List the schedules and reports that use a connection. Those that you may not see are only counted."""
    return await connections.uses(caller, name)


@router.post("/{name}/check", responses=documented(404, 422, 429, 502, 503), openapi_extra=may(Action.CONNECTION_CHECK))
async def check(name: ConnectionName, caller: CallerDep) -> CheckView:
    """Check whether the connection works, step by step, by asking its server. Nothing is delivered. The result is kept.

    A check that fails is a problem whose `steps` say how far it came.
    """
    return await connections.check(caller, name)


@router.post("/{name}/enable", responses=documented(404), openapi_extra=may(Action.CONNECTION_CHANGE))
async def enable(name: ConnectionName, caller: CallerDep) -> ConnectionView:
    """Let deliveries go through a connection again whose breaker is open, or that was disabled. What waits goes on."""
    return await connections.enable(caller, name)
