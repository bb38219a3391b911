"""REST for users: people and service accounts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.actions.users import actions as users
from api.actions.users.views import ChangedUserView, UserView
from api.actions.view import PageView
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Cursor, IfMatch, Limit, Reference
from api.http.idempotency import Answer, OnceDep
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from api.rest.users.examples import PERSON, SERVICE
from mailroom.access.permissions import Action
from mailroom.members.own_preferences import PreferencesPatch
from mailroom.members.spec import UserSettings

router = APIRouter(prefix="/users", tags=["users"], route_class=JsonRoute)
PreferencesBody = Annotated[
    PreferencesPatch,
    Body(
        media_type="application/merge-patch+json",
        openapi_examples=examples(dark={"theme": "dark"}, tokyo={"timezone": "Asia/Tokyo", "locale": "ja-JP"}),
    ),
]
UserBody = Annotated[UserSettings, Body(openapi_examples=examples(person=PERSON, service_account=SERVICE))]


def _created(view: UserView) -> Answer:
    return Answer(201, view, {"ETag": view.etag, "Location": f"/api/v1/users/{view.id}"})


@router.get("", responses=documented(404, 422), openapi_extra=may(Action.USER_LIST))
async def list_users(
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    team: Annotated[
        str | None, Query(max_length=240, description="Only members of this team: its id, or `ext:` and external id.")
    ] = None,
) -> PageView[UserView]:
    """List the users that you may see, by address: an admin sees all, others their own team."""
    return await users.page(caller, team=team, cursor=cursor, limit=limit)


@router.post(
    "",
    status_code=201,
    response_model=UserView,
    responses=documented(400, 409, 422),
    openapi_extra=may(Action.USER_CREATE),
)
async def create(body: UserBody, caller: CallerDep, once: OnceDep) -> Response:
    """Create a user. Log-in is by a key: POST /api/v1/keys."""
    return await once.perform(lambda remember: users.create(caller, body, remember), _created)


@router.get("/{user_id}", responses=documented(404), openapi_extra=may(Action.USER_READ))
async def read(user_id: Reference, caller: CallerDep, response: Response) -> UserView:
    """Get one user, by id, by `ext:` and external id, or yourself by `me`."""
    view = await users.read(caller, user_id)
    response.headers["ETag"] = view.etag
    return view


@router.put("/{user_id}", responses=documented(400, 404, 409, 412, 422), openapi_extra=may(Action.USER_CHANGE))
async def replace(
    user_id: Reference, body: UserBody, caller: CallerDep, response: Response, if_match: IfMatch = None
) -> ChangedUserView:
    """Replace everything that is said of a user.

    The schedules of a user who is disabled, or gets a role that may not own schedules, are suspended: nothing is sent
    for them until they have another owner. `suspended` lists them, and every admin gets a notification.
    """
    view = await users.replace(caller, user_id, body, if_match=if_match)
    response.headers["ETag"] = view.etag
    return view


@router.patch("/{user_id}/preferences", responses=documented(400, 404, 422), openapi_extra=may(Action.USER_PREFER))
async def prefer(user_id: Reference, body: PreferencesBody, caller: CallerDep) -> UserView:
    """Change how you like to see pages: time zone, language of dates, hours, theme, density. `me` is you."""
    return await users.prefer(caller, user_id, body)


@router.delete("/{user_id}", responses=documented(404, 409), openapi_extra=may(Action.USER_DISABLE))
async def disable(user_id: Reference, caller: CallerDep) -> ChangedUserView:
    """Disable a user. Keys end at once and schedules are suspended; the user and the history stay on record."""
    return await users.disable(caller, user_id)
