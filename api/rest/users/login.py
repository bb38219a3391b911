"""REST for how users log in with a browser: passwords and one-time links."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.actions.login import links
from api.actions.login.links import LinkView
from api.actions.login.password import change_password
from api.http.bodies import examples
from api.http.dependencies import CallerDep, Reference
from api.http.json_body import JsonRoute
from api.http.permission import may
from api.http.problems import documented
from mailroom.access.permissions import Action
from mailroom.members.links import NewLink
from mailroom.members.passwords import LONGEST

router = APIRouter(prefix="/users", tags=["users"], route_class=JsonRoute)


class NewPassword(BaseModel):
    """A new password, with the current one where there is one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    current: SecretStr | None = Field(default=None, max_length=LONGEST)
    new: SecretStr = Field(max_length=LONGEST, description="12 characters or more.")


@router.put(
    "/{user_id}/password",
    status_code=204,
    responses=documented(400, 404, 409, 422, 429),
    openapi_extra=may(Action.USER_PASSWORD),
)
async def put_password(
    user_id: Reference,
    body: Annotated[
        NewPassword,
        Body(
            openapi_examples=examples(
                change={"current": "correct horse battery staple", "new": "many trains leave at dawn"},
                first_one={"new": "many trains leave at dawn"},
            )
        ),
    ],
    caller: CallerDep,
) -> Response:
    """Change your password; your other sessions end. A first one is set in a session, not with a key."""
    current = body.current.get_secret_value() if body.current else None
    await change_password(caller, user_id, current=current, new=body.new.get_secret_value())
    return Response(status_code=204)


@router.post(
    "/{user_id}/links",
    status_code=201,
    responses=documented(400, 404, 409, 422),
    openapi_extra=may(Action.USER_LINK),
)
async def make_link(
    user_id: Reference,
    body: Annotated[
        NewLink, Body(openapi_examples=examples(log_in={"purpose": "login"}, new_password={"purpose": "reset"}))
    ],
    caller: CallerDep,
    response: Response,
) -> LinkView:
    """Make a one-time link for a user, to log in or to set a new password. The answer shows it for the only time."""
    view = await links.make(caller, user_id, body)
    response.headers["Cache-Control"] = "no-store"
    return view
