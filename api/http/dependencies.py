"""Define the parameters that routes share: the services, the caller, and the ids and headers that are checked here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request

from api.actions.caller import Caller
from api.http.problems import Refusal
from api.services import Services
from mailroom.access.service import ensure_default_user
from mailroom.context import Context
from mailroom.errors import Invalid


def services(request: Request) -> Services:
    """Return the services of this process."""
    found = request.app.state.services
    assert isinstance(found, Services)
    return found


ServicesDep = Annotated[Services, Depends(services)]


async def plain_query(request: Request) -> None:
    """Refuse a NUL in the query string, which Postgres cannot store or compare."""
    for name, value in request.query_params.multi_items():
        if "\0" in name or "\0" in value:
            raise Invalid.at(name.replace("\0", "")[:60], "The query string contains a NUL character.", "Remove it.")


async def caller(found: ServicesDep) -> Caller:
    """Return who asks, and when: the key stands for the default user."""
    now = datetime.now(UTC)
    async with found.database.session() as session:
        user = await ensure_default_user(session, now, found.settings)
    if not user.is_active:
        raise Refusal(403, "forbidden", f"The user {user.email} is disabled.", remedy="Ask the operator to enable it.")
    return Caller(found, Context(user=user, now=now, settings=found.settings))


CallerDep = Annotated[Caller, Depends(caller)]

Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,80}$", description="An id, as shown in lists.")]
ConnectionName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$", description="The name of the connection.")]


Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the previous page.")]
Limit = Annotated[int, Query(ge=1, le=200, description="The number of rows per page.")]
IfMatch = Annotated[
    str | None,
    Header(
        max_length=200,
        description=("The ETag of the version that your change is based on. An outdated one is refused with 412."),
    ),
]
