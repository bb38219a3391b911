"""REST for the keys of users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.actions.keys import actions as keys
from api.actions.keys.views import KeyView, NewKeyView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.members.spec import NewKey

router = APIRouter(prefix="/keys", tags=["users"], route_class=JsonRoute)


@router.get("", responses=documented(404, 422), openapi_extra=may(Action.KEY_LIST))
async def list_keys(
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    user: Annotated[
        str | None, Query(max_length=240, description="Only keys of this user: the id, or `ext:` and external id.")
    ] = None,
) -> PageView[KeyView]:
    """List your keys, newest first, revoked ones too. An admin sees the keys of all users."""
    return await keys.page(caller, user=user, cursor=cursor, limit=limit)


@router.post("", status_code=201, responses=documented(400, 422), openapi_extra=may(Action.KEY_CREATE))
async def create(
    body: Annotated[
        NewKey,
        Body(
            openapi_examples=examples(
                to_look={"name": "Dashboard", "scope": "read", "expires_in_days": 30},
                for_a_user={"name": "Nightly job", "scope": "write", "user": "ext:nightly"},
            )
        ),
    ],
    caller: CallerDep,
    response: Response,
) -> NewKeyView:
    """Make a key. The answer shows it for the only time, so this takes no `Idempotency-Key`: no answer is kept."""
    view = await keys.create(caller, body)
    response.headers["Cache-Control"] = "no-store"
    return view


@router.delete("/{key_id}", status_code=204, responses=documented(404), openapi_extra=may(Action.KEY_REVOKE))
async def revoke(key_id: Id, caller: CallerDep) -> Response:
    """Revoke a key. The next request with it is refused."""
    await keys.revoke(caller, key_id)
    return Response(status_code=204)
