"""REST for who may read a schedule, and who may use a connection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from api.actions.sharing import actions as sharing
from api.http.bodies import examples
from api.http.dependencies import CallerDep, ConnectionName, Id
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.access.sharing import Audience, GrantedTo

router = APIRouter(route_class=JsonRoute)


@router.get(
    "/schedules/{schedule_id}/shares",
    tags=["schedules"],
    responses=documented(404),
    openapi_extra=may(Action.SCHEDULE_SHARE),
)
async def read_shares(schedule_id: Id, caller: CallerDep) -> Audience:
    """Get the users and teams that a schedule is shared with."""
    return await sharing.shares_of(caller, schedule_id)


@router.put(
    "/schedules/{schedule_id}/shares",
    tags=["schedules"],
    responses=documented(400, 404, 422),
    openapi_extra=may(Action.SCHEDULE_SHARE),
)
async def share(
    schedule_id: Id,
    body: Annotated[Audience, Body(openapi_examples=examples(with_a_team={"teams": ["ext:sales"]}, with_nobody={}))],
    caller: CallerDep,
) -> Audience:
    """Share a schedule for reading with these users and teams, and nobody else.

    They see it, its history, its deliveries, its files and its notifications, and cannot change anything.
    """
    return await sharing.share(caller, schedule_id, body)


@router.get(
    "/connections/{name}/grants",
    tags=["connections"],
    responses=documented(404),
    openapi_extra=may(Action.CONNECTION_GRANT),
)
async def read_grants(name: ConnectionName, caller: CallerDep) -> GrantedTo:
    """Get the users, teams and roles that may use a connection besides admins."""
    return await sharing.grants_of(caller, name)


@router.put(
    "/connections/{name}/grants",
    tags=["connections"],
    responses=documented(400, 404, 422),
    openapi_extra=may(Action.CONNECTION_GRANT),
)
async def grant(
    name: ConnectionName,
    body: Annotated[
        GrantedTo,
        Body(openapi_examples=examples(to_all_who_create={"roles": ["creator"]}, to_a_team={"teams": ["ext:sales"]})),
    ],
    caller: CallerDep,
) -> GrantedTo:
    """Let these users, teams and roles use a connection, and nobody else but admins.

    A schedule whose owner loses a connection sends nothing more through it.
    """
    return await sharing.grant(caller, name, body)
