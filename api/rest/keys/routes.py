"""REST for the keys of users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.actions.keys import actions as keys
from api.actions.keys.views import KeyView, NewKeyView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, Id, IfMatch, Limit
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.members.spec import KeySettings, NewKey

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


@router.put("/{key_id}", responses=documented(400, 404, 409, 412, 422), openapi_extra=may(Action.KEY_CHANGE))
async def replace(
    key_id: Id,
    body: Annotated[
        KeySettings,
        Body(
            openapi_examples=examples(
                narrower={"name": "Dashboard", "scope": "read", "expires_at": "2027-01-31T12:00:00Z"}
            )
        ),
    ],
    caller: CallerDep,
    response: Response,
    if_match: IfMatch = None,
) -> KeyView:
    """Rename a key, narrow its scope, or give it another end. The key itself stays the same.

    A scope is never widened, and no key is valid for longer than a new one could be.
    """
    view = await keys.replace(caller, key_id, body, if_match=if_match)
    response.headers["ETag"] = view.etag
    return view


@router.delete("/{key_id}", status_code=204, responses=documented(404), openapi_extra=may(Action.KEY_REVOKE))
async def revoke(key_id: Id, caller: CallerDep) -> Response:
    """Revoke a key. The next request with it is refused."""
    await keys.revoke(caller, key_id)
    return Response(status_code=204)
