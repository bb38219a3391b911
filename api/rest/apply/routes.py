"""REST for objects that are kept as code: apply documents, export them, and their JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from api.actions.apply import export as exporting
from api.actions.apply.actions import apply as apply_documents
from api.actions.apply.views import AppliedView, ExportedDocument
from api.actions.view import PageView
from api.http.bodies import DocumentedAs, examples
from api.http.dependencies import CallerDep, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.http.reading import read as read_as
from api.rest.apply.examples import CALENDAR, SCHEDULE
from mailroom.access.permissions import Action
from mailroom.as_code.schema import document_schema
from mailroom.as_code.spec import ApplyRequest, BundleName, Kind

router = APIRouter(tags=["code"], route_class=JsonRoute)


DocumentsBody = Annotated[
    dict[str, Any],
    DocumentedAs(ApplyRequest),
    Body(
        openapi_examples=examples(
            look_first={"documents": [CALENDAR, SCHEDULE], "bundle": "sales", "dry_run": True},
            apply={
                "documents": [CALENDAR, SCHEDULE],
                "bundle": "sales",
                "source": "git.example.com/reports@4f2a1c",
            },
        )
    ),
]


@router.post("/apply", responses=documented(400, 409, 413, 422), openapi_extra=may(Action.CODE_APPLY))
async def apply(
    body: DocumentsBody,
    caller: CallerDep,
) -> AppliedView:
    """Make objects what their documents say. Each document is applied completely or not at all.

    One that fails stops no other. What is there already and the same stays untouched, so the request can be repeated:
    it goes on where it stopped. Whoever applies needs the right to do the same by the endpoint of each object.
    `dry_run` changes nothing.
    """
    return await apply_documents(caller, read_as(ApplyRequest, body))


@router.post("/apply/preview", responses=documented(400, 409, 413, 422), openapi_extra=may(Action.CODE_READ))
async def preview(body: DocumentsBody, caller: CallerDep) -> AppliedView:
    """Tell what applying these documents would do. Nothing is changed, so a key of the scope `read` is enough."""
    wanted = read_as(ApplyRequest, body)
    return await apply_documents(caller, wanted.model_copy(update={"dry_run": True}))


@router.get("/export", responses=documented(422), openapi_extra=may(Action.CODE_READ))
async def export(
    caller: CallerDep,
    kind: Annotated[Kind, Query(description="The kind of the objects.")] = Kind.SCHEDULE,
    bundle: Annotated[BundleName | None, Query(description="Export only what was applied from this bundle.")] = None,
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the previous page.")] = None,
    limit: Limit = 50,
) -> PageView[ExportedDocument]:
    """Write the objects of a kind as documents, without secrets, by name.

    Left out are schedules that have nothing left to send, sample data and teams without an external id.
    """
    return await exporting.page(caller, kind, bundle=bundle, cursor=cursor, limit=limit)


@router.get("/schemas/documents", openapi_extra=may(Action.CODE_READ))
async def schema(_caller: CallerDep) -> dict[str, Any]:
    """Get the JSON Schema of documents, for editors and checks."""
    return dict(document_schema())
