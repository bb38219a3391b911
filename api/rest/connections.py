"""Connections: credentials go in, and never come out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.http.bodies import examples
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.problems import documented
from api.services import CallerDep, ConnectionName, ServicesDep
from api.views import CheckView, ConnectionDetail, ConnectionKind, ConnectionView, PageView
from mailroom.connections import repository as connection_repository
from mailroom.connections import service as connections
from mailroom.connections.kinds import block_types, is_channel
from mailroom.connections.service import ConnectionSettings, NewConnection

router = APIRouter(prefix="/connections", tags=["connections"], route_class=JsonRoute)

SMTP = {
    "kind": "email",
    "description": "The company's mail server",
    "settings": {
        "credentials": {
            "smtp_server": "smtp.example.com",
            "smtp_port": 587,
            "smtp_type": "STARTTLS",
            "username": "reports@example.com",
            "password": "…",
        },
        "from_address": "reports@example.com",
    },
}
FOLDER = {"kind": "folder", "description": "", "settings": {"root": "/srv/reports"}}


@router.get("")
async def list_connections(_context: CallerDep, services: ServicesDep) -> PageView[ConnectionView]:
    """Every connection by name, without settings."""
    async with services.database.session() as session:
        rows = await connection_repository.every(session)
    return PageView(items=[ConnectionView.model_validate(row) for row in rows])


@router.get("/kinds")
async def kinds(_context: CallerDep) -> PageView[ConnectionKind]:
    """What connections there can be, each with the JSON Schema of its settings."""
    return PageView(
        items=[
            ConnectionKind(
                kind=kind,
                title=block.get_block_type_name(),
                description=block.get_description() or "",
                use="channel" if is_channel(kind) else "source",
                settings=block.model_json_schema(),
            )
            for kind, block in block_types().items()
        ]
    )


@router.post("", status_code=201, response_model=ConnectionView, responses=documented(400, 409, 422, 503))
async def create(
    body: Annotated[
        NewConnection,
        Body(
            openapi_examples=examples(email={"name": "corp-smtp", **SMTP}, folder={"name": "shared-folder", **FOLDER})
        ),
    ],
    context: CallerDep,
    once: OnceDep,
) -> Response:
    """Store a connection: its settings as an encrypted Prefect block, its name and kind with us."""

    async def work(session: AsyncSession) -> Answer:
        row = await connections.create(session, body, context)
        location = {"Location": f"/api/v1/connections/{row.name}"}
        return Answer(201, ConnectionView.model_validate(row), location)

    return await once.perform(work)


@router.get("/{name}", responses=documented(404, 422, 503))
async def read(name: ConnectionName, context: CallerDep, services: ServicesDep) -> ConnectionDetail:
    """One connection with its settings; secrets only show that they are set."""
    async with services.database.session() as session:
        row = await connection_repository.get(session, name)
    shown = await connections.shown(row, context.settings)
    return ConnectionDetail(**ConnectionView.model_validate(row).model_dump(), settings=shown)


@router.put("/{name}", response_model=ConnectionView, responses=documented(400, 404, 409, 422, 503))
async def replace(
    name: ConnectionName,
    body: Annotated[ConnectionSettings, Body(openapi_examples=examples(email=SMTP, folder=FOLDER))],
    context: CallerDep,
    services: ServicesDep,
) -> ConnectionView:
    """Replace all of its settings. Secrets must be sent again: a stored one is never taken over."""
    async with services.database.session() as session:
        return ConnectionView.model_validate(await connections.replace(session, name, body, context))


@router.delete("/{name}", status_code=204, responses=documented(404, 409, 503))
async def delete(name: ConnectionName, context: CallerDep, services: ServicesDep) -> Response:
    """Delete it with its block; refused while schedules or reports use it."""
    async with services.database.session() as session:
        await connections.delete(session, name, context)
    return Response(status_code=204)


@router.post("/{name}/check", responses=documented(404, 422, 503))
async def check(name: ConnectionName, context: CallerDep, services: ServicesDep) -> CheckView:
    """Ask the far side whether the connection works; nothing is delivered. What is wrong comes as a problem."""
    async with services.database.session() as session:
        row = await connection_repository.get(session, name)
    return CheckView(ok=True, message=await connections.check(row, context.settings))
