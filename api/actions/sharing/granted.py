"""Say who may use a connection by names and addresses, as a page shows it, where the service has ids."""

from __future__ import annotations

from pydantic import Field

from api.actions.caller import Caller
from api.actions.sharing import actions as sharing
from api.actions.view import View
from mailroom.access import repository as access
from mailroom.access.sharing import GrantedTo
from mailroom.errors import Fault, Invalid
from mailroom.roles import Role

MOST_TEAMS = 200


class TeamChoice(View):
    """A team, and whether it may use the connection."""

    id: str
    name: str
    granted: bool


class Granted(View):
    """Hold who may use a connection besides admins."""

    roles: list[Role]
    teams: list[TeamChoice] = Field(description="Every team, up to 200, and those that have it.")
    users: list[str] = Field(description="The mail addresses of the users.")


async def read(caller: Caller, name: str) -> Granted:
    """Return who may use a connection.

    Raises:
        NotFound, Forbidden.
    """
    kept = await sharing.grants_of(caller, name)
    async with caller.session() as session:
        users = await access.users_named(session, viewer=caller.viewer, ids=kept.users)
        teams = await access.teams_page(session, viewer=caller.viewer, limit=MOST_TEAMS)
        choices = [TeamChoice(id=one.id, name=one.name, granted=one.id in kept.teams) for one in teams.items]
    return Granted(roles=kept.roles, teams=choices, users=[one.email for one in users])


async def write(caller: Caller, name: str, *, roles: list[Role], teams: list[str], users: list[str]) -> GrantedTo:
    """Let these roles, teams by id, and users by address use a connection, and nobody else but admins.

    Raises:
        NotFound, Forbidden.
        Invalid: naming each address that no user has, by its place.
    """
    kept = await sharing.grants_of(caller, name)
    async with caller.session() as session:
        known = await access.users_named(session, viewer=caller.viewer, emails=users)
        shown = await access.teams_page(session, viewer=caller.viewer, limit=MOST_TEAMS)
    found = {one.email.lower(): one.id for one in known}
    missing = [
        Fault("users", f"Nobody here has the address '{email[:100]}'.", "Check it, or create the user first.")
        for email in users
        if email.lower() not in found
    ]
    if missing:
        raise Invalid(missing)
    ids = list(dict.fromkeys(found[email.lower()] for email in users))
    # A team that nobody was shown cannot have been taken off.
    beyond = sorted(set(kept.teams) - {one.id for one in shown.items})
    return await sharing.grant(caller, name, GrantedTo(users=ids, teams=[*teams, *beyond], roles=roles))
